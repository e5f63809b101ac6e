"""One night at a time in a folder: who comes after one that was killed waits for what it left."""

import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from scripts.nightly.steps import NightlyError, say


def hold(directory: Path, seconds: float = 0) -> TextIO:
    """Take the lock of a night's folder, which its programs hold as long as they run, too.

    Args:
        directory: of the night.
        seconds: to wait for a night that has it. It is interrupted, and so destroys what it made.

    Raises:
        NightlyError: another has it.
    """
    file = (directory / "lock").open("a+")
    file.seek(0)
    owner = file.read().strip()
    if seconds and not _free(file):
        say(f"Ending the night that still runs in {directory} (process {owner})")
        _interrupt(owner)
    try:
        Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_fixed(1),
            retry=retry_if_exception_type(BlockingIOError),
            reraise=True,
        )(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise NightlyError(
            f"--directory {directory}: a night still runs there (process {owner}, or what it has "
            "started); wait for its end, or end it"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _free(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _interrupt(owner: str) -> None:
    """End it as Ctrl-C would, if it is a night: the number may be another process's by now."""
    with suppress(ValueError, psutil.Error):
        process = psutil.Process(int(owner))
        if "scripts.nightly" in " ".join(process.cmdline()):
            process.send_signal(signal.SIGINT)
