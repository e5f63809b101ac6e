"""The programs of the container: all of them run, or none."""

import os
import resource
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from threading import Thread

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.log import error_pipe, report, report_errors

STOPS = {signal.SIGTERM, signal.SIGQUIT, signal.SIGINT}

DRAIN = 5
"""Seconds to read the last lines of the programs. A worker can outlive a killed nginx, and keeps
the pipe open."""


class Supervisor:
    """Starts programs and ends with them; to be used before there is any thread.

    A stop signal becomes SIGQUIT for each of them, on which nginx ends the requests under way
    before it ends itself. Their standard error is reported, line by line.

    Args:
        commands: the programs and their arguments.
        before_stop: called at a stop signal, while all programs go on.
        environment: the variables of the programs; those of this process if there is none.

    Raises:
        ConfigurationError: a program is not on the PATH; no program runs then.
    """

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        before_stop: Callable[[], None] = lambda: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._before_stop = before_stop
        _raise_file_limit()
        # Held back until `wait` asks for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
        self._names = [shlex.join(command) for command in commands]
        self._programs: list[subprocess.Popen[bytes]] = []
        pipe, write = error_pipe()
        self._errors = Thread(target=report_errors, args=[pipe], daemon=True)
        for command in commands:
            try:
                self._programs.append(
                    subprocess.Popen(
                        command, stderr=write, env=environment, preexec_fn=_release_signals
                    )
                )
            except OSError as error:
                self._stop()
                raise ConfigurationError(
                    f"{command[0]}: {error.strerror}: install it in the image"
                ) from None
        os.close(write)
        self._errors.start()

    def pid(self, number: int) -> int:
        """Return the process ID of a program, by its place in the list."""
        return self._programs[number].pid

    def reload(self, number: int) -> None:
        """Tell a program, by its place in the list, to read its configuration again."""
        self._programs[number].send_signal(signal.SIGHUP)

    def stop(self, number: int) -> None:
        """Tell a program, by its place in the list, to end; to be used in ``before_stop``."""
        self._programs[number].send_signal(signal.SIGQUIT)

    def wait(self) -> int:
        """Return the exit status: 0 after a stop signal, else that of the first program to end."""
        try:
            return self._wait()
        finally:
            self._errors.join(DRAIN)

    def _wait(self) -> int:
        while True:
            if signal.sigwait({*STOPS, signal.SIGCHLD}) != signal.SIGCHLD:
                self._before_stop()
                self._stop()
                return 0
            ended = [program for program in self._programs if program.poll() is not None]
            if ended:
                status = ended[0].returncode
                name = self._names[self._programs.index(ended[0])]
                report("program_ended", f"{name} ended with status {status}, so all end")
                # At once: the others are useless without it.
                for program in self._programs:
                    program.send_signal(signal.SIGTERM)
                    program.wait()
                return ended[0].returncode or 1

    def _stop(self) -> None:
        """End the programs in turn: the first may need the others for requests under way."""
        for program in self._programs:
            program.send_signal(signal.SIGQUIT)
            program.wait()


def _raise_file_limit() -> None:
    """Raise the limit of open files: each connection is an open file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _release_signals() -> None:
    # A parent process that ignores the signal makes its children ignore it, too.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
