from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from scripts.certificate import certificate
from scripts.publish import publish
from scripts.users import users

pytestmark = pytest.mark.slow

NAMES = ["nginx.htpasswd", "domain.crt", "domain.key"]


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Yield an empty AWS account, reached as an operator would, with one bucket."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="configuration")
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the three files, as the other two programs make them."""
    CliRunner().invoke(certificate, ["create", "--domain", "a.com", "--directory", str(tmp_path)])
    add = ["add", str(tmp_path / "nginx.htpasswd"), "alice", "--password-stdin"]
    CliRunner().invoke(users, add, input="secret")
    return tmp_path


def run(folder: Path, *more: str, bucket: str = "configuration") -> Result:
    return CliRunner().invoke(publish, ["--bucket", bucket, "--directory", str(folder), *more])


def published() -> dict[str, bytes]:
    s3 = boto3.client("s3")
    items = s3.list_objects_v2(Bucket="configuration").get("Contents", [])
    return {
        item["Key"]: s3.get_object(Bucket="configuration", Key=item["Key"])["Body"].read()
        for item in items
    }


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not published()
    return result.stderr


def test_the_three_files_are_published_and_nothing_else(folder: Path) -> None:
    (folder / "notes.txt").write_text("private")
    result = run(folder)
    assert result.exit_code == 0
    assert published() == {name: (folder / name).read_bytes() for name in NAMES}


def test_it_says_what_was_written_where(folder: Path) -> None:
    lines = run(folder).output.splitlines()
    size = (folder / "domain.key").stat().st_size
    assert lines[2] == f"Wrote s3://configuration/domain.key ({size} bytes)"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_published_if_a_file_is_missing(name: str, folder: Path) -> None:
    (folder / name).unlink()
    line = refused(run(folder))
    assert line.startswith(f"Error: {folder}: {name} missing")
    assert "(nothing was uploaded)" in line


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_published_if_a_file_is_bad(name: str, folder: Path) -> None:
    (folder / name).write_text("nonsense")
    assert refused(run(folder)).startswith(f"Error: {folder}: {name}: ")


def test_a_bucket_that_does_not_exist_is_named(folder: Path) -> None:
    line = refused(run(folder, bucket="missing"))
    assert "s3://missing/nginx.htpasswd: the bucket does not exist" in line
    assert "(nothing written)" in line


def test_an_impossible_bucket_name_is_refused(folder: Path) -> None:
    assert "not a possible bucket name" in refused(run(folder, bucket="No Bucket!"))


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "domain.key").unlink()
    (folder / "domain.key").mkdir()
    assert f"{folder / 'domain.key'}: Is a directory" in refused(run(folder))


def test_permissions_are_published_with_the_others(folder: Path) -> None:
    (folder / "nginx.permissions").write_text("alice pull *\n")
    assert run(folder).exit_code == 0
    assert published()["nginx.permissions"] == b"alice pull *\n"


def test_nothing_is_published_if_the_permissions_are_bad(folder: Path) -> None:
    (folder / "nginx.permissions").write_text("bob pull *\n")
    line = refused(run(folder))
    assert line.startswith(f"Error: {folder}: nginx.permissions: line 1: there is no user 'bob'")


def test_a_slow_password_is_published_with_a_warning(folder: Path) -> None:
    users = folder / "nginx.htpasswd"
    users.write_text(users.read_text().replace("$10$", "$13$"))
    result = run(folder)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"Warning: {folder}: nginx.htpasswd: line 1: the password of")
    assert published()["nginx.htpasswd"] == users.read_bytes()


def test_a_certificate_is_checked_against_the_ca_that_is_named(folder: Path) -> None:
    own = str(folder / "domain.crt")
    arguments = ["--bucket", "configuration", "--directory", str(folder)]
    assert CliRunner().invoke(publish, [*arguments, "--ca", own]).exit_code == 0
    other = folder / "other"
    other.mkdir()
    CliRunner().invoke(certificate, ["create", "--domain", "a.com", "--directory", str(other)])
    result = CliRunner().invoke(publish, [*arguments, "--ca", str(other / "domain.crt")])
    assert result.exit_code == 1
    assert "domain.crt: does not lead to a certificate in " in result.stderr


def test_the_certificate_is_left_to_an_authority(folder: Path) -> None:
    (folder / "domain.crt").unlink()
    (folder / "domain.key").unlink()
    assert run(folder, "--acme").exit_code == 0
    assert published().keys() == {"nginx.htpasswd"}


@pytest.mark.parametrize("name", ["domain.crt", "domain.key"])
def test_a_certificate_of_an_authority_is_not_replaced(name: str, folder: Path) -> None:
    for other in {"domain.crt", "domain.key"} - {name}:
        (folder / other).unlink()
    assert f"{name}: is there, and --acme is given" in refused(run(folder, "--acme"))


def test_logins_are_checked_without_a_certificate(folder: Path) -> None:
    (folder / "domain.crt").unlink()
    (folder / "domain.key").unlink()
    (folder / "nginx.permissions").write_text("nobody pull *")
    assert "nginx.permissions" in refused(run(folder, "--acme"))
    (folder / "nginx.htpasswd").unlink()
    assert "nginx.htpasswd missing" in refused(run(folder, "--acme"))


def test_an_own_pair_in_place_of_one_that_renews_itself_is_a_warning(folder: Path) -> None:
    mark = {"acme-directory": "https://acme.example.com/directory"}
    s3 = boto3.client("s3")
    s3.put_object(Bucket="configuration", Key="domain.crt", Body=b"x", Metadata=mark)
    assert "was renewed by itself (acme_email)" in run(folder).stderr
    assert "was renewed by itself" not in run(folder).stderr
