"""The worker processes of a host's nginx, which a reload replaces."""

import signal
from contextlib import suppress

import psutil

from integration.settled import settled


def old_workers(nginx: psutil.Process) -> set[psutil.Process]:
    """Return the workers below a process that end with their last transfer."""
    found = set()
    for one in nginx.children(recursive=True):
        with suppress(psutil.Error):  # it ends just now
            if "worker process is shutting down" in " ".join(one.cmdline()):
                found.add(one)
    return found


def renew_workers(nginx: psutil.Process) -> None:
    """Reload an nginx, by its master process, and wait until no worker of before takes requests."""
    before = set(nginx.children())
    nginx.send_signal(signal.SIGHUP)

    def still_serving() -> int:
        return len(before & set(nginx.children()) - old_workers(nginx))

    settled("workers of before the reload to end", still_serving, 0)
