"""Lock of garbage collections: two would delete each other's copies."""

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
    """Hold the lock of a bucket.

    Args:
        store: bucket of the registry.
        by_force: whether to take over an existing lock.

    Raises:
        ConfigurationError: another collection holds the lock; the text names its user and time.
    """
    owner = (
        f"{_user()}@{socket.gethostname()} (process {os.getpid()}) "
        f"since {store.now():%Y-%m-%d %H:%M:%S} UTC"
    ).encode()
    if by_force:
        store.delete([layout.LOCK])
    try:
        if not store.create(layout.LOCK, owner):
            other = (store.read(layout.LOCK) or b"another user").decode(errors="replace")
            raise ConfigurationError(
                f"{layout.LOCK}: a collection of {other} is running: wait for its end; if it "
                "was killed, use --break-lock"
            )
        yield
    finally:
        # An interrupt may come after S3 wrote the lock and before its response.
        if store.read(layout.LOCK) == owner:
            store.delete([layout.LOCK])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # The user ID of a container need not belong to a user. OSError since Python 3.13.
        return f"user {os.getuid()}"
