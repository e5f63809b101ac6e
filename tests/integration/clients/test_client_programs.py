"""Client programs get the password, and nobody sees it in what was called."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis.vendor.pretty import pretty

from integration.clients.deployment import ClientError, Deployment, run_client
from integration.clients.installed import Podman

DEPLOYMENT = Deployment(
    url="https://registry.example.com", username="ci", password="of-nobody-else"
)
#: Prints its arguments and fails.
PROGRAM = '#!/bin/sh\necho "$0 $@" >&2\nexit 1\n'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put programs in the place of skopeo and podman."""
    for name in ("skopeo", "podman"):
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_the_login_is_in_a_file_that_the_program_is_told_of() -> None:
    command = ["sh", "-c", "cat $REGISTRY_AUTH_FILE"]
    login = json.loads(run_client(DEPLOYMENT, "registry.example.com", *command))
    token = DEPLOYMENT.authorization.removeprefix("Basic ")
    assert login == {"auths": {"registry.example.com": {"auth": token}}}


@pytest.mark.usefixtures("programs")
def test_no_password_in_a_command() -> None:
    with pytest.raises(ClientError, match=r"inspect docker://registry\.example\.com/a:1$") as told:
        DEPLOYMENT.skopeo().digest("a:1")
    with (
        Podman(DEPLOYMENT) as podman,
        pytest.raises(ClientError, match=r"pull --quiet registry\.example\.com/a:1$") as also,
    ):
        podman.pull("a:1")
    for failure in (told, also):
        assert DEPLOYMENT.password not in str(failure.getrepr(style="long", funcargs=True))


@pytest.mark.parametrize("show", [repr, str, pretty])
def test_who_prints_a_deployment_does_not_print_its_password(show: Callable[[object], str]) -> None:
    """hypothesis prints what a failed test was given, and asks no dataclass what may be shown."""
    assert DEPLOYMENT.username in show(DEPLOYMENT)
    assert DEPLOYMENT.password not in show(DEPLOYMENT)
