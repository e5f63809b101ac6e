"""Current clients: the page on them is right, and no command has a password."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from integration.clients.deployment import ClientError
from integration.clients.program import Can, Client
from integration.clients.root import root_file_system
from integration.clients.sandbox import Sandbox
from integration.clients.table import CLIENTS, able, table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "clients.md"
PASSWORD = "of-nobody-else"
#: Writes its arguments beside the root file system, its last argument, and makes it.
MMDEBSTRAP = """#!/bin/sh
for root; do :; done
echo "$@" >>"${root%/root}/calls"
mkdir "$root" && touch "$root/made"
exit ${STATUS:-0}
"""


class RecordingSandbox(Sandbox):
    """Runs nothing; keeps the commands, variables and texts."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.texts: list[str] = []

    def run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, text: str = ""
    ) -> str:
        self.called += [*command, *(environment or {}).values()]
        self.texts.append(text)
        return ""

    def write(self, path: str, text: str) -> None:
        self.called.append(path)
        self.texts.append(text)


def test_page_has_the_table() -> None:
    assert table() in PAGE.read_text(), "put what wharf clients --table prints there"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("can", Can)
def test_client_has_an_ability_or_the_reason_why_not(client: type[Client], can: Can) -> None:
    assert (client in able(can)) != (can in client.cannot)


@pytest.mark.parametrize("client", CLIENTS)
def test_password_is_in_no_command(client: type[Client]) -> None:
    sandbox = RecordingSandbox()
    client(sandbox, "registry.example.com", "ci").login(PASSWORD)
    assert any(sandbox.texts)
    assert not [word for word in sandbox.called if PASSWORD in word]


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in the place of mmdebstrap."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mmdebstrap").write_text(MMDEBSTRAP)
    (tmp_path / "bin" / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def calls(directory: Path) -> list[str]:
    return (directory / "calls").read_text().splitlines()


@pytest.mark.usefixtures("mmdebstrap")
def test_root_is_made_once_for_a_list_of_packages(tmp_path: Path) -> None:
    directory = tmp_path / "clients"
    root = root_file_system(["crane", "oras"], directory)
    assert root_file_system(["oras", "crane"], directory) == root
    assert len(calls(directory)) == 1
    assert root_file_system(["crane"], directory) == root
    assert "oras" in calls(directory)[0]
    assert "oras" not in calls(directory)[1]


@pytest.mark.usefixtures("mmdebstrap")
def test_root_that_failed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "clients"
    monkeypatch.setenv("STATUS", "1")
    with pytest.raises(ClientError, match=r"status 1; read .*mmdebstrap\.log$"):
        root_file_system(["crane"], directory)
    monkeypatch.setenv("STATUS", "0")
    assert (root_file_system(["crane"], directory) / "made").exists()


def test_root_without_mmdebstrap_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientError, match=r"run make setup-local$"):
        root_file_system(["crane"], tmp_path / "clients")
