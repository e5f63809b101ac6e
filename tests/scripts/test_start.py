"""``wharf start`` against an emulated account: what it makes, what it leaves, and what it says."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from integration.local.emulator.process import Emulator
from integration.local.registry import REPOSITORY, operator
from scripts.certificate import certificate
from scripts.start import start
from scripts.users import users
from tests.support.deployed_account import Account

pytestmark = pytest.mark.slow

NAMES = ("domain.crt", "domain.key", "nginx.htpasswd")
DOMAIN = "registry.example.com"
IDENTITIES = f"""
registry = "{DOMAIN}"
[[aws]]
arn = "arn:aws:iam::123456789012:role/web-*"
user = "servers"
"""


@pytest.fixture
def account(aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """Return a deployed registry, reached as an operator would, from an empty folder."""
    made = Account(aws)
    for variable in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in operator(aws).items():
        monkeypatch.setenv(variable, value)
    # It keeps the keys of another module's account.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("WHARF_NAME", made.name)
    monkeypatch.chdir(tmp_path)
    return made


def run(*options: str, password: str = "secret") -> Result:  # noqa: S107
    arguments = ["--minutes", "0", "--password-stdin", *options]
    return CliRunner().invoke(start, arguments, input=password)


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def contents() -> dict[str, bytes]:
    folder = Path("registry")
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


def test_what_is_missing_is_made_and_published(account: Account) -> None:
    said = refused(run("--domain", DOMAIN, "--user", "alice"))
    assert "no response within 0 minutes" in said
    assert sorted(account.objects()) == sorted(NAMES)
    assert contents() == account.objects()
    listed = CliRunner().invoke(users, ["list", "registry/nginx.htpasswd"])
    assert listed.stdout == "alice\n"
    assert Path("registry").stat().st_mode & 0o777 == 0o700


def test_a_second_run_makes_and_publishes_nothing(account: Account) -> None:
    run("--domain", DOMAIN, "--user", "alice")
    before = contents()
    again = run()
    assert f"https://{DOMAIN}/ on {account.host}" in again.stdout
    assert "stay as they are" in again.stdout
    assert contents() == account.objects() == before


@pytest.mark.parametrize("made", [1, 2, 3])
def test_an_interrupted_run_goes_on_with_what_is_there(account: Account, made: int) -> None:
    """After the certificate, after the user, and in the middle of publishing."""
    folder = Path("registry")
    folder.mkdir()
    CliRunner().invoke(certificate, ["create", "--domain", DOMAIN, "--directory", str(folder)])
    if made > 1:
        add = ["add", str(folder / "nginx.htpasswd"), "alice", "--password-stdin"]
        CliRunner().invoke(users, add, input="secret")
    if made > 2:
        account.publish({"nginx.htpasswd": (folder / "nginx.htpasswd").read_bytes()})
    before = contents()
    run("--domain", DOMAIN, "--user", "alice")
    assert before.items() <= contents().items()
    assert contents() == account.objects()


def test_published_files_are_not_replaced_from_another_folder(account: Account) -> None:
    run("--domain", DOMAIN, "--user", "alice")
    before = account.objects()
    again = run("--domain", DOMAIN, "--user", "bob", "--directory", "other")
    assert "stay as they are" in again.stdout
    assert "Warning: --user bob: is not in s3://" in again.stderr
    assert account.objects() == before
    assert not Path("other").exists()
    said = run("--directory", "registry")
    assert "Warning" not in said.stderr
    Path("registry/nginx.htpasswd").write_text("bob:x\n")
    assert "Warning: registry/nginx.htpasswd is not what is in s3://" in run().stderr


def test_a_part_of_other_files_is_not_replaced(account: Account) -> None:
    account.publish({"domain.key": b"another"})
    said = refused(run("--domain", DOMAIN, "--user", "alice"))
    assert f"s3://{account.bucket}/domain.key: differs from registry/domain.key" in said
    assert not contents()
    assert account.objects() == {"domain.key": b"another"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--user", "alice"], "--domain is missing"),
        (["--domain", DOMAIN], "--user is missing"),
        (["--domain", DOMAIN, "--user", "a:b"], "has a colon"),
        (["--domain", f"https://{DOMAIN}", "--user", "alice"], "without https:// and port"),
        (["--domain", "*.example.com", "--user", "alice"], "is a wildcard"),
    ],
    ids=["domain", "user", "name", "URL", "wildcard"],
)
def test_what_is_needed_is_asked_for_before_anything_is_made(
    account: Account, options: list[str], told: str
) -> None:
    assert told in refused(run(*options))
    assert not Path("registry").exists()
    assert not account.objects()


def test_a_domain_is_the_same_in_capitals(account: Account) -> None:
    said = refused(run("--domain", DOMAIN.title(), "--user", "alice"))
    assert "no response" in said
    assert f"https://{DOMAIN}/ on {account.host}" in run("--domain", DOMAIN.upper()).stdout


def test_identities_need_no_user(account: Account) -> None:
    Path("registry").mkdir()
    Path("registry/identities.toml").write_text(IDENTITIES)
    assert "no response" in refused(run("--domain", DOMAIN))
    assert sorted(account.objects()) == ["domain.crt", "domain.key", "identities.toml"]
    assert "stay as they are" in run().stdout


def test_published_permissions_are_not_replaced(account: Account) -> None:
    account.publish({"nginx.permissions": b"published"})
    Path("registry").mkdir()
    Path("registry/nginx.permissions").write_text("of the folder")
    said = refused(run("--domain", DOMAIN, "--user", "alice"))
    assert "nginx.permissions: differs from registry/nginx.permissions" in said
    assert account.objects() == {"nginx.permissions": b"published"}


@pytest.mark.usefixtures("account")
def test_permissions_that_are_not_published_are_told() -> None:
    run("--domain", DOMAIN, "--user", "alice")
    Path("registry/nginx.permissions").write_text("alice push **\n")
    assert "Warning: registry/nginx.permissions is not what is in s3://" in run().stderr


def test_published_users_that_cannot_be_read_are_named(account: Account) -> None:
    run("--domain", DOMAIN, "--user", "alice")
    account.publish({"nginx.htpasswd": b"alice:secret\n"})
    said = refused(run("--user", "bob"))
    assert said.startswith(f"Error: s3://{account.bucket}/nginx.htpasswd: line 1")


def test_a_password_without_a_terminal_is_refused(account: Account) -> None:
    options = ["--domain", DOMAIN, "--user", "alice", "--minutes", "0"]
    said = refused(CliRunner().invoke(start, options, input="secret\n"))
    assert "or use --password-stdin" in said
    assert not Path("registry").exists()
    assert not account.objects()


def test_a_wildcard_alone_needs_the_domain(account: Account) -> None:
    Path("registry").mkdir()
    create = ["create", "--domain", "*.example.com", "--directory", "registry"]
    CliRunner().invoke(certificate, create)
    said = refused(run("--user", "alice"))
    assert "registry/domain.crt: is for *.example.com: give one of its names" in said
    assert not account.objects()


def test_a_certificate_for_another_domain_is_refused(account: Account) -> None:
    Path("registry").mkdir()
    create = ["create", "--domain", "*.other.com", "--directory", "registry"]
    CliRunner().invoke(certificate, create)
    before = contents()
    said = refused(run("--domain", DOMAIN, "--user", "alice"))
    assert f"registry/domain.crt: is for *.other.com, not for {DOMAIN}" in said
    assert contents() == before
    assert not account.objects()
    assert "no response" in refused(run("--domain", "registry.other.com", "--user", "alice"))


def test_a_wrong_password_file_is_refused(account: Account) -> None:
    Path("registry").mkdir()
    Path("registry/nginx.htpasswd").write_text("alice:secret\n")
    said = refused(run("--domain", DOMAIN))
    assert "registry/nginx.htpasswd: line 1" in said
    assert not account.objects()


def test_a_certificate_without_its_key_is_refused(account: Account) -> None:
    Path("registry").mkdir()
    Path("registry/domain.crt").write_text("")
    assert "registry/domain.crt: stands alone" in refused(run("--domain", DOMAIN, "--user", "a"))
    assert not account.objects()


def test_a_name_that_is_not_deployed_is_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHARF_NAME", "nothing")
    said = refused(run("--domain", DOMAIN, "--user", "alice"))
    assert said.startswith("Error: us-east-1 has no registry nothing: deploy it with")
    account.ecs.create_cluster(clusterName="nothing")
    assert refused(run()).startswith("Error: us-east-1 has no registry nothing: deploy it with")


@pytest.mark.usefixtures("account")
def test_an_endpoint_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    assert "Invalid endpoint: nonsense: check AWS_ENDPOINT_URL" in refused(run())


@pytest.mark.usefixtures("account")
def test_a_file_that_is_named_and_missing_is_refused() -> None:
    assert refused(run("--file", "other.toml")).startswith("Error: other.toml: does not exist")


def wait_for(program: subprocess.Popen[str], text: str) -> None:
    assert program.stdout
    for line in program.stdout:
        if text in line:
            return
    pytest.fail(f"the program ended without {text!r}")


def test_three_tasks_that_end_alike_end_the_waiting(account: Account) -> None:
    """Long before the time is over, with the last lines of the log."""
    run("--domain", DOMAIN, "--user", "alice")
    command = [sys.executable, "-m", "scripts.cli", "start", "--minutes", "5"]
    host = account.host_of_its_own()
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        wait_for(waiting, "registry: no response")
        for number in range(3):
            account.end_task(f"failure {number}", host=host)
        output, errors = waiting.communicate(timeout=60)
    assert waiting.returncode == 1
    assert output.count("task ended: Essential container in task exited; nginx: status 1") == 3
    *lines, last = errors.splitlines()
    assert lines == ["  failure 2"]
    assert last.startswith("Error: 3 tasks ended: Essential container in task exited")
    assert last.endswith(f"(log: the log group {account.log})")
