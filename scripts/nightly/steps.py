"""Programs that a night runs: what they print is shown and kept, and none outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
#: Seconds that a program gets to end in good order; Terraform finishes what it is making.
GRACE = 300


class NightlyError(Exception):
    """A step failed; the text names it."""


class Steps:
    """Runs programs from the repository's folder.

    Args:
        log: gets all that they print.
    """

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        self._log = log

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        text: str = "",
        shown: bool = True,
    ) -> str:
        """Run a program to its end; return what it printed.

        Raises:
            NightlyError: it failed.
        """
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # An interrupt at the terminal is ours to pass on, once.
            start_new_session=True,
        )
        try:
            output = self._follow(process, text, shown)
        except BaseException:
            _end(process)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
        if process.returncode != 0:
            last = ([line for line in output.splitlines() if line.strip()] or ["no output"])[-1]
            raise NightlyError(f"{name}: {last} (log: {self._log})")
        return output

    def python(self, name: str, *arguments: str, **options: str | bool) -> str:
        """Run a module of this repository.

        Raises:
            NightlyError: it failed.
        """
        text, shown = str(options.get("text", "")), bool(options.get("shown", True))
        return self.run(name, [sys.executable, "-m", *arguments], text=text, shown=shown)

    def _follow(self, process: subprocess.Popen[str], text: str, shown: bool) -> str:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        with suppress(BrokenPipeError):
            process.stdin.write(text)
            process.stdin.close()
        lines = []
        with self._log.open("a") as log:
            for line in process.stdout:
                lines.append(line)
                # What is not shown may be a password.
                if shown:
                    log.write(line)
                    log.flush()
                    print(line, end="", flush=True)
        process.wait()
        return "".join(lines)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started, first as Ctrl-C would."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
