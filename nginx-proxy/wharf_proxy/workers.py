"""The workers of nginx: connections of each worker, and old workers after a reload."""

import os
import signal
from contextlib import suppress
from pathlib import Path

CONNECTION = 70_000
"""Bytes that a connection takes in its TLS handshake; measured with 32,000 of them, OpenSSL 3.5."""

SHARE = 1 / 4
"""The part of the memory for connections; programs and the page cache have the rest."""

MAXIMUM = 16384
"""Maximum number of connections of a worker: the container has 65,536 files."""

LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Files with the memory limit of the container, for cgroups of version 2 and 1."""

GENERATIONS = 4
"""Reloads whose old workers may live. A worker takes 20 MB, and memory for each connection."""

OLD = b"nginx: worker process is shutting down"
"""The title of a worker that ends with its last transfer."""


def settings(memory: int | None = None, workers: int | None = None) -> str:
    """Return the directives of nginx.conf's block ``events``.

    Args:
        memory: bytes; the memory of the host, or of the container if that is less.
        workers: how many nginx has; as ``worker_processes auto`` counts them.
    """
    room = int((memory or memory_limit()) * SHARE) // CONNECTION
    return f"worker_connections {min(room // (workers or _workers()), MAXIMUM)};\n"


def end_oldest(nginx: int, workers: int | None = None) -> None:
    """Let a reload leave no more than ``GENERATIONS`` of old workers: end the oldest now.

    The transfers of these workers break off. Otherwise a slow client keeps a worker of each reload.

    Args:
        nginx: the process ID of the master.
        workers: how many nginx has.
    """
    try:
        children = Path(f"/proc/{nginx}/task/{nginx}/children").read_text().split()
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN: the reload matters more
        return
    old = [pid for pid in map(int, children) if _title(pid).startswith(OLD)]
    room = (GENERATIONS - 1) * (workers or _workers())
    # The kernel lists children in the order in which they were started.
    for pid in old[: max(len(old) - room, 0)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def _workers() -> int:
    return os.cpu_count() or 1


def memory_limit() -> int:
    """Return the bytes of memory of the host, or of the container if that is less."""
    limits = [path.read_text().strip() for path in LIMITS if path.exists()]
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *(int(limit) for limit in limits if limit.isdecimal())])
