"""A night that nobody listens to any more, that is killed, or that another waits for."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scripts.nightly.alone import hold
from scripts.nightly.steps import NightlyError, Steps

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
#: A night whose registry notes what becomes of it; its deployment goes on until it is ended.
NIGHT = r"""
import sys
from scripts.nightly import __main__ as nightly

DEPLOY = "import time; print('deploying', flush=True); time.sleep(120)"
DESTROY = "import time\nfor _ in range(20): time.sleep(0.05); print('destroying', flush=True)"

class Target:
    name = "local"

    def __init__(self, steps, directory):
        self.steps, self.directory = steps, directory.parent

    def note(self, word):
        with (self.directory / "done").open("a") as file:
            file.write(f"{word} ")

    def deploy(self):
        self.steps.run("deploy", [sys.executable, "-c", DEPLOY])

    def destroy(self):
        self.steps.run("destroy", [sys.executable, "-c", DESTROY])
        self.note("destroyed")

    def sweep(self):
        self.note("swept")

nightly.Local = Target
nightly.main(["local", "--directory", *sys.argv[1:]])
"""


def night(directory: Path, *options: str) -> list[str]:
    return [sys.executable, "-c", NIGHT, str(directory), *options]


def start(directory: Path) -> subprocess.Popen[bytes]:
    """A night in the midst of its deployment."""
    process = subprocess.Popen(
        night(directory), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert any(b"deploying" in line for line in process.stdout)
    return process


def done(directory: Path) -> str:
    return (directory / "done").read_text()


def failures(directory: Path) -> list[str]:
    found: list[str] = json.loads((directory / "summary.json").read_text())["failures"]
    return found


def test_it_destroys_though_the_reader_of_its_output_is_gone(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert done(tmp_path) == "swept destroyed swept "
    assert failures(tmp_path) == ["interrupted by SIGINT"]
    assert said == "Error: interrupted by SIGINT\n"
    assert process.returncode == 1


def test_it_destroys_though_its_terminal_is_closed(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        os.execv(sys.executable, night(tmp_path))  # noqa: S606
    said = b""
    while b"deploying" not in said:
        said += os.read(terminal, 1024)
    os.close(terminal)
    while "destroying" not in (tmp_path / "nightly.log").read_text():
        time.sleep(0.05)
    # What it says to whoever is impatient, nobody can read either.
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert done(tmp_path) == "swept destroyed swept "
    assert failures(tmp_path) == ["interrupted by SIGHUP"]


def test_a_full_disk_ends_no_program() -> None:
    steps = Steps(Path("/dev/full"))
    assert steps.run("destroy", [sys.executable, "-c", "print('all of it')"]) == "all of it\n"


def test_a_second_night_does_not_begin_beside_the_first(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        second = subprocess.run(
            night(tmp_path), cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert second.returncode == 1
    assert second.stderr.startswith(f"Error: --directory {tmp_path}: a night still runs there")
    assert str(process.pid) in second.stderr


def test_who_only_destroys_ends_the_night_that_still_runs(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        closing = subprocess.run(
            night(tmp_path, "--destroy-only"),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        process.communicate()
    # It was the night itself that destroyed; nothing is left to do.
    assert done(tmp_path) == "swept destroyed swept "
    assert closing.returncode == 0, closing.stderr
    assert "Nothing to destroy" in closing.stdout


def test_who_only_destroys_after_a_night_that_was_killed_does_it(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        (child,) = psutil.Process(process.pid).children()
        process.kill()
    with pytest.raises(NightlyError, match="or what it has started"):
        hold(tmp_path)
    # What it had started is still there; it goes in its own time.
    waiting = subprocess.Popen(night(tmp_path, "--destroy-only"), cwd=REPOSITORY)
    time.sleep(2)
    assert waiting.poll() is None
    assert done(tmp_path) == "swept "
    child.kill()
    assert waiting.wait(30) == 0
    assert done(tmp_path) == "swept destroyed "
    assert "deploying" in (tmp_path / "nightly.log").read_text()
