"""What a manifest refers to. The five kinds that registries keep, and others that look like them.

https://github.com/opencontainers/image-spec/blob/main/manifest.md and ``image-index.md``
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.store import Store
from scripts.registry_storage.work import Work

#: Media types under which an index lists manifests. BuildKit's cache is an index that lists layers.
MANIFEST_TYPES = {
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
}
#: Bytes of the largest manifest that distribution accepts: 4 MiB.
LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class References:
    """What a manifest needs.

    Attributes:
        blobs: configuration and layers that the registry has to have; what an index lists that is
            no manifest, too.
        elsewhere: layers that clients may fetch from somewhere else.
        children: manifests, of an index.
        subject: the manifest that this one says something about, such as a signature.
    """

    blobs: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    subject: str | None = None


def references(content: bytes) -> References:
    """Read a manifest.

    Raises:
        ValueError: it is none.
    """
    try:
        manifest = json.loads(content)
        described = [*manifest.get("layers", []), *manifest.get("blobs", [])]
        # Version 1 of schema 1, of the time before 2016, has nothing else.
        ancient = [layer["blobSum"] for layer in manifest.get("fsLayers", [])]
        config = [manifest["config"]["digest"]] if manifest.get("config") else []
        subject = (manifest.get("subject") or {}).get("digest")
        listed = manifest.get("manifests") or []
        children = {one["digest"] for one in listed if _is_manifest(one)}
        blobs = {one["digest"] for one in listed} - children
        return References(
            blobs=_checked(config, ancient, blobs, _digests(described, elsewhere=False)),
            elsewhere=_checked(_digests(described, elsewhere=True)),
            children=_checked(children),
            # The only one that the registry takes unread.
            subject=subject if layout.is_digest(subject) else None,
        )
    except (AttributeError, KeyError, TypeError, RecursionError):
        raise ValueError("it is no manifest") from None


def _is_manifest(descriptor: Mapping[str, Any]) -> bool:
    """Return whether a descriptor of an index is of a manifest; one without a type is."""
    return (descriptor.get("mediaType") or "") in {"", *MANIFEST_TYPES}


def _digests(described: Iterable[Mapping[str, Any]], *, elsewhere: bool) -> Iterator[Any]:
    return (one["digest"] for one in described if bool(one.get("urls")) == elsewhere)


def _checked(*digests: Iterable[Any]) -> frozenset[str]:
    found = list(chain(*digests))
    for digest in found:
        if not layout.is_digest(digest):
            raise ValueError(f"{digest!r} is no digest")
    return frozenset(found)


class Manifests:
    """The manifests of a registry, each read once: their content never changes.

    Args:
        store: the registry's bucket.
        work: how many requests at a time.
        strict: whether it is an error that one is no manifest; else it is left out.
    """

    def __init__(self, store: Store, work: Work, *, strict: bool = True) -> None:
        self._store = store
        self._work = work
        self._strict = strict
        self._known: dict[str, References] = {}

    def read(self, digests: Collection[str]) -> Mapping[str, References]:
        """Return what all manifests that were asked for so far need, and what their children need.

        A manifest whose bytes are absent is left out. So is a child that is no manifest: the
        registry may have accepted the index without a look at its children.

        Raises:
            ConfigurationError: one of ``digests`` is no manifest, so its needs are unknown.
        """
        asked: set[str] = set()
        named = set(digests)
        waiting = named - self._known.keys()
        while waiting:
            asked |= waiting
            children: set[str] = set()
            for digest, content in self._work.map(
                self._content, sorted(waiting), "Reading manifests"
            ):
                if found := self._references(digest, content, strict=digest in named):
                    self._known[digest] = found
                    children |= found.children
            waiting = children - self._known.keys() - asked
        return self._known

    def _content(self, digest: str) -> bytes | None:
        """Return a blob's bytes, or of one that is too large for a manifest the beginning."""
        pieces = self._store.stream(layout.blob(digest))
        if pieces is None:
            return None
        content = bytearray()
        for piece in pieces:
            content += piece
            if len(content) > LARGEST:
                break
        return bytes(content)

    def _references(self, digest: str, content: bytes | None, *, strict: bool) -> References | None:
        try:
            return None if content is None else references(content)
        except ValueError:
            if not (strict and self._strict):
                return None
            raise ConfigurationError(
                f"{layout.blob(digest)}: a repository has it as a manifest, but it is none, so "
                "what it needs is unknown: see `python -m scripts.check_integrity`"
            ) from None
