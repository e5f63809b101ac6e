"""Model of distribution's requests to its store, as its source has them.

Each generator yields before each access to the store, so that others can come between. The order
is that of ``linkedblobstore.go``, ``blobwriter.go``, ``manifeststore.go`` and ``tagstore.go``.
"""

import hashlib
import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripts.registry_storage import layout
from scripts.registry_storage.manifests import references
from tests.support.memory_store import MemoryStore

Steps = Generator[None, None, bool]


def digest_of(content: bytes) -> str:
    """Return the digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def sha512_of(content: bytes) -> str:
    """Return the digest of some bytes by the algorithm that clients may choose."""
    return f"sha512:{hashlib.sha512(content).hexdigest()}"


@dataclass(frozen=True)
class Image:
    """Contents that are pushed together.

    Attributes:
        blobs: configuration and layers.
        manifest: that refers to them, or to the children.
        children: images that are pushed before.
    """

    blobs: tuple[bytes, ...]
    manifest: bytes
    children: tuple["Image", ...] = ()

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return digest_of(self.manifest)


def image(*layers: str, subject: Image | None = None) -> Image:
    """Return an image of these layers; equal layers make equal images."""
    blobs = tuple(layer.encode() for layer in layers)
    described = [{"digest": digest_of(blob), "size": len(blob)} for blob in blobs]
    manifest = {"schemaVersion": 2, "config": described[0], "layers": described[1:]}
    if subject:
        manifest["subject"] = {"digest": subject.digest}
    return Image(blobs, json.dumps(manifest).encode())


def index(*children: Image) -> Image:
    """Return an index of images."""
    described = [{"digest": child.digest} for child in children]
    return Image((), listing(described), children)


def cache(*layers: str) -> Image:
    """Return an index that lists layers, as BuildKit before 0.21 writes its cache."""
    blobs = tuple(layer.encode() for layer in layers)
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    described = [{"mediaType": kind, "digest": digest_of(blob)} for blob in blobs]
    return Image(blobs, listing(described))


def listing(described: Sequence[object]) -> bytes:
    """Return an index of these descriptors."""
    return json.dumps({"schemaVersion": 2, "manifests": described}).encode()


class Registry:
    """Distribution on a store.

    Args:
        store: for all that it keeps.
        validates_indexes: whether an index needs all that it lists, which have to be manifests.
    """

    def __init__(self, store: MemoryStore, *, validates_indexes: bool = True) -> None:
        self.store = store
        self._validates_indexes = validates_indexes
        #: The manifest of which it has last looked whether its bytes are there.
        self.looked_at = ""

    def has(self, repository: str, digest: str) -> Steps:
        """HEAD of a blob; also part of other requests."""
        yield
        if layout.layer(repository, digest) not in self.store.objects:
            return False
        yield
        return layout.blob(digest) in self.store.objects

    def has_manifest(self, repository: str, digest: str) -> Steps:
        """HEAD of a manifest."""
        yield
        if layout.revision(repository, digest) not in self.store.objects:
            return False
        yield
        return layout.blob(digest) in self.store.objects

    def upload(self, repository: str, content: bytes) -> Steps:
        """PUT at the end of an upload."""
        digest = digest_of(content)
        yield
        if layout.blob(digest) not in self.store.objects:
            yield
            self.store.put(layout.blob(digest), content)
        yield
        self.store.put(layout.layer(repository, digest), digest.encode())
        return True

    def mount(self, repository: str, source: str, digest: str) -> Steps:
        """POST that takes a blob from another repository."""
        if not (yield from self.has(source, digest)):
            return False
        yield
        self.store.put(layout.layer(repository, digest), digest.encode())
        return True

    def put_manifest(self, repository: str, content: bytes, tag: str | None) -> Steps:
        """PUT of a manifest: True is the 201, False the 400."""
        needed = references(content)
        is_index = "manifests" in json.loads(content)
        listed = needed.blobs | needed.children | needed.others
        exists = self.has_manifest if is_index else self.has
        for digest in sorted(listed if self._validates_indexes or not is_index else ()):
            if not (yield from exists(repository, digest)):
                return False
        digest = digest_of(content)
        yield
        self.looked_at = digest
        if layout.blob(digest) not in self.store.objects:
            yield
            self.store.put(layout.blob(digest), content)
        yield
        self.store.put(layout.revision(repository, digest), digest.encode())
        if tag:
            yield
            self.store.put(layout.index(repository, tag, digest), digest.encode())
            yield
            self.store.put(layout.current(repository, tag), digest.encode())
        return True


class Client:
    """Pushes images one after the other; remembers what the registry has promised.

    Args:
        registry: that it pushes to.
        pushes: repository, image and tag of each.
        mounts: repositories from which it tries to mount what it does not find.
    """

    def __init__(
        self,
        registry: Registry,
        pushes: Iterable[tuple[str, Image, str]],
        mounts: Sequence[str] = (),
    ) -> None:
        self._registry = registry
        self._mounts = mounts
        self.promised: dict[tuple[str, str], Image] = {}
        self.refused = 0
        self._in_request = False
        self._steps = self._work(pushes)
        self.over = False

    def step(self) -> None:
        """Do one access to the store."""
        self.over = self.over or next(self._steps, "end") == "end"

    def end_request(self) -> None:
        """Let the registry finish what it is doing for this client."""
        while self._in_request and not self.over:
            self.step()

    def _ask(self, request: Steps) -> Steps:
        self._in_request = True
        response = yield from request
        self._in_request = False
        yield  # Whatever happens between two requests of a client.
        return response

    def _work(self, pushes: Iterable[tuple[str, Image, str]]) -> Generator[None, None, None]:
        for repository, pushed, tag in pushes:
            # The old promise ends with the request that overwrites it.
            if (yield from self._push(repository, pushed, tag)):
                self.promised[repository, tag] = pushed
            else:
                self.refused += 1

    def _push(self, repository: str, pushed: Image, tag: str | None) -> Steps:
        registry = self._registry
        for child in pushed.children:
            known = yield from self._ask(registry.has_manifest(repository, child.digest))
            if not known and not (yield from self._push(repository, child, None)):
                return False
        for blob in pushed.blobs:
            if (yield from self._ask(registry.has(repository, digest_of(blob)))):
                continue
            for source in self._mounts:
                if (yield from self._ask(registry.mount(repository, source, digest_of(blob)))):
                    break
            else:
                yield from self._ask(registry.upload(repository, blob))
        return (yield from self._ask(registry.put_manifest(repository, pushed.manifest, tag)))


def push(
    store: MemoryStore, repository: str, pushed: Image, tag: str, *, validates_indexes: bool = True
) -> None:
    """Push an image with nobody between; an error if it is refused."""
    registry = Registry(store, validates_indexes=validates_indexes)
    client = Client(registry, [(repository, pushed, tag)])
    while not client.over:
        client.step()
    if client.refused:
        raise AssertionError(f"{repository}:{tag} was refused")


def named(repository: int, number: int) -> Image:
    """Return an image of a layer of its own, one of its repository's and one that all have."""
    return image(f"config {repository} {number}", f"own {repository} {number}", f"{repository}", "")


def registry(repositories: int, images: int, today: datetime) -> MemoryStore:
    """Make repositories with as many images each, a day between them: the last is of today."""
    store = MemoryStore()
    for number in range(images):
        store.time = today - timedelta(days=images - 1 - number, hours=2)
        for repository in range(repositories):
            push(store, f"team/r{repository}", named(repository, number), f"1.{number}")
    return store


def remove_tag(store: MemoryStore, repository: str, tag: str) -> None:
    """Delete a tag as the registry does."""
    for key in [key for key in store.objects if key.startswith(layout.tag(repository, tag))]:
        del store.objects[key]


def missing(store: MemoryStore, repository: str, pushed: Image) -> list[str]:
    """Return the objects that a pull by digest would not find."""
    lost = [
        key
        for key in (layout.revision(repository, pushed.digest), layout.blob(pushed.digest))
        if key not in store.objects
    ]
    for blob in pushed.blobs:
        keys = (layout.layer(repository, digest_of(blob)), layout.blob(digest_of(blob)))
        lost += [key for key in keys if key not in store.objects]
    for child in pushed.children:
        lost += missing(store, repository, child)
    return lost
