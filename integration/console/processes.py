"""Programs and their descendants: their end together, and the CPU time and memory they use.

Terraform's providers outlive a Terraform that is merely killed.
"""

import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    """Yield a program; an exception in the block ends it, and all that it has started."""
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
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=GRACE)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """Return processes and their descendants.

    Raises:
        psutil.NoSuchProcess: a process has ended.
    """
    roots = [psutil.Process(pid) for pid in pids]
    return roots + [child for root in roots for child in root.children(recursive=True)]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds that processes and their descendants have used so far."""
    times = [process.cpu_times() for process in family(pids)]
    return float(sum(time.user + time.system for time in times))


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """Return the bytes of the processes that still run.

    A page that several processes share, such as a zone of nginx, counts once (PSS).
    """
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total
