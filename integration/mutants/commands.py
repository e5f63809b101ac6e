"""Programs that the trials run on a copy of the tree."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from integration.console import processes as programs


@dataclass(frozen=True)
class Ended:
    """Result of a program; no status means that the program had to be ended."""

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
    }
    status = None
    with log.open("w") as output, suppress(subprocess.TimeoutExpired):
        status = programs.run(
            command,
            limit,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
    return Ended(status, log.read_text())
