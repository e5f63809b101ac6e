"""What a manifest refers to, as the registry reads it; or what it may refer to.

https://github.com/opencontainers/image-spec/blob/main/manifest.md and ``image-index.md``; what
distribution takes from them is in its ``manifest/ocischema``, ``schema2`` and ``manifestlist``.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scripts.registry_storage import layout
from scripts.registry_storage.go_json import TEXTS, AmbiguousError, Shape, decode, parse
from scripts.registry_storage.store import ArchivedError, Store
from scripts.registry_storage.work import Work

IMAGES = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}
INDEXES = {
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
}
#: Media types under which an index lists manifests. BuildKit's cache is an index that lists layers.
MANIFEST_TYPES = {
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    *IMAGES,
    *INDEXES,
}
#: Bytes of the largest manifest that distribution accepts: 4 MiB.
LARGEST = 4 * 1024 * 1024

_PLATFORM: Shape = {
    "architecture": str,
    "os": str,
    "os.version": str,
    "os.features": [str],
    "variant": str,
}
_DESCRIPTOR: Shape = {
    "mediaType": str,
    "digest": str,
    "size": int,
    "urls": [str],
    "annotations": TEXTS,
    "data": bytes,
    "platform": _PLATFORM,
    "artifactType": str,
}
_VERSION: Shape = {"schemaVersion": int, "mediaType": str}
_IMAGE: Shape = {**_VERSION, "config": _DESCRIPTOR, "layers": [_DESCRIPTOR], "annotations": TEXTS}
_INDEX: Shape = {**_VERSION, "manifests": [_DESCRIPTOR], "annotations": TEXTS}
#: Of no interest to distribution, which takes any value.
_SUBJECT: Shape = {"subject": {"digest": str}}

#: Why it is not certain what a manifest needs: the registry does not serve it as a manifest; the
#: registry may serve it, but may read it in another way; its bytes are not those that were pushed,
#: so that they tell nothing; S3 gives its bytes only after they are restored from an archive.
Doubt = Literal["no manifest", "ambiguous manifest", "digest differs", "archived"]


@dataclass(frozen=True)
class References:
    """What a manifest needs.

    Attributes:
        blobs: configuration and layers that the registry has to have.
        elsewhere: layers that clients may fetch from somewhere else.
        children: manifests, of an index.
        others: what an index lists that is no manifest.
        subject: the manifest that this one says something about, such as a signature.
        doubt: why that is not certain; None if it is.
        named: of a manifest in doubt, each digest that its text holds.
    """

    blobs: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    subject: str | None = None
    doubt: Doubt | None = None
    named: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Everything that it needs or may need; not its subject."""
        return self.blobs | self.elsewhere | self.children | self.others | self.named

    @property
    def unknown(self) -> bool:
        """Whether it may need something that is not among ``all``."""
        return self.doubt in ("digest differs", "archived")


def references(content: bytes) -> References:
    """Read a manifest."""
    try:
        return _read(parse(content))
    except ValueError:
        return References(doubt="no manifest", named=layout.digests_in(content))
    except AmbiguousError:
        return References(doubt="ambiguous manifest", named=layout.digests_in(content))


def _read(document: Any) -> References:
    version = decode(document, _VERSION) or {}
    kind = version.get("mediaType") or ""
    if version.get("schemaVersion") != 2 or kind not in {"", *IMAGES, *INDEXES}:
        raise ValueError("the registry knows no such manifest")
    index = decode(document, _INDEX) if kind not in IMAGES else {}
    if kind in INDEXES or index.get("manifests") is not None:
        listed = [one or {} for one in index.get("manifests") or []]
        children = _checked(one for one in listed if _is_manifest(one))
        others = _checked(listed) - children
        return References(children=children, others=others, subject=_subject(document))
    image = decode(document, _IMAGE)
    layers = [one or {} for one in image.get("layers") or []]
    elsewhere = [one for one in layers if one.get("urls")]
    config = [image["config"]] if image.get("config") else []
    return References(
        blobs=_checked([*config, *(one for one in layers if not one.get("urls"))]),
        elsewhere=_checked(elsewhere),
        subject=_subject(document),
    )


def _is_manifest(descriptor: Mapping[str, Any]) -> bool:
    """Return whether a descriptor of an index is of a manifest; one without a type is."""
    return (descriptor.get("mediaType") or "") in {"", *MANIFEST_TYPES}


def _checked(descriptors: Any) -> frozenset[str]:
    # The registry serves an empty digest, too; there is no such blob.
    found = [one["digest"] for one in descriptors if one.get("digest")]
    for digest in found:
        if not layout.is_digest(digest):
            raise ValueError(f"{digest!r} is no digest")
    return frozenset(found)


def _subject(document: Any) -> str | None:
    try:
        digest = (decode(document, _SUBJECT).get("subject") or {}).get("digest")
    except ValueError:
        return None
    # What is no digest is never there.
    return digest if layout.is_digest(digest) else None


class Manifests:
    """The manifests of a registry, each read once: their content never changes.

    Args:
        store: the registry's bucket.
        work: how many requests at a time.
    """

    def __init__(self, store: Store, work: Work) -> None:
        self._store = store
        self._work = work
        self._known: dict[str, References] = {}

    def read(self, digests: Collection[str]) -> Mapping[str, References]:
        """Return what all manifests that were asked for so far need, and what their children need.

        A manifest whose bytes are absent is left out. So is a child that is no manifest: the
        registry may have accepted the index without a look at its children.
        """
        asked: set[str] = set()
        named = set(digests)
        waiting = named - self._known.keys()
        while waiting:
            asked |= waiting
            children: set[str] = set()
            for digest, found in self._work.map(self._read, sorted(waiting), "Reading manifests"):
                if found and (digest in named or found.doubt != "no manifest"):
                    self._known[digest] = found
                    children |= found.children | found.named
            waiting = children - self._known.keys() - asked
        return self._known

    def _read(self, digest: str) -> References | None:
        """Read one; of what is too large for a manifest, no more than the beginning."""
        content = b""
        try:
            pieces = self._store.stream(layout.blob(digest))
            if pieces is None:
                return None
            for piece in pieces:
                content += piece
                if len(content) > LARGEST:
                    break
        except ArchivedError:
            return References(doubt="archived")
        algorithm, _, encoded = digest.partition(":")
        if len(content) > LARGEST:
            return References(doubt="no manifest", named=layout.digests_in(content))
        if hashlib.new(algorithm, content).hexdigest() != encoded:
            return References(doubt="digest differs", named=layout.digests_in(content))
        return references(content)
