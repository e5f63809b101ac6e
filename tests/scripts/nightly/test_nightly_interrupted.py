"""A night is interrupted, or its output is closed, and the registry is destroyed."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.nightly.steps import Steps

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
#: A night whose target records its calls; the deployment runs until it is ended.
NIGHT = r"""
import sys
from scripts.cli import main
from scripts.nightly import nightly_command as nightly

DEPLOY = '''
import signal, time
signals = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: signals.append(signal.Signals(number).name))
print('deploying', flush=True)
while not signals:
    time.sleep(0.05)
time.sleep(1)
print('got', *signals, flush=True)
'''
DESTROY = "import time\nfor _ in range(20): time.sleep(0.05); print('destroying', flush=True)"

class Target(nightly.Target):
    name = "local"

    def load(self, access):
        return ()

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
sys.exit(main())
"""


def night(directory: Path, *options: str) -> list[str]:
    where = ("local", "--directory", str(directory))
    return [sys.executable, "-c", NIGHT, "nightly", *where, *options]


def start(directory: Path) -> subprocess.Popen[bytes]:
    """Start a night, and wait until its deployment runs."""
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


def test_it_destroys_after_its_output_was_closed(tmp_path: Path) -> None:
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


def test_it_destroys_after_its_terminal_was_closed(tmp_path: Path) -> None:
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
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert done(tmp_path) == "swept destroyed swept "
    assert failures(tmp_path) == ["interrupted by SIGHUP"]


def test_a_full_disk_does_not_end_a_program() -> None:
    steps = Steps(Path("/dev/full"))
    assert steps.run("destroy", [sys.executable, "-c", "print('all of it')"]) == "all of it\n"


def test_a_second_interrupt_does_not_keep_it_from_destroying(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        while "destroying\n" not in (tmp_path / "nightly.log").read_text():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert b"SIGINT: destroying the registry; further signals are ignored" in output
    # After a second signal Terraform would not delete its lock.
    assert b"\ngot SIGINT\n" in output
    assert done(tmp_path) == "swept destroyed swept "
