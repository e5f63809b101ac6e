"""What is wrong with a registry's objects: bytes that changed, and what refers to nothing."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.manifests import References, references
from scripts.registry_storage.reachability import live_manifests, manifests_of
from scripts.registry_storage.snapshot import Blobs, Repositories, Repository
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work

Kind = Literal[
    "digest differs",
    "no manifest",
    "manifest missing",
    "blob missing",
    "link missing",
    "link to nothing",
]


@dataclass(frozen=True, order=True)
class Problem:
    """Something that is wrong.

    Attributes:
        kind: what.
        place: a repository, with the tag or the manifest that has it; or a blob.
        digest: of the blob or manifest that it is about.
    """

    kind: Kind
    place: str
    digest: str

    @property
    def harms(self) -> bool:
        """Whether a pull fails by it; a link to nothing is only litter."""
        return self.kind != "link to nothing"


def read_needs(
    store: Store, work: Work, repositories: Repositories
) -> tuple[dict[str, References], list[Problem]]:
    """Read the manifests; tell of what is none."""
    needs: dict[str, References] = {}
    problems = []

    def read(digest: str) -> References | None:
        content = store.read(layout.blob(digest))
        try:
            # That it is absent is told where it is named.
            return References() if content is None else references(content)
        except ValueError:
            return None

    digests = sorted(manifests_of(repositories))
    for digest, found in work.map(read, digests, "Reading manifests"):
        if found is None:
            problems.append(Problem("no manifest", layout.blob(digest), digest))
        else:
            needs[digest] = found
    return needs, problems


def check_references(
    blobs: Collection[str], repositories: Repositories, needs: Mapping[str, References]
) -> Iterator[Problem]:
    """Tell of what is named, linked or needed, and not there."""
    for repository in repositories.values():
        yield from _check_tags(repository, blobs)
        yield from _check_links(repository, blobs)
        for manifest in live_manifests(repository, needs):
            if manifest in needs:
                yield from _check_manifest(repository, manifest, needs[manifest], blobs)


def _check_tags(repository: Repository, blobs: Collection[str]) -> Iterator[Problem]:
    for name, tag in repository.tags.items():
        place = f"{repository.name}:{name}"
        if tag.digest and (tag.digest not in blobs or tag.digest not in repository.revisions):
            yield Problem("manifest missing", place, tag.digest)


def _check_links(repository: Repository, blobs: Collection[str]) -> Iterator[Problem]:
    tagged = {tag.digest for tag in repository.tags.values()}
    for digest in repository.layers.keys() | repository.revisions.keys() - tagged:
        if digest not in blobs:
            yield Problem("link to nothing", repository.name, digest)


def _check_manifest(
    repository: Repository, manifest: str, needs: References, blobs: Collection[str]
) -> Iterator[Problem]:
    place = f"{repository.name}@{manifest}"
    for digest in sorted(needs.blobs):
        if digest not in blobs:
            yield Problem("blob missing", place, digest)
        elif digest not in repository.layers:
            yield Problem("link missing", place, digest)
    for digest in sorted(needs.children):
        if digest not in blobs or digest not in repository.revisions:
            yield Problem("manifest missing", place, digest)


def check_digests(
    store: Store, work: Work, blobs: Blobs, passed: Callable[[str], None] = lambda _: None
) -> Iterator[Problem]:
    """Read every blob and compute its digest, a megabyte of each at a time.

    Args:
        store: the registry's bucket.
        work: how many at a time.
        blobs: those to read.
        passed: gets the digest of each that is right.
    """

    def is_right(item: tuple[str, Entry]) -> bool | None:
        digest, entry = item
        algorithm, _, encoded = digest.partition(":")
        pieces = store.stream(entry.key)
        if pieces is None:
            return None  # Collected or deleted since it was listed.
        try:
            computed = hashlib.new(algorithm)
        except ValueError:
            raise ConfigurationError(
                f"{entry.key}: its digest is by an algorithm that this Python lacks: "
                "install one whose hashlib has it"
            ) from None
        for piece in pieces:
            computed.update(piece)
        return computed.hexdigest() == encoded

    for (digest, entry), right in work.map(is_right, list(blobs.items()), "Computing digests"):
        if right is False:
            yield Problem("digest differs", entry.key, digest)
        elif right:
            passed(digest)


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
