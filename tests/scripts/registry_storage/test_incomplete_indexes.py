"""The programs for images and indexes that list layers, or manifests that are missing."""

from collections.abc import Iterator

import pytest

from scripts.registry_storage import layout
from scripts.registry_storage.integrity import Problem, check_references
from scripts.registry_storage.manifests import LARGEST, Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import read_blobs, read_repositories
from scripts.registry_storage.store import Entry
from scripts.registry_storage.work import Work
from tests.scripts.registry_storage.test_collection import aged, collect
from tests.scripts.registry_storage.test_copying import copied
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import (
    Client,
    Image,
    Registry,
    cache,
    digest_of,
    image,
    index,
    listing,
    missing,
    push,
    remove_tag,
)

CACHE = cache("config", "layer a", "layer b")
AMD64, ARM64 = image("config 1", "amd64"), image("config 2", "arm64")
BOTH = index(AMD64, ARM64)


def labelled(kind: str, digest: str) -> Image:
    """Return an index that lists one digest under a media type."""
    return Image((), listing([{"mediaType": kind, "digest": digest}]))


def accepted(store: MemoryStore, pushed: Image, tag: str = "1") -> None:
    """Push to a registry that does not validate indexes."""
    push(store, "one", pushed, tag, validates_indexes=False)


def problems(store: MemoryStore) -> list[Problem]:
    repositories = read_repositories(store, Work())
    needs = Manifests(store, Work()).read(manifests_of(repositories))
    return sorted(check_references(read_blobs(store, Work()).keys(), repositories, needs))


def without_arm64() -> MemoryStore:
    store = MemoryStore()
    push(store, "one", AMD64, "amd64")
    accepted(store, Image((), BOTH.manifest))
    return store


def test_a_registry_that_validates_indexes_refuses_a_cache_of_layers() -> None:
    client = Client(Registry(MemoryStore()), [("one", CACHE, "1")])
    while not client.over:
        client.step()
    assert client.refused


@pytest.mark.parametrize("untagged", [False, True])
def test_layers_that_only_an_index_lists_stay(untagged: bool) -> None:
    store = MemoryStore()
    accepted(store, CACHE)
    done = collect(aged(store), untagged=untagged)
    assert not missing(store, "one", CACHE)
    assert (done.links, done.blobs) == (0, 0)
    assert not problems(store)
    remove_tag(store, "one", "1")
    collect(aged(store), untagged=True)
    assert not store.objects


def test_layers_of_an_index_are_not_read() -> None:
    class Watched(MemoryStore):
        def stream(self, key: str) -> Iterator[bytes] | None:
            assert key == layout.blob(CACHE.digest)
            return super().stream(key)

    store = Watched()
    accepted(store, CACHE)
    assert Manifests(store, Work()).read([CACHE.digest])[CACHE.digest].others


@pytest.mark.parametrize("layer", [b"no manifest", b"x" * (LARGEST + 1)], ids=["small", "large"])
def test_a_layer_that_an_index_lists_as_a_manifest_stays(layer: bytes) -> None:
    store = MemoryStore()
    parent = labelled("application/vnd.oci.image.manifest.v1+json", digest_of(layer))
    accepted(store, Image((layer,), parent.manifest))
    assert collect(aged(store), untagged=True).links == 0
    assert not missing(store, "one", Image((layer,), parent.manifest))


def test_no_more_of_it_is_read_than_the_largest_manifest_has() -> None:
    class Pieces(MemoryStore):
        def stream(self, key: str) -> Iterator[bytes] | None:
            if key != layout.blob(digest_of(b"layer")):
                return super().stream(key)

            def pieces() -> Iterator[bytes]:
                for _ in range(LARGEST // 1_000_000 + 1):
                    yield b"x" * 1_000_000
                pytest.fail("all of the layer was read")

            return pieces()

    store = Pieces()
    parent = labelled("application/vnd.oci.image.manifest.v1+json", digest_of(b"layer"))
    accepted(store, Image((b"layer",), parent.manifest))
    collect(aged(store), untagged=True)


def test_an_image_that_an_index_lists_as_a_layer_stays() -> None:
    store = MemoryStore()
    push(store, "one", AMD64, "amd64")
    remove_tag(store, "one", "amd64")
    accepted(store, labelled("application/vnd.oci.image.layer.v1.tar", AMD64.digest))
    collect(aged(store), untagged=True)
    assert not missing(store, "one", AMD64)


def test_an_index_that_lacks_an_image_keeps_the_other_one() -> None:
    store = without_arm64()
    remove_tag(store, "one", "amd64")
    collect(aged(store), untagged=True)
    assert not missing(store, "one", AMD64)
    assert not missing(store, "one", Image((), BOTH.manifest))


def test_the_check_of_integrity_names_the_image_that_an_index_lacks() -> None:
    place = f"one@{BOTH.digest}"
    assert problems(without_arm64()) == [Problem("manifest missing", place, ARM64.digest)]


def test_an_index_that_lacks_an_image_is_copied_as_it_is() -> None:
    source, target = without_arm64(), MemoryStore()
    assert not copied(source, target).incomplete
    assert source.objects.keys() == target.objects.keys()
    # The image may come later.
    push(source, "one", ARM64, "arm64")
    assert not copied(source, target).incomplete
    assert not missing(target, "one", BOTH)


def test_an_index_that_is_pushed_during_the_last_listing_waits_for_its_image() -> None:
    # Its link is listed, that of its image is not: the listing had passed the place.
    unseen = layout.revision("one", ARM64.digest)

    class Late(MemoryStore):
        listings = 0

        def entries(self, prefix: str) -> Iterator[Entry]:
            self.listings += prefix == layout.REPOSITORIES
            if self.listings == 4:
                push(self, "one", BOTH, "1")
            found = super().entries(prefix)
            return (
                object_ for object_ in found if not (self.listings == 4 and object_.key == unseen)
            )

    source, target = Late(), MemoryStore()
    push(source, "two", AMD64, "amd64")
    push(source, "two", Image((), BOTH.manifest), "1", validates_indexes=False)
    done = copied(source, target)
    assert source.listings == 4
    assert f"one@{BOTH.digest}" in done.incomplete
    assert layout.revision("one", BOTH.digest) not in target.objects
    assert not missing(target, "two", Image((), BOTH.manifest))


@pytest.mark.parametrize("lost", [ARM64.manifest, b"arm64"], ids=["manifest", "layer"])
def test_an_index_with_a_damaged_image_is_copied_with_the_other_one(lost: bytes) -> None:
    source, target = MemoryStore(), MemoryStore()
    push(source, "one", BOTH, "1")
    del source.objects[layout.blob(digest_of(lost))]
    done = copied(source, target)
    assert done.incomplete == [f"one@{ARM64.digest}"]
    assert done.holes == [f"one@{BOTH.digest} lacks one@{ARM64.digest}"]
    assert not missing(target, "one", AMD64)
    assert not missing(target, "one", Image((), BOTH.manifest))
    assert layout.current("one", "1") in target.objects


def test_a_cache_of_layers_is_copied() -> None:
    source, target = MemoryStore(), MemoryStore()
    accepted(source, CACHE)
    assert not copied(source, target).incomplete
    assert not missing(target, "one", CACHE)
