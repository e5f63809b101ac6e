"""What the copy of a registry lacks."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.snapshot import read_repositories
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work


@dataclass(frozen=True)
class Image:
    """By which clients can ask for an image: a manifest of a repository, or a tag.

    Attributes:
        digest: of the manifest.
        links: of the repository to the manifest; or of the tag, to what it has named so far.
        tag: None if it is the manifest.
    """

    repository: str
    digest: str
    links: list[Entry]
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@dataclass
class Lacking:
    """What a copy lacks, in the order in which it has to come.

    Attributes:
        layers: links to them.
        present: how many objects it does not lack.
        revisions: repository and digest of each manifest that the registry links.
    """

    blobs: list[Entry]
    layers: list[Entry]
    manifests: list[Image]
    tags: list[Image]
    present: int = 0
    revisions: frozenset[tuple[str, str]] = frozenset()

    @property
    def links(self) -> int:
        """How many links of all kinds."""
        return len(self.layers) + _links(self.manifests) + _links(self.tags)


#: A repository and a tag of it.
Name = tuple[str, str]


def compare(source: Store, target: Store, work: Work, *, keep_tags: bool = False) -> Lacking:
    """Compare two buckets.

    A push writes blobs, then links, then the tag. Read in the opposite order, what a tag names is
    complete, unless it is removed meanwhile: it was there before the tag was.

    Args:
        source: the bucket of the registry.
        target: the bucket of the copy.
        work: how many requests at a time.
        keep_tags: a tag that the copy has stays as it is.
    """
    wanted = _tags(source, work)
    present_tags = _tags(target, work)
    links = _Links()
    for entry in work.follow(source.entries(layout.REPOSITORIES), "Listing links"):
        links.add(entry)
    blobs = list(work.follow(source.entries(layout.BLOBS), "Listing blobs"))
    present = {
        entry.key: entry.size
        for entry in work.follow(target.entries(layout.ROOT), "Listing the copy")
    }

    def absent(entries: Iterable[Entry]) -> list[Entry]:
        # The content of all of them is told by their key; only what a tag names changes.
        return [entry for entry in entries if present.get(entry.key) != entry.size]

    tags = [Image(name[0], wanted[name], links.indexes.get(name, []), name[1]) for name in wanted]
    # The index of a tag that is not written stays, too: it would be newer than what the tag names,
    # as if somebody had just pushed it.
    new_tags = [
        Image(tag.repository, tag.digest, absent(tag.links), tag.tag)
        for tag, name in zip(tags, wanted, strict=True)
        if present_tags.get(name) != tag.digest and not (keep_tags and name in present_tags)
    ]
    lacking = Lacking(
        absent(blobs),
        absent(links.layers),
        [manifest for manifest in links.manifests if absent(manifest.links)],
        new_tags,
        revisions=frozenset((one.repository, one.digest) for one in links.manifests),
    )
    there = len(blobs) + len(links.layers) + len(links.manifests) + len(tags) + _links(tags)
    lacking.present = there - len(lacking.blobs) - lacking.links - len(lacking.tags)
    return lacking


def _tags(store: Store, work: Work) -> dict[Name, str]:
    """What each tag names."""
    return {
        (repository.name, name): tag.digest
        for repository in read_repositories(store, work).values()
        for name, tag in repository.tags.items()
        if tag.digest
    }


@dataclass
class _Links:
    layers: list[Entry] = field(default_factory=list)
    manifests: list[Image] = field(default_factory=list)
    indexes: dict[Name, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        parts = layout.in_repository(entry.key)
        if parts is None or parts["upload"] or parts["current"]:
            return
        repository = parts["repository"]
        if parts["tag"]:
            self.indexes.setdefault((repository, parts["tag"]), []).append(entry)
        elif parts["hex"]:
            self.layers.append(entry)
        else:
            digest = f"{parts['revision_algorithm']}:{parts['revision_hex']}"
            self.manifests.append(Image(repository, digest, [entry]))


def _links(images: Iterable[Image]) -> int:
    return sum(len(image.links) for image in images)
