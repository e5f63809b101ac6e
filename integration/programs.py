"""Programs whose children end with them: Terraform's providers outlive what is merely killed."""

import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psutil

#: Seconds that a program gets to end by itself, and then its children.
GRACE = 20


def run(command: Sequence[str], limit: float, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, for ``limit`` seconds at most; ``options`` are those of ``Popen``.

    Raises:
        subprocess.TimeoutExpired: it had to be ended, and all that it had started with it.
    """
    captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(command, **(captured | options)) as program:
        out, err = program.communicate(timeout=limit)
    return subprocess.CompletedProcess(command, program.returncode, out, err)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program; an exception in the block ends it, and all that it has started."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, **options) as program:
        try:
            yield program
        except BaseException:
            if program.poll() is None:
                _end(program.pid)
            raise


def _end(pid: int) -> None:
    """End a program; and then what it has started and not ended itself."""
    family: set[psutil.Process] = set()
    with suppress(psutil.NoSuchProcess):
        program = psutil.Process(pid)
        family |= {*program.children(recursive=True)}
        program.terminate()
        psutil.wait_procs([program], timeout=GRACE)
        # If it still runs: what it has started to end in good order.
        family |= {*program.children(recursive=True)}
        program.kill()
    end_all(family)


def end_all(processes: Collection[psutil.Process]) -> None:
    """End processes in good order, and kill those that have not ended ``GRACE`` seconds later."""
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.terminate()
    for one in psutil.wait_procs(processes, timeout=GRACE)[1]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
