import re
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.certificate import certificate

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(certificate, [str(a) for a in arguments])


@pytest.fixture
def create(run: Run, tmp_path: Path) -> Run:
    """Create a pair in the test's folder: `create("--domain", "a.example.com")`."""
    return lambda *arguments: run("create", "--directory", tmp_path, *arguments)


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def shake_hands(folder: Path, name: str) -> str | None:
    """Return the TLS version that a strict client, with the certificate as its CA, agrees on."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "domain.crt", folder / "domain.key")
    client = ssl.create_default_context(cafile=folder / "domain.crt")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (here, there, here, there):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return here.version()


@pytest.mark.parametrize("name", ["registry.example.com", "10.0.0.1", "::1", "a.wild.example.com"])
def test_a_strict_client_trusts_it_for_each_of_its_names(
    name: str, create: Run, tmp_path: Path
) -> None:
    names = ["registry.example.com", "10.0.0.1", "::1", "*.wild.example.com"]
    assert create(*(part for name in names for part in ("--domain", name))).exit_code == 0
    assert shake_hands(tmp_path, name) == "TLSv1.3"


def test_a_client_does_not_trust_it_for_another_name(create: Run, tmp_path: Path) -> None:
    create("--domain", "registry.example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shake_hands(tmp_path, "other.example.com")


def test_the_key_is_for_its_owner_only(create: Run, tmp_path: Path) -> None:
    create("--domain", "registry.example.com")
    assert (tmp_path / "domain.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "domain.crt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("existing", ["domain.crt", "domain.key"])
def test_what_exists_is_replaced_by_force_only(existing: str, create: Run, tmp_path: Path) -> None:
    (tmp_path / existing).write_text("precious")
    line = refused(create("--domain", "a.example.com"))
    assert f"{existing}: exists: use --force to replace existing files" in line
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]
    assert create("--domain", "a.example.com", "--force").exit_code == 0
    assert (tmp_path / existing).read_text() != "precious"


@pytest.mark.parametrize(
    "name", ["", "https://a.example.com", "a.example.com:443", "-a.com", "é.com", "a..b", "a" * 64]
)
def test_a_name_that_no_certificate_can_have_is_refused(
    name: str, create: Run, tmp_path: Path
) -> None:
    assert f"--domain {name!r}: neither a DNS name nor an IP address" in refused(
        create("--domain", name)
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("days", ["0", "3651", "x"])
def test_impossible_days_are_refused(days: str, create: Run) -> None:
    result = create("--domain", "a.example.com", "--days", days)
    assert result.exit_code == 2
    assert "--days" in result.stderr


def test_check_says_for_what_and_until_when(run: Run, create: Run, tmp_path: Path) -> None:
    create("--domain", "a.example.com", "--domain", "10.0.0.1", "--days", "30")
    result = run("check", tmp_path / "domain.crt", tmp_path / "domain.key")
    domains, expires = result.output.splitlines()
    assert domains == "Domains: a.example.com, 10.0.0.1"
    assert re.fullmatch(r"Expires: \d{4}-\d\d-\d\d \d\d:\d\d UTC, 29 days left", expires)


def test_check_refuses_the_key_of_another_certificate(
    run: Run, create: Run, tmp_path: Path
) -> None:
    create("--domain", "a.example.com")
    certificate = tmp_path / "old.crt"
    (tmp_path / "domain.crt").rename(certificate)
    create("--domain", "a.example.com", "--force")
    key = tmp_path / "domain.key"
    line = refused(run("check", certificate, key))
    assert line.startswith(f"Error: {key}: does not fit {certificate}")
