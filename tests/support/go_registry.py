"""Model of distribution 3.1.1 serving a store, with JSON as ``encoding/json`` of Go reads it.

It is written from the sources of both, independently of the programs. ``test_go_registry.py`` has
how a real registry has read the nastiest documents.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scripts.registry_storage import layout
from tests.support.memory_store import MemoryStore

LARGEST = 4 << 20
DOCKER = "application/vnd.docker.distribution"
IMAGES = (f"{DOCKER}.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")
INDEXES = (f"{DOCKER}.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
DIGEST = re.compile("sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


class GoError(Exception):
    """Error of Go's decoder, or of the registry, for a document that it refuses."""


class Field:
    """A Go variable, into which null decodes as nothing unless it can be nil."""

    def decode(self, value: Any) -> None:
        """Decode a value of the document."""
        if value is not None:
            self.decode_some(value)

    def decode_some(self, value: Any) -> None:
        """Decode a value that is not null."""


@dataclass
class Text(Field):
    """A Go string."""

    value: str = ""

    def decode_some(self, value: Any) -> None:  # noqa: D102
        if type(value) is not str:
            raise GoError
        self.value = value


@dataclass
class Base64(Field):
    """A Go slice of bytes."""

    def decode_some(self, value: Any) -> None:  # noqa: D102
        if type(value) is not str:
            raise GoError
        try:
            base64.b64decode(re.sub("[\r\n]", "", value), validate=True)
        except ValueError:
            raise GoError from None


@dataclass
class Number(Field):
    """A Go int64."""

    value: int = 0

    def decode_some(self, value: Any) -> None:  # noqa: D102
        if not isinstance(value, Literal) or not re.fullmatch(r"-?\d{1,19}", value.text):
            raise GoError
        if not -(2**63) <= int(value.text) < 2**63:
            raise GoError
        self.value = int(value.text)


@dataclass
class Literal:
    """A number as it is written."""

    text: str


@dataclass
class TextMap(Field):
    """A Go map of strings."""

    def decode_some(self, value: Any) -> None:  # noqa: D102
        if not isinstance(value, tuple):
            raise GoError
        for _, element in value:
            Text().decode(element)


@dataclass
class List:
    """A Go slice: a shorter one keeps what it had behind its end, and decodes into that later."""

    make: Any
    memory: list[Any] = field(default_factory=list)
    length: int = 0
    is_nil: bool = True

    def decode(self, value: Any) -> None:
        """Decode a value of the document."""
        if value is None:
            self.memory, self.length, self.is_nil = [], 0, True
            return
        if type(value) is not list:
            raise GoError
        for number, element in enumerate(value):
            if number == len(self.memory):
                self.memory.append(self.make())
            self.memory[number].decode(element)
        if not value:
            self.memory = []
        self.length, self.is_nil = len(value), False

    @property
    def items(self) -> list[Any]:
        """The elements up to the length."""
        return self.memory[: self.length]


class Struct(Field):
    """A Go struct; a subclass makes its fields."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def decode_some(self, value: Any) -> None:  # noqa: D102
        if not isinstance(value, tuple):
            raise GoError
        names = {folded(name): name for name in self.fields}
        for key, element in value:
            if name := names.get(folded(key)):
                self.fields[name].decode(element)


def folded(text: str) -> str:
    """Fold the letter case as Go's decoder does for the letters of ASCII."""
    return text.replace("\u017f", "s").replace("\u212a", "k").lower()


@dataclass
class Pointer:
    """A Go pointer to a struct."""

    make: Any
    to: Any = None

    def decode(self, value: Any) -> None:
        """Decode a value of the document."""
        self.to = None if value is None else self.to or self.make()
        if self.to:
            self.to.decode(value)


class Platform(Struct):
    """``v1.Platform``."""

    def __init__(self) -> None:
        names = ("architecture", "os", "os.version", "variant")
        self.fields = {**{name: Text() for name in names}, "os.features": List(Text)}


class Descriptor(Struct):
    """``v1.Descriptor``."""

    def __init__(self) -> None:
        self.fields = {
            "mediaType": Text(),
            "digest": Text(),
            "size": Number(),
            "urls": List(Text),
            "annotations": TextMap(),
            "data": Base64(),
            "platform": Pointer(Platform),
            "artifactType": Text(),
        }

    @property
    def digest(self) -> str:
        """Its digest, of whatever form."""
        digest: str = self.fields["digest"].value
        return digest


class Manifest(Struct):
    """``ocischema.Manifest``, ``ImageIndex``, or what tells them apart."""

    def __init__(self, kind: str = "") -> None:
        self.fields = {"schemaVersion": Number(), "mediaType": Text()}
        if kind:
            self.fields["annotations"] = TextMap()
        if kind == "image":
            self.fields |= {"config": Descriptor(), "layers": List(Descriptor)}
        if kind == "index":
            self.fields["manifests"] = List(Descriptor)


def unmarshal(content: bytes, into: Struct) -> Struct:
    """Decode a document.

    Raises:
        GoError: Go refuses it.
    """

    def refuse(_: str) -> None:
        raise GoError

    try:
        document = json.loads(
            content.decode(errors="replace"),
            object_pairs_hook=tuple,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=refuse,
        )
    except ValueError:
        raise GoError from None
    into.decode(document)
    return into


def read(content: bytes) -> list[str]:
    """Return the digests that the registry reads in a manifest, which it serves.

    Raises:
        GoError: it does not serve it.
    """
    if len(content) > LARGEST:
        raise GoError
    version = unmarshal(content, Manifest()).fields
    kind = version["mediaType"].value
    if version["schemaVersion"].value != 2 or kind not in ("", *IMAGES, *INDEXES):
        raise GoError
    if kind not in IMAGES:
        index = unmarshal(content, Manifest("index")).fields["manifests"]
        if kind or not index.is_nil:
            return [item.digest for item in index.items]
    image = unmarshal(content, Manifest("image")).fields
    return [item.digest for item in (image["config"], *image["layers"].items)]


class Served:
    """The responses of a registry: the bytes of what it serves, None for everything else."""

    def __init__(self, store: MemoryStore) -> None:
        self._objects = {key: content for key, (content, _) in store.objects.items()}

    def blob(self, repository: str, digest: str) -> bytes | None:
        """GET of a blob."""
        return self._linked(layout.layer(repository, digest))

    def manifest(self, repository: str, digest: str) -> bytes | None:
        """GET of a manifest by its digest."""
        content = self._linked(layout.revision(repository, digest))
        try:
            return content if content is not None and read(content) is not None else None
        except GoError:
            return None

    def tag(self, repository: str, tag: str) -> str | None:
        """Return what a tag names."""
        return self._link(layout.current(repository, tag))

    def pull(self, repository: str, digest: str) -> dict[tuple[str, str], bytes]:
        """Return all that a client gets that pulls a manifest, by kind and digest."""
        got: dict[tuple[str, str], bytes] = {}
        waiting = [digest]
        while waiting:
            requested = waiting.pop()
            for kind, response in self._get(repository, requested):
                if (kind, requested) not in got:
                    got[kind, requested] = response
                    waiting += read(response) if kind == "manifest" else ()
        return got

    def _get(self, repository: str, digest: str) -> Iterator[tuple[str, bytes]]:
        for kind, get in (("manifest", self.manifest), ("blob", self.blob)):
            response = get(repository, digest)
            if response is not None:
                yield kind, response

    def _linked(self, key: str) -> bytes | None:
        digest = self._link(key)
        return self._objects.get(layout.blob(digest)) if digest else None

    def _link(self, key: str) -> str | None:
        text = self._objects.get(key, b"").decode(errors="replace")
        return text if DIGEST.fullmatch(text) else None
