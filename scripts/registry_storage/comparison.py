"""What the copy of a registry lacks."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.snapshot import Repositories, read_blobs, read_repositories
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


#: A repository, and a tag of it or a digest.
Name = tuple[str, str]
EMPTY = f"sha256:{hashlib.sha256().hexdigest()}"


@dataclass(frozen=True)
class There:
    """What the registry has.

    Attributes:
        blobs: digests.
        layers: repository and digest of each layer and configuration that the registry links.
        revisions: repository and digest of each manifest that the registry links.
    """

    blobs: frozenset[str] = frozenset()
    layers: frozenset[Name] = frozenset()
    revisions: frozenset[Name] = frozenset()


@dataclass
class Lacking:
    """What a copy lacks, in the order in which it has to come.

    Attributes:
        layers: links to them.
        present: how many objects it does not lack.
        there: what the registry has.
        differing: objects that the copy has in another size, a line each: which is right is not
            known, for the name of both is the digest of the right one.
        spoilt: objects of the registry that cannot be right, a line each; they are not copied.
    """

    blobs: list[Entry]
    layers: list[Entry]
    manifests: list[Image]
    tags: list[Image]
    present: int = 0
    there: There = There()
    differing: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)

    @property
    def links(self) -> int:
        """How many links of all kinds."""
        return len(self.layers) + _links(self.manifests) + _links(self.tags)


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
    repositories = read_repositories(source, work)
    wanted = _tags(repositories)
    present_tags = _tags(read_repositories(target, work))
    spoilt = _broken(repositories)
    links = _Links(spoilt)
    for entry in work.follow(source.entries(layout.REPOSITORIES), "Listing links"):
        links.add(entry)
    blobs = read_blobs(source, work)
    for digest, entry in list(blobs.items()):
        if entry.size == 0 and digest != EMPTY:
            spoilt[entry.key] = f"{entry.key} is empty"
            del blobs[digest]
    present = {
        entry.key: entry.size
        for entry in work.follow(target.entries(layout.ROOT), "Listing the copy")
    }
    differing: dict[str, str] = {}

    def absent(entries: Iterable[Entry]) -> list[Entry]:
        # The content of all of them is told by their key; only what a tag names changes.
        for entry in entries:
            if present.get(entry.key, entry.size) != entry.size:
                sizes = f"{entry.size:,} bytes in the registry, {present[entry.key]:,} in the copy"
                differing[entry.key] = f"{entry.key} differs: {sizes}"
        return [entry for entry in entries if entry.key not in present]

    tags = [Image(name[0], wanted[name], links.indexes.get(name, []), name[1]) for name in wanted]
    # The index of a tag that is not written stays, too: it would be newer than what the tag names,
    # as if somebody had just pushed it.
    new_tags = [
        Image(tag.repository, tag.digest, absent(tag.links), tag.tag)
        for tag, name in zip(tags, wanted, strict=True)
        if present_tags.get(name) != tag.digest and not (keep_tags and name in present_tags)
    ]
    lacking = Lacking(
        absent(blobs.values()),
        absent(links.layers),
        [manifest for manifest in links.manifests if absent(manifest.links)],
        new_tags,
        there=There(
            frozenset(blobs),
            frozenset(links.linked),
            frozenset((one.repository, one.digest) for one in links.manifests),
        ),
    )
    there = len(blobs) + len(links.layers) + len(links.manifests) + len(tags) + _links(tags)
    missing = len(lacking.blobs) + lacking.links + len(lacking.tags)
    lacking.present = there - missing - len(differing)
    lacking.differing = sorted(differing.values())
    lacking.spoilt = sorted(spoilt.values())
    return lacking


def _tags(repositories: Repositories) -> dict[Name, str]:
    """What each tag names."""
    return {
        (repository.name, name): tag.digest
        for repository in repositories.values()
        for name, tag in repository.tags.items()
        if tag.digest
    }


def _broken(repositories: Repositories) -> dict[str, str]:
    """Return a line for each link and tag that names nothing, by its key."""
    return {
        key: f"{key}: {why}"
        for repository in repositories.values()
        for key, why in repository.broken.items()
    } | {
        layout.current(repository.name, name): f"{repository.name}:{name}: {tag.broken}"
        for repository in repositories.values()
        for name, tag in repository.tags.items()
        if tag.broken and tag.pushed
    }


@dataclass
class _Links:
    """Links by their kind, without those of the keys in ``spoilt``."""

    spoilt: Collection[str]
    layers: list[Entry] = field(default_factory=list)
    linked: list[Name] = field(default_factory=list)
    manifests: list[Image] = field(default_factory=list)
    indexes: dict[Name, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        parts = layout.in_repository(entry.key)
        if parts is None or entry.key in self.spoilt:
            return
        repository = parts["repository"]
        if parts["index"]:
            self.indexes.setdefault((repository, parts["tag"]), []).append(entry)
        elif parts["layer"]:
            self.layers.append(entry)
            self.linked.append((repository, parts["layer"]))
        elif parts["revision"]:
            self.manifests.append(Image(repository, parts["revision"], [entry]))


def _links(images: Iterable[Image]) -> int:
    return sum(len(image.links) for image in images)
