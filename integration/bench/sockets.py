"""Bytes of a transfer that the sockets on its way may hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import netns

#: Bytes at least, at first, and at most that a socket holds, as Linux writes it (man 7 tcp).
NARROW = "4096 16384 65536"
LIMITS = [Path("/proc/sys/net/ipv4", name) for name in ("tcp_wmem", "tcp_rmem")]


@contextmanager
def narrow(pids: Sequence[int]) -> Iterator[None]:
    """Let the sockets in the network namespaces of these processes hold little meanwhile.

    They hold megabytes otherwise, so that a small transfer leaves nginx as soon as it has begun.
    """
    before = {pid: _change(pid, dict.fromkeys(LIMITS, NARROW)) for pid in pids}
    try:
        yield
    finally:
        for pid, limits in before.items():
            _change(pid, limits)


def _change(pid: int, limits: dict[Path, str]) -> dict[Path, str]:
    """Set the limits of a namespace; return what they were."""
    netns.pushns(f"/proc/{pid}/ns/net")
    try:
        before = {file: file.read_text() for file in limits}
        for file, text in limits.items():
            file.write_text(text)
    finally:
        netns.popns()
    return before
