"""Programs that a night runs: output is shown and logged, and none outlives the night."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from wharf_proxy.errors import ConfigurationError

from scripts.programs import reason

REPOSITORY = Path(__file__).resolve().parents[2]
#: Seconds between SIGINT, SIGTERM and SIGKILL: Terraform first finishes the resource it creates.
GRACE = 300
#: Seconds to read the output of an ended program, whose children may hold the pipe open.
OUTPUT_GRACE = 10


def say(text: str, end: str = "\n") -> None:
    """Print; a closed standard output must not keep the night from destroying the registry."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        # Python flushes standard output again at exit, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Steps:
    """Runs programs in the repository's folder.

    Args:
        log: file to which the output of the programs is appended.
    """

    def __init__(self, log: Path) -> None:
        self._log = log

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        text: str = "",
        shown: bool = True,
        seconds: float | None = None,
        umask: int = -1,
    ) -> str:
        """Run a program to its end, and return its output.

        Args:
            name: name of the step, for errors.
            command: program and arguments.
            environment: variables beside those of this process.
            text: standard input of the program.
            shown: False if the output may hold a password: it is neither printed nor logged.
            seconds: limit, after which the program is ended.
            umask: mask of the program's files; -1 keeps the mask of this process.

        Raises:
            ConfigurationError: the program failed or took longer than its limit.
        """
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=umask,
            # The terminal would interrupt all processes of its session; this process interrupts the
            # program once.
            start_new_session=True,
        )
        lines: list[str] = []
        reader = threading.Thread(target=self._follow, args=(process, lines, shown), daemon=True)
        reader.start()
        try:
            _write(process, text)
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise ConfigurationError(
                f"{name}: ended after its limit of {(seconds or 0) / 60:g} minutes; "
                f"raise --minutes, or see the log {self._log}"
            ) from None
        except BaseException:
            _end(process)
            raise
        finally:
            reader.join(OUTPUT_GRACE)
        if process.returncode != 0:
            failure = reason(lines) or f"exit status {process.returncode}"
            raise ConfigurationError(f"{name}: {failure} (log: {self._log})")
        return "".join(lines)

    def python(self, name: str, *arguments: str, **options: Any) -> str:
        """Run a module of this repository as :meth:`run` does, and return its output."""
        return self.run(name, [sys.executable, "-m", *arguments], **options)

    def note(self, text: str) -> None:
        """Append to the log; a full disk must not end the night."""
        with suppress(OSError), self._log.open("a") as log:
            log.write(text)

    def _follow(self, process: subprocess.Popen[str], lines: list[str], shown: bool) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                lines.append(line)
                if shown:
                    self.note(line)
                    say(line, end="")


def _write(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(text)
        process.stdin.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a program, first with SIGINT, and its children if the program does not end in time."""
    # After one SIGINT Terraform writes the state and deletes its lock; after a second it does not.
    process.send_signal(signal.SIGINT)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    process.wait()
