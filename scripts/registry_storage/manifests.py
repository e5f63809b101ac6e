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


@dataclass(frozen=True)
class References:
    """What a manifest needs.

    Attributes:
        blobs: configuration and layers that the registry has to have.
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
        return References(
            blobs=_checked(config, ancient, _digests(described, elsewhere=False)),
            elsewhere=_checked(_digests(described, elsewhere=True)),
            children=_checked(one["digest"] for one in manifest.get("manifests") or []),
            # The only one that the registry takes unread.
            subject=subject if layout.is_digest(subject) else None,
        )
    except (AttributeError, KeyError, TypeError, RecursionError):
        raise ValueError("it is no manifest") from None


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
        """What all that have been asked for so far need, and their children.

        One whose bytes are absent is left out.

        Raises:
            ConfigurationError: one is no manifest, so nobody can say what it needs.
        """
        asked: set[str] = set()
        waiting = set(digests) - self._known.keys()
        while waiting:
            asked |= waiting
            children: set[str] = set()
            for digest, content in self._work.map(
                self._content, sorted(waiting), "Reading manifests"
            ):
                if found := self._references(digest, content):
                    self._known[digest] = found
                    children |= found.children
            waiting = children - self._known.keys() - asked
        return self._known

    def _content(self, digest: str) -> bytes | None:
        return self._store.read(layout.blob(digest))

    def _references(self, digest: str, content: bytes | None) -> References | None:
        try:
            return None if content is None else references(content)
        except ValueError:
            if not self._strict:
                return None
            raise ConfigurationError(
                f"{layout.blob(digest)}: a repository has it as a manifest, but it is none, so "
                "what it needs is unknown: see `python -m scripts.check_integrity`"
            ) from None
