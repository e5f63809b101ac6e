"""The lock of the collector."""

import getpass
import os

import pytest

from scripts.registry_storage import layout
from scripts.registry_storage.lock import locked
from tests.support.memory_store import MemoryStore


def test_lock_names_user_id_without_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    # No entry in the list of users has this number.
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    with pytest.raises((KeyError, OSError)):
        getpass.getuser()
    store = MemoryStore()
    with locked(store):
        assert store.objects[layout.LOCK][0].startswith(b"user 4000000000@")
    assert not store.objects
