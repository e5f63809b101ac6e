"""One collection at a time: two would let go of each other's copies."""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.store import Store


@contextmanager
def locked(store: Store, *, by_force: bool = False) -> Iterator[None]:
    """Hold the bucket's lock.

    Args:
        store: the bucket.
        by_force: take it from whoever has it.

    Raises:
        ConfigurationError: somebody has it: who, since when, and the remedy.
    """
    owner = (
        f"{_user()}@{socket.gethostname()} (process {os.getpid()}) "
        f"since {store.now():%Y-%m-%d %H:%M:%S} UTC"
    ).encode()
    if by_force:
        store.delete([layout.LOCK])
    try:
        if not store.create(layout.LOCK, owner):
            other = (store.read(layout.LOCK) or b"somebody").decode(errors="replace")
            raise ConfigurationError(
                f"{layout.LOCK}: a collection of {other} is under way: wait for its end, or, "
                "if it was killed, use --break-lock"
            )
        yield
    finally:
        # Also if it was interrupted before it knew that it has the lock.
        if store.read(layout.LOCK) == owner:
            store.delete([layout.LOCK])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container runs under whatever number; it need not be a user. OSError since Python 3.13.
        return f"user {os.getuid()}"
