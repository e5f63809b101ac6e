"""Programs that the trials run: none of them outlives this one, whatever happens."""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds that a program and its children get to end by themselves.
GRACE = 20


@dataclass(frozen=True)
class Ended:
    """How a program ended; no status means that it had to be ended."""

    status: int | None
    output: str


def run(command: Sequence[str], directory: Path, log: Path, limit: float) -> Ended:
    """Run a program to its end, or for ``limit`` seconds.

    Args:
        command: the program and its arguments.
        directory: a copy of the repository: where it runs, and where Python finds its parts.
        log: gets what it prints.
        limit: seconds.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": f"{directory}:{directory / 'nginx-proxy'}",
        # A file that changes within a second to one of the same size would be taken for the same.
        "PYTHONDONTWRITEBYTECODE": "1",
        # What a roll-out changes is in the code: the state is as the last one left it.
        "TF_CLI_ARGS_apply": "-refresh=false",
    }
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as program,
    ):
        try:
            status = program.wait(limit)
        except subprocess.TimeoutExpired:
            end(program.pid)
            status = None
        except BaseException:
            end(program.pid)
            raise
    return Ended(status, log.read_text())


def end(pid: int) -> None:
    """End a program; and then what it has started and not ended itself."""
    with suppress(psutil.NoSuchProcess):
        program = psutil.Process(pid)
        family = [*program.children(recursive=True), program]
        deadline = time.monotonic() + GRACE
        with suppress(psutil.NoSuchProcess):
            program.terminate()
        psutil.wait_procs([program], timeout=GRACE)
        for one in psutil.wait_procs(family, timeout=max(0.0, deadline - time.monotonic()))[1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
