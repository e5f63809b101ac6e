"""Problems of a registry's objects: damaged blobs, and missing objects."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, TextIO

from scripts.registry_storage import layout
from scripts.registry_storage.manifests import References
from scripts.registry_storage.reachability import live_manifests, manifests_of
from scripts.registry_storage.snapshot import Blobs, Repositories, Repository
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work

Kind = Literal[
    "digest differs",
    "archived",
    "no manifest",
    "ambiguous manifest",
    "broken link",
    "tag names nothing",
    "manifest missing",
    "blob missing",
    "link missing",
    "link to nothing",
]
HARMLESS = ("ambiguous manifest", "link to nothing")


@dataclass(frozen=True, order=True)
class Problem:
    """A problem.

    Attributes:
        kind: kind of the problem.
        place: repository, with the tag or manifest; or key of an object.
        digest: digest of the blob or manifest; empty for other problems.
        why: reason or remedy, if the kind does not imply it.
    """

    kind: Kind
    place: str
    digest: str = ""
    why: str = ""

    def __str__(self) -> str:
        text = f"{self.kind}: {self.place} {self.digest}".rstrip()
        return f"{text} ({self.why})" if self.why else text

    @property
    def harms(self) -> bool:
        """Whether a pull fails because of the problem."""
        return self.kind not in HARMLESS


def check_references(
    blobs: AbstractSet[str], repositories: Repositories, needs: Mapping[str, References]
) -> Iterator[Problem]:
    """Yield a problem for each manifest, link or blob that is needed and absent or unreadable."""
    for digest in sorted(manifests_of(repositories) & needs.keys()):
        if doubt := needs[digest].doubt:
            yield _problem(doubt, layout.blob(digest), digest)
    for repository in repositories.values():
        yield from _check_tags(repository, blobs)
        yield from _check_links(repository, blobs)
        # A mirror has the parts of an image that clients wanted, and fetches others when they do.
        for manifest in live_manifests(repository, needs) if not repository.mirrored else ():
            if manifest in needs:
                yield from _check_manifest(repository, manifest, needs[manifest], blobs)


def _check_tags(repository: Repository, blobs: AbstractSet[str]) -> Iterator[Problem]:
    for name, tag in repository.tags.items():
        place = f"{repository.name}:{name}"
        if tag.broken:
            yield Problem("tag names nothing", place, why=tag.broken)
        elif tag.digest and not _is_served(repository, tag.digest, repository.revisions, blobs):
            yield Problem("manifest missing", place, tag.digest)


def _check_links(repository: Repository, blobs: AbstractSet[str]) -> Iterator[Problem]:
    for key, why in repository.broken.items():
        yield Problem("broken link", key, why)
    for digest, links in repository.aliases.items():
        for key, named in links.items():
            if digest.partition(":")[0] == named.partition(":")[0]:
                yield Problem("broken link", key, digest, f"it holds {named}")
    tagged = {tag.digest for tag in repository.tags.values()}
    for digest in repository.layers.keys() | repository.revisions.keys() - tagged:
        if not blobs & repository.served(digest):
            yield Problem("link to nothing", repository.name, digest)


def _is_served(
    repository: Repository, digest: str, linked: Collection[str], blobs: AbstractSet[str]
) -> bool:
    """Return whether the registry serves a digest by these links."""
    return digest in linked and bool(blobs & repository.served(digest))


def _check_manifest(
    repository: Repository, manifest: str, needs: References, blobs: AbstractSet[str]
) -> Iterator[Problem]:
    place = f"{repository.name}@{manifest}"
    for digest in sorted(needs.blobs | needs.others):
        # The registry accepts an index whose children are linked as manifests only.
        links = repository.layers.keys() | (
            repository.revisions.keys() if digest in needs.others else set()
        )
        if not blobs & repository.served(digest):
            yield Problem("blob missing", place, digest)
        elif digest not in links:
            yield Problem("link missing", place, digest)
    for digest in sorted(needs.children):
        if not _is_served(repository, digest, repository.revisions, blobs):
            yield Problem("manifest missing", place, digest)


def check_digests(
    store: Store,
    work: Work,
    blobs: Blobs,
    repositories: Repositories,
    passed: Callable[[str], None] = lambda _: None,
) -> Iterator[Problem]:
    """Read every blob and compute its digest, with a megabyte of each blob in memory.

    Args:
        store: bucket of the registry.
        work: threads for the requests.
        blobs: blobs to read.
        repositories: repositories, which may serve a blob under another digest, too.
        passed: function that gets the digest of each correct blob.
    """
    aliases: dict[str, dict[str, str]] = {}
    for repository in repositories.values():
        for digest, links in repository.aliases.items():
            for key, named in links.items():
                aliases.setdefault(named, {})[digest] = key

    def check(item: tuple[str, Entry]) -> list[Problem] | None:
        digest, entry = item
        others = aliases.get(digest, {})
        hashes = {name: hashlib.new(name.partition(":")[0]) for name in (digest, *others)}
        try:
            pieces = store.stream(entry.key)
            if pieces is None:
                return None  # The blob was deleted since it was listed.
            for piece in pieces:
                for each in hashes.values():
                    each.update(piece)
        except ArchivedError:
            return [_problem("archived", entry.key, digest)]
        wrong = [name for name in hashes if not name.endswith(f":{hashes[name].hexdigest()}")]
        return [
            Problem("broken link", others[name], name, f"it holds {digest}, which has other bytes")
            if name in others
            else Problem("digest differs", entry.key, digest)
            for name in wrong
        ]

    for (digest, _), problems in work.map(check, list(blobs.items()), "Computing digests"):
        yield from problems or ()
        if problems == []:
            passed(digest)


def _problem(kind: Kind, place: str, digest: str) -> Problem:
    return Problem(kind, place, digest, "restore the object" if kind == "archived" else "")


class Passed:
    """A file of correct blobs, which the next check does not read again.

    A blob that was written again since is read.

    Usage:
        with file.open("a+") as lines: Passed(lines, blobs)
    """

    def __init__(self, lines: TextIO, blobs: Blobs) -> None:
        self._lines = lines
        self._marks = {digest: _mark(digest, entry) for digest, entry in blobs.items()}
        lines.seek(0)
        known = set(lines)
        if any(not line.endswith("\n") for line in known):
            lines.write("\n")  # The last check was interrupted in a line.
        self.left = {
            digest: entry for digest, entry in blobs.items() if self._marks[digest] not in known
        }

    def add(self, digest: str) -> None:
        """Record a correct blob at once."""
        self._lines.write(self._marks[digest])
        self._lines.flush()


def _mark(digest: str, entry: Entry) -> str:
    return json.dumps([digest, entry.size, entry.modified.isoformat()]) + "\n"
