"""Garbage collection while clients push; docs/operations.md explains why it is safe.

Before the registry acknowledges a push, it checks the link object and the bytes of each blob. So
the collection deletes links first: from then on clients send the blob again. It deletes bytes when
all requests have ended that have seen a link, and copies of the bytes when all requests have ended
that have seen the bytes.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError
from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.garbage import (
    Garbage,
    Limits,
    Link,
    find_garbage,
    in_use,
    missing_links,
)
from scripts.registry_storage.manifests import Manifests, References
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import Known, Repositories, read_blobs, read_repositories
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work

_LINKS = TypeAdapter(list[Link])
#: Number of blobs that are deleted, with one request of S3, between two readings of all links.
BATCH = 1000


@dataclass
class Collected:
    """Result of a collection: numbers of objects, and bytes of the removed blobs.

    ``doubts`` has a line for each object that stays because it is uncertain whether it is needed.
    """

    links: int = 0
    blobs: int = 0
    bytes: int = 0
    uploads: int = 0
    links_restored: int = 0
    blobs_restored: int = 0
    doubts: list[str] = field(default_factory=list)


class Collector:
    """A collection.

    Args:
        store: bucket of the registry.
        work: threads for the requests.
        limits: limits of garbage.
        wait: returns when all requests have ended that the registry was serving at the call.

    Raises:
        ConfigurationError: from each method: S3 refuses a request. The next collection continues.
    """

    def __init__(self, store: Store, work: Work, limits: Limits, wait: Callable[[], None]) -> None:
        self._store = store
        self._work = work
        self._limits = limits
        self._wait = wait
        self._manifests = Manifests(store, work)
        self._known: Known = {}
        self._gone: dict[str, int] = {}
        self._done = Collected()

    def find(self) -> Garbage:
        """Return the current garbage."""
        # Blobs are read first, so that they lack those pushed between the two listings.
        blobs = read_blobs(self._store, self._work)
        return find_garbage(blobs, *self._read(), self._limits)

    def collect(self) -> Collected:
        """Remove the garbage, and return the result."""
        removed = self._removed_before()
        copies = self._copies()
        if removed or copies:
            self._restore(removed)
        garbage = self.find()
        self._done.doubts = garbage.doubts
        removed |= set(garbage.links)
        self._unlink(garbage, removed)
        if removed or copies or garbage.blobs:
            self._wait()
            self._restore(removed)
            self._remove(garbage.blobs, removed)
            self._wait()
            self._restore(removed)
            self._store.delete([copy.key for copy in self._copies()])
            self._store.delete([layout.JOURNAL])
        self._done.blobs = len(self._gone)
        self._done.bytes = sum(self._gone.values())
        return self._done

    def _read(self) -> tuple[Repositories, Mapping[str, References]]:
        repositories = read_repositories(self._store, self._work, self._known)
        return repositories, self._manifests.read(manifests_of(repositories))

    def _removed_before(self) -> set[Link]:
        """Return the links that an interrupted collection has removed."""
        journal = self._store.read(layout.JOURNAL)
        try:
            return set(_LINKS.validate_json(journal)) if journal else set()
        except ValidationError:
            raise ConfigurationError(
                f"{layout.JOURNAL}: not the list of links of an interrupted collection: "
                "delete the object, then see `wharf check`"
            ) from None

    def _copies(self) -> list[Entry]:
        return list(self._store.entries(layout.QUARANTINE))

    def _unlink(self, garbage: Garbage, removed: Collection[Link]) -> None:
        if removed:
            # A later collection continues this one by the journal, if this one is interrupted.
            self._store.write(layout.JOURNAL, json.dumps(sorted(removed)).encode())
        keys = [link.key for link in garbage.links]
        self._store.delete(keys + garbage.old_names + garbage.uploads)
        self._done.links = len(garbage.links)
        self._done.uploads = len(garbage.uploads)

    def _remove(self, sizes: Mapping[str, int], removed: Collection[Link]) -> None:
        """Delete the bytes of blobs that are still unused; copies stay until the next wait."""
        candidates = list(sizes)
        for start in range(0, len(candidates), BATCH):
            copied = self._copy(candidates[start : start + BATCH], sizes)
            used = in_use(*self._read(), self._limits)
            unused = [digest for digest in copied if digest not in used]
            self._store.delete([layout.blob(digest) for digest in unused])
            self._gone.update((digest, sizes[digest]) for digest in unused)
            # A push may have linked a blob between the reading and the deletion.
            self._restore(removed)

    def _copy(self, digests: Collection[str], sizes: Mapping[str, int]) -> list[str]:
        """Copy blobs; return the digests of blobs that have a copy or are absent."""

        def copy(digest: str) -> bool:
            source = Entry(layout.blob(digest), sizes[digest], self._limits.before)
            try:
                self._store.copy(source, layout.quarantined(digest))
            except ArchivedError as error:
                self._done.doubts.append(f"{error}, or delete the object: no image needs it")
                return False
            return True

        copied = self._work.map(copy, digests, "Copying garbage aside")
        return [digest for digest, done in copied if done]

    def _restore(self, removed: Collection[Link]) -> None:
        """Restore blobs and links that a manifest or a link needs which was pushed meanwhile."""
        state = self._read()
        # Only a link, which may be deleted, has the digest of a blob that is served under another.
        named = {link.named for link in missing_links(removed, *state, self._limits)}
        if self._restore_blobs(in_use(*state, self._limits) | named):
            # Manifests may be among the blobs: their needs can be read now.
            state = self._read()
        missing = missing_links(removed, *state, self._limits)
        for link in missing:
            self._store.write(link.key, (link.named or link.digest).encode())
        self._done.links_restored += len(missing)

    def _restore_blobs(self, used: Collection[str]) -> bool:
        restored = False
        copies = self._copies()
        present = read_blobs(self._store, self._work) if copies else {}
        for copy in copies:
            digest = layout.digest_of_quarantined(copy.key)
            if digest and digest in used and digest not in present:
                self._store.copy(copy, layout.blob(digest))
                self._gone.pop(digest, None)
                self._done.blobs_restored += 1
                restored = True
        return restored
