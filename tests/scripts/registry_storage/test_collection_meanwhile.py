"""Pushes during a collection, and an interrupted collection."""

from collections.abc import Collection

import pytest

from scripts.registry_storage import layout
from scripts.registry_storage.collection import Collector
from scripts.registry_storage.garbage import Limits
from scripts.registry_storage.work import Work
from tests.scripts.registry_storage.test_collection import HOUR, aged, collect, no_trace
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import (
    Client,
    Image,
    Registry,
    digest_of,
    image,
    missing,
    push,
    remove_tag,
)


class Slow(Client):
    """A client whose request takes long just before the registry writes the link of a manifest."""

    def reach(self, manifest: str) -> None:
        """Go on until the registry has looked whether it has that manifest's bytes."""
        while self._registry.looked_at != manifest:
            self.step()


def pushed_again() -> tuple[MemoryStore, Image, Slow]:
    """Return garbage, and a client that is about to push the same image."""
    store = MemoryStore()
    pushed = image("config", "layer")
    push(store, "one", pushed, "1")
    remove_tag(store, "one", "1")
    aged(store)
    client = Slow(Registry(store), [("one", pushed, "2")])
    return store, pushed, client


def test_a_push_whose_layers_the_registry_has_seen_keeps_them() -> None:
    store, pushed, client = pushed_again()
    client.reach(pushed.digest)
    done = collect(store, untagged=True, clients=(client,))
    client.end_request()
    assert not missing(store, "one", pushed)
    assert done.links_restored == 2
    assert done.blobs_restored == 0, "their bytes were never away"


def test_a_push_whose_manifest_the_registry_has_seen_gets_it_back() -> None:
    store, pushed, client = pushed_again()
    waits = [lambda: client.reach(pushed.digest), client.end_request]
    now = store.time
    limits = Limits(now - HOUR, now - HOUR, untagged=True)
    done = Collector(store, Work(), limits, lambda: waits.pop(0)()).collect()
    client.end_request()
    assert not client.refused
    assert not missing(store, "one", pushed)
    assert done.blobs_restored == 1


def test_who_pushes_at_the_moment_of_the_deletion_has_it_back_at_once() -> None:
    class Deleting(MemoryStore):
        def delete(self, keys: Collection[str]) -> None:
            if layout.blob(digest_of(b"layer")) in keys:
                push(self, "one", pushed, "2")
            super().delete(keys)

    store = Deleting()
    pushed = image("config", "layer")
    push(store, "one", pushed, "1")
    remove_tag(store, "one", "1")
    now = aged(store).time
    seen = []
    limits = Limits(now - HOUR, now - HOUR, untagged=True)
    wait = lambda: seen.append(missing(store, "one", pushed))  # noqa: E731
    assert Collector(store, Work(), limits, wait).collect().blobs_restored == 3
    assert seen[1] == []


def test_what_an_interrupted_collection_took_is_back_before_the_next_waits() -> None:
    store = MemoryStore()
    pushed = image("config", "layer")
    push(store, "one", pushed, "1")
    # As it is left by one that deleted just before somebody linked it, and was killed.
    key = layout.blob(digest_of(b"layer"))
    store.put(layout.quarantined(digest_of(b"layer")), b"layer")
    del store.objects[key]
    now = store.time
    seen = []
    collector = Collector(
        store, Work(), Limits(now, now), lambda: seen.append(missing(store, "one", pushed))
    )
    collector.collect()
    assert seen == [[], []]
    assert no_trace(store)


@pytest.mark.parametrize("interruption", range(1, 40))
def test_interrupted_anywhere_it_goes_on_when_it_is_run_again(interruption: int) -> None:
    store = MemoryStore()
    kept = image("config", "base", "kept")
    push(store, "one", kept, "1")
    push(store, "one", image("other", "base", "dropped"), "2")
    remove_tag(store, "one", "2")
    aged(store)
    turn = 0

    def interrupt() -> None:
        nonlocal turn
        turn += 1
        if turn == interruption:
            raise KeyboardInterrupt

    store.before_each = interrupt
    try:
        collect(store, untagged=True)
    except KeyboardInterrupt:
        assert not missing(store, "one", kept)
        collect(store, untagged=True)
    assert not missing(store, "one", kept)
    assert len([key for key in store.objects if key.startswith(layout.BLOBS)]) == 4
    assert no_trace(store)
