"""What is wrong with a registry's objects: bytes that changed, and what refers to nothing."""

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
    """Something that is wrong.

    Attributes:
        kind: what.
        place: a repository, with the tag or the manifest that has it; or an object.
        digest: of the blob or manifest that it is about; empty if there is none.
        why: the reason or the remedy, if the kind does not say it.
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
        """Return whether a pull fails because of the problem."""
        return self.kind not in HARMLESS


def check_references(
    blobs: AbstractSet[str], repositories: Repositories, needs: Mapping[str, References]
) -> Iterator[Problem]:
    """Tell of what is named, linked or needed, and not there; and of what cannot be read."""
    for digest in sorted(manifests_of(repositories) & needs.keys()):
        if doubt := needs[digest].doubt:
            yield _problem(doubt, layout.blob(digest), digest)
    for repository in repositories.values():
        yield from _check_tags(repository, blobs)
        yield from _check_links(repository, blobs)
        for manifest in live_manifests(repository, needs):
            if manifest in needs:
                yield from _check_manifest(repository, manifest, needs[manifest], blobs)


def _check_tags(repository: Repository, blobs: AbstractSet[str]) -> Iterator[Problem]:
    for name, tag in repository.tags.items():
        place = f"{repository.name}:{name}"
        if tag.broken:
            yield Problem("tag names nothing", place, why=tag.broken)
        elif tag.digest and not _is_there(repository, tag.digest, repository.revisions, blobs):
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


def _is_there(
    repository: Repository, digest: str, linked: Collection[str], blobs: AbstractSet[str]
) -> bool:
    """Return whether the registry serves a digest, by one of these links."""
    return digest in linked and bool(blobs & repository.served(digest))


def _check_manifest(
    repository: Repository, manifest: str, needs: References, blobs: AbstractSet[str]
) -> Iterator[Problem]:
    place = f"{repository.name}@{manifest}"
    for digest in sorted(needs.blobs | needs.others):
        # The registry takes an index that lists what the repository links as a manifest only.
        links = repository.layers.keys() | (
            repository.revisions.keys() if digest in needs.others else set()
        )
        if not blobs & repository.served(digest):
            yield Problem("blob missing", place, digest)
        elif digest not in links:
            yield Problem("link missing", place, digest)
    for digest in sorted(needs.children):
        if not _is_there(repository, digest, repository.revisions, blobs):
            yield Problem("manifest missing", place, digest)


def check_digests(
    store: Store,
    work: Work,
    blobs: Blobs,
    repositories: Repositories,
    passed: Callable[[str], None] = lambda _: None,
) -> Iterator[Problem]:
    """Read every blob and compute its digest, a megabyte of each at a time.

    Args:
        store: the registry's bucket.
        work: how many at a time.
        blobs: those to read.
        repositories: may serve a blob under another digest, too.
        passed: gets the digest of each that is right.
    """
    aliases: dict[str, dict[str, str]] = {}
    for repository in repositories.values():
        for digest, links in repository.aliases.items():
            for key, named in links.items():
                aliases.setdefault(named, {})[digest] = key

    def check(item: tuple[str, Entry]) -> list[Problem] | None:
        digest, entry = item
        others = aliases.get(digest, {})
        computed = {one: hashlib.new(one.partition(":")[0]) for one in (digest, *others)}
        try:
            pieces = store.stream(entry.key)
            if pieces is None:
                return None  # Collected or deleted since it was listed.
            for piece in pieces:
                for one in computed.values():
                    one.update(piece)
        except ArchivedError:
            return [_problem("archived", entry.key, digest)]
        wrong = [one for one in computed if not one.endswith(f":{computed[one].hexdigest()}")]
        return [
            Problem("broken link", others[one], one, f"it holds {digest}, which has other bytes")
            if one in others
            else Problem("digest differs", entry.key, digest)
            for one in wrong
        ]

    for (digest, _), problems in work.map(check, list(blobs.items()), "Computing digests"):
        yield from problems or ()
        if problems == []:
            passed(digest)


def _problem(kind: Kind, place: str, digest: str) -> Problem:
    return Problem(kind, place, digest, "restore the object" if kind == "archived" else "")


class Passed:
    """A file of the blobs whose digest was right, so that the next check reads only the others.

    A blob that was written anew since is read again.

    Usage:
        with file.open("a+") as lines: Passed(lines, blobs)
    """

    def __init__(self, lines: TextIO, blobs: Blobs) -> None:
        self._lines = lines
        self._marks = {digest: _mark(digest, entry) for digest, entry in blobs.items()}
        lines.seek(0)
        known = set(lines)
        if any(not line.endswith("\n") for line in known):
            lines.write("\n")  # It was interrupted within a line.
        self.left = {
            digest: entry for digest, entry in blobs.items() if self._marks[digest] not in known
        }

    def add(self, digest: str) -> None:
        """Remember one, at once."""
        self._lines.write(self._marks[digest])
        self._lines.flush()


def _mark(digest: str, entry: Entry) -> str:
    return json.dumps([digest, entry.size, entry.modified.isoformat()]) + "\n"
