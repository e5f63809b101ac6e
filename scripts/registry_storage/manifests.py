"""References of a manifest, as the registry reads them.

https://github.com/opencontainers/image-spec/blob/main/manifest.md and ``image-index.md``;
distribution reads them in its ``manifest/ocischema``, ``schema2`` and ``manifestlist``.
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
#: Media types of manifests in an index. BuildKit's cache is an index that lists layers.
MANIFEST_TYPES = {
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    *IMAGES,
    *INDEXES,
}
#: Maximum size of a manifest in distribution: 4 MiB.
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
#: Distribution ignores the field and accepts any value.
_SUBJECT: Shape = {"subject": {"digest": str}}

#: Reason why the needs of a manifest are uncertain: the registry does not serve the blob as a
#: manifest; the registry may read it in another way; its bytes do not match its digest; its bytes
#: are in an archive of S3.
Doubt = Literal["no manifest", "ambiguous manifest", "digest differs", "archived"]


@dataclass(frozen=True)
class References:
    """Digests that a manifest needs.

    Attributes:
        blobs: configuration and layers that have to be in the registry.
        elsewhere: layers that clients may fetch from other servers.
        children: manifests that an index lists.
        others: other blobs that an index lists.
        subject: manifest that this manifest, such as a signature, refers to.
        doubt: reason why the needs are uncertain; None if they are certain.
        named: all digests in the text of a manifest in doubt.
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
        """All digests that the manifest needs or may need, without its subject."""
        return self.blobs | self.elsewhere | self.children | self.others | self.named

    @property
    def unknown(self) -> bool:
        """Whether the manifest may need digests that are not in ``all``."""
        return self.doubt in ("digest differs", "archived")


def references(content: bytes) -> References:
    """Return the references of a manifest."""
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
        raise ValueError("the registry does not support this manifest")
    index = decode(document, _INDEX) if kind not in IMAGES else {}
    if kind in INDEXES or index.get("manifests") is not None:
        listed = [descriptor or {} for descriptor in index.get("manifests") or []]
        children = _checked(filter(_is_manifest, listed))
        others = _checked(listed) - children
        return References(children=children, others=others, subject=_subject(document))
    image = decode(document, _IMAGE)
    layers = [layer or {} for layer in image.get("layers") or []]
    config = [image["config"]] if image.get("config") else []
    return References(
        blobs=_checked([*config, *(layer for layer in layers if not layer.get("urls"))]),
        elsewhere=_checked(layer for layer in layers if layer.get("urls")),
        subject=_subject(document),
    )


def _is_manifest(descriptor: Mapping[str, Any]) -> bool:
    """Return whether an index lists a manifest by this descriptor, which needs no media type."""
    return (descriptor.get("mediaType") or "") in {"", *MANIFEST_TYPES}


def _checked(descriptors: Any) -> frozenset[str]:
    # The registry accepts an empty digest, which has no blob.
    found = [each["digest"] for each in descriptors if each.get("digest")]
    for digest in found:
        if not layout.is_digest(digest):
            raise ValueError(f"{digest!r} is not a digest")
    return frozenset(found)


def _subject(document: Any) -> str | None:
    try:
        digest = (decode(document, _SUBJECT).get("subject") or {}).get("digest")
    except ValueError:
        return None
    # No manifest exists for another text.
    return digest if layout.is_digest(digest) else None


class Manifests:
    """Manifests of a registry; each is read once, because its content never changes.

    Args:
        store: bucket of the registry.
        work: threads for the requests.
    """

    def __init__(self, store: Store, work: Work) -> None:
        self._store = store
        self._work = work
        self._known: dict[str, References] = {}

    def read(self, digests: Collection[str]) -> Mapping[str, References]:
        """Return the references of these and all earlier manifests, and of their children.

        Absent manifests are left out, and so are children that are not manifests: the registry may
        have accepted the index without a check of its children.
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
        """Read a manifest; stop reading a blob that is too large for a manifest."""
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
