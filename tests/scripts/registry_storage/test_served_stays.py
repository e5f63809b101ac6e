"""Garbage collection removes nothing that the registry serves, whatever is in the bucket."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.registry_storage import layout
from scripts.registry_storage.integrity import check_references
from scripts.registry_storage.manifests import Manifests, references
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import read_blobs, read_repositories
from scripts.registry_storage.usage import measure
from scripts.registry_storage.work import Work
from tests.scripts.registry_storage.test_collection import aged, collect
from tests.scripts.registry_storage.test_copying import copied
from tests.support.go_registry import IMAGES, INDEXES, GoError, Served, read
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, sha512_of

pytestmark = pytest.mark.slow

REPOSITORIES = ("one", "two")
TAGS = ("1", "2")
LAYERS = (b"", b"a", b"b", b'{"a": "layer"}', b'{"schemaVersion": 2, "layers": []}')
KEYS = ("mediaType", "config", "layers", "manifests", "subject", "annotations")
TYPES = (*IMAGES, *INDEXES, "", "application/vnd.oci.image.layer.v1.tar", "text/plain")
ODD: tuple[Any, ...] = (None, 5, "x", [], {}, [None], [{}], {"digest": None}, True, 1.5)


class Bucket:
    """Puts anything into a bucket, by a source of chance."""

    def __init__(self, chance: Random, oddity: float | None = None) -> None:
        self._chance = chance
        #: How much is odd. In a bucket where much is odd, nearly all has to stay.
        self._oddity = chance.choice([0, 0.01, 0.05, 0.2]) if oddity is None else oddity
        self.store = MemoryStore(kms_key=chance.choice([b"", b"", b"key"]), page=50)
        self._contents = list(LAYERS)
        for _ in range(chance.randint(1, 5)):
            self._contents.append(self._manifest())
        for content in self._contents:
            self._put_blob(content)
        for repository in REPOSITORIES:
            self._fill(repository)

    def _is_odd(self) -> bool:
        return self._chance.random() < self._oddity

    @property
    def manifests(self) -> list[bytes]:
        """The manifests, whether they are in the bucket or not."""
        return self._contents[len(LAYERS) :]

    def _manifest(self) -> bytes:
        chance = self._chance
        wanted = chance.choice([("config", "layers"), ("layers",), ("manifests",)])
        keys = [*wanted, *(chance.choices(KEYS, k=chance.randint(1, 3)) if self._is_odd() else ())]
        version = chance.choice([1, None]) if self._is_odd() else 2
        fields = [("schemaVersion", json.dumps(version))]
        fields += [(self._cased(key), self._value(key)) for key in keys]
        chance.shuffle(fields)
        text = ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields)
        text = f"{{{text}}}"
        if self._is_odd():
            text = chance.choice(
                [text[:-1], text + "x", f"\ufeff{text}", text.replace(":", "\\u003a")]
            )
        return text.encode() + (b"\xff" if self._is_odd() else b"")

    def _value(self, key: str) -> str:
        chance = self._chance
        if self._is_odd():
            return json.dumps(chance.choice(ODD))
        if key == "mediaType":
            return json.dumps(chance.choice(TYPES))
        if key in ("config", "subject"):
            return self._descriptor()
        if key == "annotations":
            return json.dumps({"A": self._digest(), "a": "x"})
        listed = ", ".join(self._descriptor() for _ in range(chance.randint(0, 3)))
        return f"[{listed}]"

    def _descriptor(self) -> str:
        chance = self._chance
        digest = json.dumps(self._digest())
        if chance.random() < 0.2:
            digest = digest.replace("a", "\\u0061").replace(":", "\\u003a")
        fields = [(self._cased("digest"), digest)]
        for key, values in {
            "mediaType": [json.dumps(type_) for type_ in TYPES],
            "size": ["1", "9" * chance.choice([1, 19, 30, 5000]), "null"],
            "urls": ['["https://example.com"]', "[]", "null"],
        }.items():
            if self._is_odd():
                fields.append((self._cased(key), chance.choice(values)))
        if self._is_odd():
            fields.append((self._cased("digest"), json.dumps(self._digest())))
        chance.shuffle(fields)
        return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields) + "}"

    def _cased(self, key: str) -> str:
        others = [key.upper(), key.capitalize(), key.replace("s", "\u017f")]
        return self._chance.choice(others) if self._chance.random() < 0.1 else key

    def _digest(self) -> str:
        content = self._chance.choice([*self._contents, b"absent"])
        return self._chance.choice([digest_of, digest_of, sha512_of])(content)

    def _link(self, digest: str) -> bytes:
        """Return the content of a link: mostly the right one."""
        right = digest
        if digest.startswith("sha512"):
            right = next(
                digest_of(content)
                for content in (*self._contents, b"absent")
                if sha512_of(content) == digest
            )
        odd = [
            b"",
            b"sha256:",
            f"{right}\n".encode(),
            b"\xff",
            self._digest().encode(),
            b"x" * 2000,
        ]
        return self._chance.choice(odd) if self._is_odd() else right.encode()

    def _put_blob(self, content: bytes) -> None:
        damaged = self._chance.choice([b"", b"!", *self._contents])
        if not self._is_odd():
            kept = damaged if self._is_odd() else content
            self.store.put(layout.blob(digest_of(content)), kept)

    def _fill(self, repository: str) -> None:
        chance = self._chance
        for content in self._contents:
            is_manifest = content in self.manifests
            for key in (layout.layer, layout.revision):
                is_usual = is_manifest == (key == layout.revision)
                for digest in (digest_of(content), sha512_of(content)):
                    if chance.random() < (0.7 if is_usual else self._oddity):
                        self.store.put(key(repository, digest), self._link(digest))
        for tag in TAGS:
            named = digest_of(chance.choice(self.manifests))
            if not self._is_odd():
                self.store.put(layout.index(repository, tag, named), named.encode())
            if chance.random() < 0.7:
                self.store.put(layout.current(repository, tag), self._link(named))


def pulls(store: MemoryStore, *, untagged: bool) -> dict[tuple[str, str], object]:
    """Return what clients get for each tag and, unless manifests without one may go, digest."""
    served = Served(store)
    found: dict[tuple[str, str], object] = {}
    for repository in REPOSITORIES:
        named = {tag: served.tag(repository, tag) for tag in TAGS}
        digests = {digest for digest in named.values() if digest}
        if not untagged:
            digests |= {
                parts["revision"]
                for key in store.objects
                if (parts := layout.in_repository(key)) and parts["repository"] == repository
            } - {""}
        found.update({(repository, tag): digest for tag, digest in named.items()})
        found.update({(repository, digest): served.pull(repository, digest) for digest in digests})
    return found


@settings(max_examples=400)
@given(seed=st.integers(0, 2**40), untagged=st.booleans())
def test_a_collection_removes_nothing_that_the_registry_serves(seed: int, untagged: bool) -> None:
    store = Bucket(Random(seed)).store  # noqa: S311
    before = pulls(store, untagged=untagged)
    collect(aged(store), untagged=untagged)
    assert pulls(store, untagged=untagged) == before


@settings(max_examples=200)
@given(seed=st.integers(0, 2**40))
def test_a_copy_takes_nothing_away_and_no_program_fails(seed: int) -> None:
    chance = Random(seed)  # noqa: S311
    source, target = Bucket(chance).store, Bucket(chance).store
    before = pulls(target, untagged=False)
    objects = dict(target.objects)
    copied(source, target)
    for (repository, digest), got in before.items():
        if isinstance(got, dict):
            assert got.items() <= Served(target).pull(repository, digest).items()
    replaced = [key for key in objects if target.objects[key][0] != objects[key][0]]
    assert not [key for key in replaced if not key.endswith("/current/link")]
    repositories = read_repositories(source, Work())
    needs = Manifests(source, Work()).read(manifests_of(repositories))
    blobs = read_blobs(source, Work())
    assert measure(blobs, repositories, needs).blobs == len(blobs)
    list(check_references(blobs.keys(), repositories, needs))


@settings(max_examples=300)
@given(seed=st.integers(0, 2**40))
def test_a_manifest_that_is_read_with_certainty_is_read_as_the_registry_reads_it(seed: int) -> None:
    for content in Bucket(Random(seed), 0.2).manifests:  # noqa: S311
        found = references(content)
        try:
            expected = {digest for digest in read(content) if digest}
        except GoError:
            assert found.doubt
            continue
        if found.doubt:
            assert {digest for digest in expected if layout.is_digest(digest)} <= found.named
        else:
            assert found.all == expected
