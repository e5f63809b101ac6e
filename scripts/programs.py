"""Programs that run to their end: their output and CPU time, or why they failed, in one line."""

import re
import resource
import subprocess
from collections.abc import Sequence
from typing import Any

from wharf_proxy.errors import ConfigurationError

#: Begin of an error. Terraform, in a frame with colors, and nft print the place after the error.
ERROR = re.compile(r"^(?:│ |\S+: )?Error: ")


def output_of(
    task: str,
    command: Sequence[str],
    error: type[Exception] = ConfigurationError,
    *,
    text: str = "",
    **options: Any,
) -> str:
    """Run a program to its end, and return its standard output.

    Args:
        task: what fails if the program fails; the error begins with it.
        command: program and arguments; no password, since processes are listed.
        error: class of the exception.
        text: standard input of the program.
        options: options of ``subprocess.run``, such as ``cwd``, ``env`` and ``timeout``.

    Raises:
        error: the exit status is not 0; the text is the task and the reason.
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, **options
    )
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout).splitlines()
        raise error(f"{task}: {reason(lines) or f'exit status {done.returncode}'}")
    return done.stdout


def children_cpu() -> float:
    """Return the CPU seconds of the programs that this process has run to their end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reason(lines: Sequence[str]) -> str:
    """Return the reason of a failure from a program's output: the first error, or the last line."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [ERROR.sub("", line) for line in said if ERROR.match(line)]
    return "".join((errors or said[-1:])[:1])
