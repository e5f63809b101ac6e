"""Processes in the clients' sandbox end with it, and see no process outside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from integration.clients.deployment import ClientError
from integration.clients.root import root_file_system
from integration.clients.sandbox import Sandbox
from integration.clients.table import PACKAGES
from integration.console.waiting import wait_until

pytestmark = pytest.mark.usefixtures("only_local")

#: Starts a daemon in a sandbox, says so, and waits to be killed.
OWNER = """
import sys, time
from pathlib import Path
from integration.clients.sandbox import Sandbox
with Sandbox(Path(sys.argv[1]), Path(sys.argv[2])) as sandbox:
    sandbox.start(["sleep", sys.argv[3]], "/tmp/log")
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def root() -> Path:
    return root_file_system(PACKAGES)


def test_daemon_ends_when_its_owner_is_killed(root: Path, tmp_path: Path) -> None:
    # An argument that no other process has.
    mark = f"600.{tmp_path.stat().st_ino}"
    with owner(root, tmp_path, mark) as process:
        wait_until("the daemon to start", lambda: len(_running(mark)), 1)
        process.kill()
    wait_until("the daemon to end", lambda: len(_running(mark)), 0)


def test_sandbox_has_files_and_processes_of_its_own(root: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("by both")
    with Sandbox(root, tmp_path) as sandbox:
        sandbox.write("/etc/own", "by the sandbox")
        assert sandbox.run(["cat", f"{tmp_path}/shared", "/etc/own"]) == "by bothby the sandbox"
        processes = sandbox.run(["sh", "-c", "echo /proc/[0-9]*"]).split()
    assert not (root / "etc" / "own").exists()
    # The first, which waits, and the shell.
    assert len(processes) == 2


def test_program_that_fails_is_an_error_with_its_last_line(root: Path, tmp_path: Path) -> None:
    with (
        Sandbox(root, tmp_path) as sandbox,
        pytest.raises(ClientError, match=r"^sh: no reason$"),
    ):
        sandbox.run(["sh", "-c", "echo much; echo no reason >&2; exit 3"])


@contextmanager
def owner(root: Path, shared: Path, mark: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that has a sandbox with a daemon."""
    command = [sys.executable, "-c", OWNER, str(root), str(shared), mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        try:
            yield process
        finally:
            process.kill()


def _running(mark: str) -> list[int]:
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if process.info["cmdline"] == ["sleep", mark]]
