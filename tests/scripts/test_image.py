"""``wharf image``: the tag, the line in wharf.toml, and what it refuses before anything is done."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from modules.settings.settings import Settings
from scripts.image import Ecr, content_tag, image, note

pytestmark = pytest.mark.slow

NAME = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx-proxy:1"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Provide an empty account, an empty folder, and neither docker nor podman."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "WHARF_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    Path("bin").mkdir()
    with mock_aws():
        yield


def repositories() -> list[str]:
    found = boto3.client("ecr", region_name="eu-west-1").describe_repositories()["repositories"]
    return [str(repository["repositoryName"]) for repository in found]


def run(*options: str) -> Result:
    return CliRunner().invoke(image, options)


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("options", [(), ("--engine", "podman")])
def test_without_an_engine_nothing_is_done(options: tuple[str, ...]) -> None:
    Path("wharf.toml").write_text('aws_region = "eu-west-1"\n')
    assert "not on the PATH" in refused(run(*options))
    assert repositories() == []


def test_a_build_that_fails_leaves_nothing() -> None:
    before = 'aws_region = "eu-west-1"\n'
    Path("wharf.toml").write_text(before)
    false = shutil.which("false", path="/usr/bin:/bin")
    assert false
    Path("bin/podman").symlink_to(false)
    assert "podman build ended with status 1" in refused(run())
    assert repositories() == []
    assert Path("wharf.toml").read_text() == before


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--tag", "a b"),
        ("--tag", ""),
        ("--tag", ".a"),
        ("--tag", "a" * 129),
        ("--repository", "Proxy"),
        ("--repository", "a"),
        ("--repository", "/a"),
        ("--repository", "a//b"),
    ],
)
def test_a_name_that_ecr_does_not_allow_is_refused(option: str, value: str) -> None:
    result = run(option, value)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': {value!r}: write" in result.stderr


def test_a_file_that_is_named_and_missing_is_refused() -> None:
    assert refused(run("--file", "other.toml")) == (
        "Error: other.toml: does not exist: correct --file"
    )
    assert not Path("other.toml").exists()


def test_a_variable_that_wins_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHARF_PROXY_IMAGE", NAME)
    note(Path("wharf.toml"), "a", NAME)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("WHARF_PROXY_IMAGE", "another")
    note(Path("wharf.toml"), "a", NAME)
    assert "WHARF_PROXY_IMAGE names another image" in capsys.readouterr().err


def engine(fails_at: str) -> None:
    """Put a podman on the PATH that writes down what it is given."""
    podman = Path("bin/podman")
    podman.write_text(
        f"""#!/bin/sh
echo "$@" >>called
if [ "$1" = login ]; then read -r password; echo "$password" >typed; fi
[ "$1" != {fails_at} ]
"""
    )
    podman.chmod(0o755)


def test_the_password_is_typed_and_not_an_argument() -> None:
    engine(fails_at="never")
    result = run("--tag", "1")
    assert result.exit_code == 0
    build, login, push = Path("called").read_text().splitlines()
    assert build.startswith("build --platform linux/amd64 --tag")
    assert login.startswith("login --username AWS --password-stdin 123456789012.dkr.ecr.us-east-1")
    assert push.endswith(".amazonaws.com/nginx-proxy:1")
    typed = Path("typed").read_text().strip()
    assert typed
    assert typed not in result.output + Path("called").read_text()
    assert push.removeprefix("push ") in Path("wharf.toml").read_text()


@pytest.mark.parametrize("step", ["login", "push"])
def test_a_push_that_fails_leaves_the_settings(step: str) -> None:
    engine(fails_at=step)
    assert f"podman {step} ended with status 1" in refused(run("--tag", "1"))
    assert not Path("wharf.toml").exists()


def test_an_existing_repository_stays_as_it_is() -> None:
    ecr = boto3.client("ecr", region_name="us-east-1")
    ecr.create_repository(repositoryName="nginx-proxy", imageTagMutability="MUTABLE")
    Ecr(ecr, "nginx-proxy").create()
    (found,) = ecr.describe_repositories()["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"


def test_the_tag_follows_from_what_the_image_is_made_of() -> None:
    tag = content_tag(Settings(), None)
    assert tag.startswith("x86_64-")
    assert tag == content_tag(Settings(), None)
    assert tag.removeprefix("x86_64") != content_tag(Settings(), "debian:bookworm-slim")[6:]
    assert content_tag(Settings(architecture="arm64"), None).startswith("arm64-")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'proxy_image = "{NAME}"\n'),
        ("minimum_hosts = 2\n", f'proxy_image = "{NAME}"\nminimum_hosts = 2\n'),
        (
            '# mine\nproxy_image="old"  # comment\n[tags]\na = "b"\n',
            f'# mine\nproxy_image = "{NAME}"\n[tags]\na = "b"\n',
        ),
        ("[tags]\n", f'proxy_image = "{NAME}"\n[tags]\n'),
        ("[environments.a]", f'[environments.a]\nproxy_image = "{NAME}"\n'),
        (
            'proxy_image = "old"\n[environments.a] # first\n[environments.b]\nproxy_image = "b"\n',
            f'proxy_image = "old"\n[environments.a] # first\nproxy_image = "{NAME}"\n'
            '[environments.b]\nproxy_image = "b"\n',
        ),
        (
            '[environments.b]\nproxy_image = "b"\n[environments.a]\nzones = 3\nproxy_image = "a"\n',
            '[environments.b]\nproxy_image = "b"\n[environments.a]\nzones = 3\n'
            f'proxy_image = "{NAME}"\n',
        ),
    ],
    ids=["empty", "first", "replaced", "above tables", "in a table", "second", "of the table"],
)
def test_the_name_becomes_a_line_of_the_settings(before: str, after: str) -> None:
    file = Path("wharf.toml")
    file.write_text(before)
    note(file, "a", NAME)
    assert file.read_text() == after
    note(file, "a", NAME)
    assert file.read_text() == after


@pytest.mark.parametrize(
    "before",
    [
        "environments.a.zones = 3\n",
        'proxy_image = """\nold"""\n',
        'name = """\nproxy_image = 1\n"""\n',
    ],
    ids=["an inline table", "of several lines", "in a text"],
)
def test_a_file_that_only_a_person_can_change_stays(before: str) -> None:
    file = Path("wharf.toml")
    file.write_text(before)
    with pytest.raises(Exception, match=f'set it to "{NAME}"'):
        note(file, "a", NAME)
    assert file.read_text() == before
