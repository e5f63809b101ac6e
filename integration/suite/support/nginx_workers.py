"""The worker processes of a host's nginx, which a reload replaces."""

import signal
from contextlib import suppress

import psutil

from integration.console.waiting import wait_until


def old_workers(nginx: psutil.Process) -> set[psutil.Process]:
    """Return the workers below a process that end with their last transfer."""
    found = set()
    for process in nginx.children(recursive=True):
        with suppress(psutil.Error):  # it ends just now
            if "worker process is shutting down" in " ".join(process.cmdline()):
                found.add(process)
    return found


def renew_workers(nginx: psutil.Process) -> None:
    """Reload an nginx, by its master process, and wait until no worker of before takes requests."""
    before = set(nginx.children())
    nginx.send_signal(signal.SIGHUP)

    def still_serving() -> int:
        return len(before & set(nginx.children()) - old_workers(nginx))

    wait_until("workers of before the reload to end", still_serving, 0)
