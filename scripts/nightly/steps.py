"""Programs that a night runs: what they print is shown and kept, and none outlives it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

REPOSITORY = Path(__file__).resolve().parents[2]
#: Seconds that a program gets to end in good order; Terraform finishes what it is making.
GRACE = 300
#: Seconds to read what an ended program has printed: what it left running may hold its output open.
LAST_WORDS = 10


class NightlyError(Exception):
    """A step failed; the text names it."""


def say(text: str, end: str = "\n") -> None:
    """Print; that nobody can read it any more keeps nothing from being destroyed."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        # What waits to be printed has to go somewhere, or Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Steps:
    """Runs programs from the repository's folder.

    Args:
        log: gets all that they print.
        held: files that they hold open as long as they run.
    """

    def __init__(self, log: Path, held: Sequence[TextIO] = ()) -> None:
        self._log = log
        self._held = [file.fileno() for file in held]

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
        """Run a program to its end; return what it printed.

        ``umask`` is that of the files that it makes; -1 is this process's own.

        Raises:
            NightlyError: it failed, or took more than so many seconds, after which it is ended.
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
            pass_fds=self._held,
            umask=umask,
            # An interrupt at the terminal is ours to pass on, once.
            start_new_session=True,
        )
        lines: list[str] = []
        reader = threading.Thread(target=self._follow, args=(process, lines, shown), daemon=True)
        reader.start()
        try:
            _tell(process, text)
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise NightlyError(
                f"{name}: ended, for it took more than {(seconds or 0) / 60:g} minutes "
                f"(log: {self._log})"
            ) from None
        except BaseException:
            _end(process)
            raise
        finally:
            reader.join(LAST_WORDS)
        if process.returncode != 0:
            last = ([line.strip() for line in lines if line.strip()] or ["no output"])[-1]
            raise NightlyError(f"{name}: {last} (log: {self._log})")
        return "".join(lines)

    def python(
        self,
        name: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        text: str = "",
        shown: bool = True,
        seconds: float | None = None,
    ) -> str:
        """Run a module of this repository.

        Raises:
            NightlyError: it failed, or took more than so many seconds.
        """
        command = [sys.executable, "-m", *arguments]
        return self.run(name, command, environment, text=text, shown=shown, seconds=seconds)

    def note(self, text: str) -> None:
        """Add to the log; a full disk is no reason to end."""
        with suppress(OSError), self._log.open("a") as log:
            log.write(text)

    def _follow(self, process: subprocess.Popen[str], lines: list[str], shown: bool) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                lines.append(line)
                # What is not shown may be a password.
                if shown:
                    self.note(line)
                    say(line, end="")


def _tell(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(text)
        process.stdin.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started, first as Ctrl-C would."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
