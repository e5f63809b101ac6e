"""Comparison of a registry with its copy."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.snapshot import Repositories, read_blobs, read_repositories
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work


@dataclass(frozen=True)
class Image:
    """A manifest of a repository, or a tag, by which clients pull an image.

    Attributes:
        digest: digest of the manifest.
        links: link object of the manifest, or the link objects in the index of the tag.
        tag: name of the tag; None for a manifest.
    """

    repository: str
    digest: str
    links: list[Entry]
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


#: A repository, and a tag or a digest in it.
Name = tuple[str, str]
EMPTY = f"sha256:{hashlib.sha256().hexdigest()}"


@dataclass(frozen=True)
class Content:
    """Content of the registry.

    Attributes:
        blobs: digests of all blobs.
        layers: repository and digest of each linked layer and configuration.
        revisions: repository and digest of each linked manifest.
    """

    blobs: frozenset[str] = frozenset()
    layers: frozenset[Name] = frozenset()
    revisions: frozenset[Name] = frozenset()


@dataclass
class Lacking:
    """Objects that a copy lacks, in the order in which they have to be copied.

    Attributes:
        layers: link objects of layers.
        present: number of objects that the copy has.
        content: content of the registry.
        differing: a line for each object that has another size in the copy. Either may be damaged.
        invalid: a line for each invalid object of the registry, which is not copied.
        mirrored: names of the repositories whose missing parts can be fetched from an upstream.
    """

    blobs: list[Entry]
    layers: list[Entry]
    manifests: list[Image]
    tags: list[Image]
    present: int = 0
    content: Content = Content()
    differing: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    mirrored: frozenset[str] = frozenset()

    @property
    def links(self) -> int:
        """Number of link objects of all kinds."""
        return len(self.layers) + _links(self.manifests) + _links(self.tags)


def compare(source: Store, target: Store, work: Work, *, keep_tags: bool = False) -> Lacking:
    """Compare two buckets.

    A push writes blobs, then links, then the tag. The comparison reads them in the opposite order,
    so that the image of each tag is complete, unless the image is removed meanwhile.

    Args:
        source: bucket of the registry.
        target: bucket of the copy.
        work: threads for the requests.
        keep_tags: whether existing tags of the copy stay unchanged.
    """
    repositories = read_repositories(source, work)
    wanted = _tags(repositories)
    present_tags = _tags(read_repositories(target, work))
    invalid = _broken(repositories)
    links = _Links(invalid)
    for entry in work.follow(source.entries(layout.REPOSITORIES), "Listing links"):
        links.add(entry)
    blobs = read_blobs(source, work)
    for digest, entry in list(blobs.items()):
        if entry.size == 0 and digest != EMPTY:
            invalid[entry.key] = f"{entry.key} is empty"
            del blobs[digest]
    present = {
        entry.key: entry.size
        for entry in work.follow(target.entries(layout.ROOT), "Listing the copy")
    }
    differing: dict[str, str] = {}

    def absent(entries: Iterable[Entry]) -> list[Entry]:
        # The key determines the content of these objects, unlike that of a tag's current link.
        for entry in entries:
            if present.get(entry.key, entry.size) != entry.size:
                sizes = f"{entry.size:,} bytes in the registry, {present[entry.key]:,} in the copy"
                differing[entry.key] = f"{entry.key} differs: {sizes}"
        return [entry for entry in entries if entry.key not in present]

    tags = [Image(name[0], wanted[name], links.indexes.get(name, []), name[1]) for name in wanted]
    # The index of a tag that stays must not be written: it would be newer than the current link, as
    # after a push.
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
        mirrored=frozenset(links.mirrored),
        content=Content(
            frozenset(blobs),
            frozenset(links.linked),
            frozenset((each.repository, each.digest) for each in links.manifests),
        ),
    )
    total = len(blobs) + len(links.layers) + len(links.manifests) + len(tags) + _links(tags)
    missing = len(lacking.blobs) + lacking.links + len(lacking.tags)
    lacking.present = total - missing - len(differing)
    lacking.differing = sorted(differing.values())
    lacking.invalid = sorted(invalid.values())
    return lacking


def _tags(repositories: Repositories) -> dict[Name, str]:
    """Return the digest that each tag names."""
    return {
        (repository.name, name): tag.digest
        for repository in repositories.values()
        for name, tag in repository.tags.items()
        if tag.digest
    }


def _broken(repositories: Repositories) -> dict[str, str]:
    """Return a line for each link and tag without a valid digest, by key."""
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
    """Link objects by kind, without those whose key is in ``invalid``."""

    invalid: Collection[str]
    layers: list[Entry] = field(default_factory=list)
    linked: list[Name] = field(default_factory=list)
    manifests: list[Image] = field(default_factory=list)
    mirrored: set[str] = field(default_factory=set)
    indexes: dict[Name, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        parts = layout.in_repository(entry.key)
        if parts is None or entry.key in self.invalid:
            return
        repository = parts["repository"]
        if parts["mirror"]:
            self.mirrored.add(repository)
        elif parts["index"]:
            self.indexes.setdefault((repository, parts["tag"]), []).append(entry)
        elif parts["layer"]:
            self.layers.append(entry)
            self.linked.append((repository, parts["layer"]))
        elif parts["revision"]:
            self.manifests.append(Image(repository, parts["revision"], [entry]))


def _links(images: Iterable[Image]) -> int:
    return sum(len(image.links) for image in images)
