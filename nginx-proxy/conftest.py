import os
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
import trustme
import wharf_proxy
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from moto.server import ThreadedMotoServer
from pytest_httpserver import HTTPServer
from wharf_proxy.mirror_metrics import MirrorMetrics
from wharf_proxy.mirror_service import Mirrors
from wharf_proxy.mirror_store import MirrorStore
from wharf_proxy.mirrors import Mirror

from integration.local.upstream import Upstream
from tests.support.mirror_service import BUCKET, Service

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BCRYPT = "$2y$05$bgWDv0Kb/hic//tQkvc95u54tanbwTU5RCpprHuZyotZr2t7hx5ie"  # of "secret"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, which can issue others."""

    name: x509.Name
    certificate: bytes
    private_key: Key

    @property
    def key(self) -> bytes:
        return pem(self.private_key)

    def encrypted_key(self, password: bytes) -> bytes:
        return self.private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
        )


Issue = Callable[..., Identity]
Command = Callable[[Mapping[str, str | None]], dict[str, Any]]
Start = Callable[..., "subprocess.CompletedProcess[str]"]
Running = Callable[..., "subprocess.Popen[str]"]


def pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issue(
    name: str = "registry.example.com",
    *,
    issuer: Identity | None = None,
    key: Key | None = None,
    start: datetime = NOW - timedelta(days=10),
    end: datetime = NOW + timedelta(days=10),
    alternative_name: bool = True,
    ca: bool = False,
    more: Sequence[x509.ExtensionType] = (),
    public_key: rsa.RSAPublicKey | None = None,
) -> Identity:
    own_key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name if issuer else subject)
        .public_key(public_key or own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if alternative_name and not ca:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    if ca:
        basic = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(basic, critical=True)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    signer = issuer.private_key if issuer else own_key
    signed = builder.sign(
        signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    )
    return Identity(subject, signed.public_bytes(Encoding.PEM), own_key)


@pytest.fixture(name="issue")
def _issue() -> Issue:
    """Make identities that are valid around `now`, signed by themselves unless told otherwise."""
    return issue


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def user_line() -> str:
    return f"alice:{BCRYPT}\n"


@pytest.fixture
def good_files() -> dict[str, bytes]:
    """Return three files with which a proxy starts today."""
    today = datetime.now(UTC)
    server = issue(start=today - timedelta(days=1), end=today + timedelta(days=1))
    return {
        "nginx.htpasswd": f"alice:{BCRYPT}\n".encode(),
        "domain.crt": server.certificate,
        "domain.key": server.key,
    }


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(endpoint: str) -> str:
    """Return the endpoint of an empty account; the tests of a process share moto's state."""
    httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()
    return endpoint


@pytest.fixture
def s3(account: str) -> Iterator["S3Client"]:
    session = boto3.Session("key", "secret", region_name="us-east-1")
    client = session.client("s3", endpoint_url=account)
    client.create_bucket(Bucket="configuration")
    yield client
    client.close()


# Prints its arguments, then each signal, until it has to stop. Writes errors on request.
NGINX = """#!/bin/sh
trap 'echo reload' HUP
trap 'echo quit; printf "$NGINX_LAST_ERRORS" >&2; exit 0' QUIT
printf "$NGINX_ERRORS" >&2
echo "nginx $*" "$(ulimit -Sn)" "$(ulimit -Hn)"
while :; do sleep 0.05; done
"""


@pytest.fixture
def command(account: str, tmp_path: Path) -> Command:
    """Return the start program with these variables added; None removes a variable."""
    programs = tmp_path / "bin"
    programs.mkdir()
    nginx = programs / "nginx"
    nginx.write_text(NGINX)
    nginx.chmod(nginx.stat().st_mode | stat.S_IXUSR)
    usual: dict[str, str | None] = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(wharf_proxy.__file__).parents[1]),
        "NGINX_CONFIG_BUCKET": "configuration",
        "NGINX_IMAGE_BUCKET": "images",
        "NGINX_BLOB_DELIVERY": "proxy",
        "NGINX_REFRESH_SECONDS": "1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": account,
        # boto3 behaves as the 1.26 of Debian 12 and leaves the two endpoint variables to us.
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }

    def made(changes: Mapping[str, str | None]) -> dict[str, Any]:
        environment = {name: value for name, value in {**usual, **changes}.items() if value}
        program = [sys.executable, "-m", "wharf_proxy.start", "--directory", tmp_path / "run"]
        return {"args": program, "env": environment, "text": True}

    return made


@pytest.fixture
def start(command: Command) -> Start:
    """Run the start program, which ends by itself, with these variables changed."""

    def run(**changes: str | None) -> "subprocess.CompletedProcess[str]":
        done: subprocess.CompletedProcess[str] = subprocess.run(
            **command(changes), capture_output=True, check=False, timeout=60
        )
        return done

    return run


@pytest.fixture
def running(command: Command) -> Iterator[Running]:
    """Run the start program with these variables changed, and stop it after the test."""
    with ExitStack() as stack:

        def run(**changes: str | None) -> "subprocess.Popen[str]":
            process: subprocess.Popen[str] = stack.enter_context(
                subprocess.Popen(**command(changes), stdout=subprocess.PIPE)
            )
            stack.callback(process.send_signal, signal.SIGTERM)
            # A test that waits for a line in vain gets the end of the output instead.
            patience = Timer(60, process.kill)
            patience.start()
            stack.callback(patience.cancel)
            return process

        yield run


@pytest.fixture(scope="module")
def https_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HTTPServer, Path]]:
    """Yield an HTTPS server, and the file of its authority."""
    authority = trustme.CA()
    trust = tmp_path_factory.mktemp("trust") / "ca.pem"
    authority.cert_pem.write_to_path(str(trust))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer(host="localhost", ssl_context=context) as server:
        yield server, trust


@pytest.fixture
def server(https_server: tuple[HTTPServer, Path], monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """Return an HTTPS server without responses, which the proxy trusts."""
    server, trust = https_server
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trust))
    server.clear()
    return server


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream("127.0.0.1", ("robot", "pass-of-robot")).serving() as upstream:
        yield upstream


@pytest.fixture
def make(
    upstream: Upstream, s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Service]:
    trust = tmp_path / "trust.pem"
    upstream.trust(trust)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trust))
    monkeypatch.setattr("wharf_proxy.upstream.PAUSE", 0.0)

    def make(room: int = 8) -> Service:
        mirrors = [
            Mirror("docker.io", upstream.url, 300, "robot", "pass-of-robot"),
            Mirror("quay.io", upstream.url, 300, "robot", "pass-of-robot"),
        ]
        store = MirrorStore(s3, BUCKET)
        return Service(
            Mirrors(mirrors, store, MirrorMetrics(tmp_path), room), tmp_path / "mirrors.prom"
        )

    return make


@pytest.fixture
def service(make: Callable[[], Service]) -> Service:
    return make()
