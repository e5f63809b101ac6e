"""Programs that integration tests run: what these have started does not outlive them."""

import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from integration.console import processes as programs

#: Starts a child, writes its number to a file, and waits for it.
CHILD = 'sleep 60 & echo $! >"$0.new" && mv "$0.new" "$0"; wait'


def runs(file: Path) -> bool:
    """Return whether a process runs; one that ended and was not waited for does not run."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(int(file.read_text())).status() != psutil.STATUS_ZOMBIE
    return False


def test_a_program_that_ends_by_itself_is_told_as_it_was(tmp_path: Path) -> None:
    done = programs.run(["sh", "-c", "pwd; echo problem >&2; exit 3"], 60, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "problem\n")


@pytest.mark.parametrize(
    "script",
    [CHILD, f"trap '{CHILD}' TERM; while :; do sleep 0.1; done"],
    ids=["started before", "started to end in good order"],
)
def test_what_a_program_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(programs, "GRACE", 1)
    child = tmp_path / "child"
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run(["sh", "-c", script, str(child)], 1)
    assert not runs(child)
