"""Garbage collection while clients push. Why it is safe: docs/operations.md.

Before each promise the registry asks whether it has a blob: whether the repository links it, and
whether its bytes are there. So links go first, and from then on who wants the blob sends it again;
bytes go when all requests are over that have seen a link; and a copy of them is kept until those
are over, too, that have seen the bytes.
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
#: Blobs whose bytes go between two looks at all links: one request of S3.
BATCH = 1000


@dataclass
class Collected:
    """What a collection has done: numbers of objects, and bytes of the blobs that are gone.

    ``doubts`` are lines about what stays because it is not certain that nobody needs it.
    """

    links: int = 0
    blobs: int = 0
    bytes: int = 0
    uploads: int = 0
    links_restored: int = 0
    blobs_restored: int = 0
    doubts: list[str] = field(default_factory=list)


class Collector:
    """One collection.

    Args:
        store: the registry's bucket.
        work: how many requests at a time.
        limits: what counts as garbage.
        wait: returns when every request has ended that the registry was answering at the call.

    Raises:
        ConfigurationError: from each method: S3 refuses something. The next collection goes on
            where this one ended.
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
        """What would be collected now."""
        # Blobs first: what is pushed between the two listings is then not among them.
        blobs = read_blobs(self._store, self._work)
        return find_garbage(blobs, *self._look(), self._limits)

    def collect(self) -> Collected:
        """Remove the garbage; return what was done."""
        removed = self._removed_before()
        copies = self._copies()
        if removed or copies:
            self._bring_back(removed)
        garbage = self.find()
        self._done.doubts = garbage.doubts
        removed |= set(garbage.links)
        self._unlink(garbage, removed)
        if removed or copies or garbage.blobs:
            self._wait()
            self._bring_back(removed)
            self._remove(garbage.blobs, removed)
            self._wait()
            self._bring_back(removed)
            self._store.delete([copy.key for copy in self._copies()])
            self._store.delete([layout.JOURNAL])
        self._done.blobs = len(self._gone)
        self._done.bytes = sum(self._gone.values())
        return self._done

    def _look(self) -> tuple[Repositories, Mapping[str, References]]:
        repositories = read_repositories(self._store, self._work, self._known)
        return repositories, self._manifests.read(manifests_of(repositories))

    def _removed_before(self) -> set[Link]:
        """The links that a collection had removed that did not come to its end."""
        journal = self._store.read(layout.JOURNAL)
        try:
            return set(_LINKS.validate_json(journal)) if journal else set()
        except ValidationError:
            raise ConfigurationError(
                f"{layout.JOURNAL}: this is no list of links as a collection that was cut off "
                "leaves it: delete the object, then see `python -m scripts.check_integrity`"
            ) from None

    def _copies(self) -> list[Entry]:
        return list(self._store.entries(layout.QUARANTINE))

    def _unlink(self, garbage: Garbage, removed: Collection[Link]) -> None:
        if removed:
            # Before the first is removed: who goes on after us has to know of it.
            self._store.write(layout.JOURNAL, json.dumps(sorted(removed)).encode())
        keys = [link.key for link in garbage.links]
        self._store.delete(keys + garbage.old_names + garbage.uploads)
        self._done.links = len(garbage.links)
        self._done.uploads = len(garbage.uploads)

    def _remove(self, sizes: Mapping[str, int], removed: Collection[Link]) -> None:
        """Remove the bytes of what nobody wants even now; copies of them stay for a while."""
        candidates = list(sizes)
        for start in range(0, len(candidates), BATCH):
            some = candidates[start : start + BATCH]
            aside = self._set_aside(some, sizes)
            used = in_use(*self._look(), self._limits)
            unused = [digest for digest in aside if digest not in used]
            self._store.delete([layout.blob(digest) for digest in unused])
            self._gone.update((digest, sizes[digest]) for digest in unused)
            # Who linked one between the look and the deletion has it back at once.
            self._bring_back(removed)

    def _set_aside(self, digests: Collection[str], sizes: Mapping[str, int]) -> list[str]:
        """Copy blobs; return those of which there is no blob without a copy now."""

        def copy(digest: str) -> bool:
            source = Entry(layout.blob(digest), sizes[digest], self._limits.before)
            try:
                self._store.copy(source, layout.quarantined(digest))
            except ArchivedError as error:
                self._done.doubts.append(f"{error}, or remove it by hand: no image needs it")
                return False
            return True

        copied = self._work.map(copy, digests, "Copying garbage aside")
        return [digest for digest, done in copied if done]

    def _bring_back(self, removed: Collection[Link]) -> None:
        """Give back what was removed, and is wanted by a manifest or a link that came meanwhile."""
        seen = self._look()
        # What is served under another digest is named by its link only, which may have gone, too.
        named = {link.named for link in missing_links(removed, *seen, self._limits)}
        if self._restore_blobs(in_use(*seen, self._limits) | named):
            # Manifests may be among them: only with their bytes can it be read what they need.
            seen = self._look()
        missing = missing_links(removed, *seen, self._limits)
        for link in missing:
            self._store.write(link.key, (link.named or link.digest).encode())
        self._done.links_restored += len(missing)

    def _restore_blobs(self, used: Collection[str]) -> bool:
        restored = False
        copies = self._copies()
        there = read_blobs(self._store, self._work) if copies else {}
        for copy in copies:
            digest = layout.digest_of_quarantined(copy.key)
            if digest and digest in used and digest not in there:
                self._store.copy(copy, layout.blob(digest))
                self._gone.pop(digest, None)
                self._done.blobs_restored += 1
                restored = True
        return restored
