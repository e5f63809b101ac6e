"""Garbage of a registry: objects that no client can pull and no push is about to use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from scripts.registry_storage import layout
from scripts.registry_storage.manifests import References
from scripts.registry_storage.reachability import (
    NOTHING,
    live_manifests,
    needed_blobs,
    unknown_manifest,
)
from scripts.registry_storage.snapshot import Blobs, Repositories, Repository

#: Words for a manifest in doubt.
READS_AS: dict[str | None, str] = {
    "no manifest": "no manifest that the registry serves",
    "ambiguous manifest": "an ambiguous manifest",
    "digest differs": "damaged",
    "archived": "in an archive of S3 (restore the object)",
}


class Link(NamedTuple):
    """A link object: it makes a layer, configuration or manifest part of a repository.

    Attributes:
        digest: digest under which the registry serves the blob.
        named: digest in the link object; empty if it is the same.
    """

    repository: str
    kind: Literal["layer", "manifest"]
    digest: str
    named: str = ""

    @property
    def key(self) -> str:
        """Key of the link object."""
        make = layout.layer if self.kind == "layer" else layout.revision
        return make(self.repository, self.digest)


@dataclass(frozen=True)
class Limits:
    """Limits of garbage.

    Attributes:
        before: time of the newest garbage: a push may be about to use younger objects.
        uploads_before: time of the last write to an abandoned upload.
        untagged: whether manifests without a tag are garbage, too.
    """

    before: datetime
    uploads_before: datetime
    untagged: bool = False

    def live(self, repository: Repository, needs: Mapping[str, References]) -> set[str]:
        """Return the manifests of a repository that must stay."""
        return live_manifests(repository, needs, self.before if self.untagged else None)


@dataclass
class Garbage:
    """Objects that can be deleted.

    Attributes:
        links: link objects that no manifest of their repository needs.
        old_names: keys in the indexes of tags for the manifests of these links.
        blobs: sizes in bytes, by digest.
        uploads: keys of abandoned uploads.
        doubts: a line for each tag or manifest whose needs are uncertain, so that objects stay.
    """

    links: list[Link] = field(default_factory=list)
    old_names: list[str] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.links or self.blobs or self.uploads)


def find_garbage(
    blobs: Blobs, repositories: Repositories, needs: Mapping[str, References], limits: Limits
) -> Garbage:
    """Return the garbage; ``blobs`` have to be read before the repositories."""
    garbage = Garbage()
    used: set[str] = set()
    for repository in repositories.values():
        live = limits.live(repository, needs)
        needed = needed_blobs(live, repository, needs)
        garbage.doubts += doubts(repository, needs)
        unknown = unknown_manifest(repository, needs)
        dead = [] if unknown else _dead_links(repository, live, needed, limits.before)
        garbage.links += dead
        garbage.old_names += _old_names(repository, {link.digest for link in dead})
        linked = _linked(repository) - {link.digest for link in dead}
        used |= live | needed | repository.resolved(linked)
        garbage.uploads += [
            key
            for upload in repository.uploads.values()
            if upload.modified < limits.uploads_before
            for key in upload.keys
        ]
    garbage.blobs = {
        digest: blob.size
        for digest, blob in blobs.items()
        if digest not in used and blob.modified < limits.before
    }
    return garbage


def in_use(repositories: Repositories, needs: Mapping[str, References], limits: Limits) -> set[str]:
    """Return the digests that a repository links or needs."""
    used: set[str] = set()
    for repository in repositories.values():
        live = limits.live(repository, needs)
        used |= repository.resolved(_linked(repository)) | live
        used |= needed_blobs(live, repository, needs)
    return used


def missing_links(
    removed: Iterable[Link],
    repositories: Repositories,
    needs: Mapping[str, References],
    limits: Limits,
) -> list[Link]:
    """Return the removed links that a manifest needs which was pushed meanwhile."""
    missing = []
    by_repository: dict[str, list[Link]] = {}
    for link in removed:
        by_repository.setdefault(link.repository, []).append(link)
    for name in by_repository.keys() & repositories.keys():
        repository = repositories[name]
        live = limits.live(repository, needs)
        absent = {
            "manifest": live - repository.revisions.keys(),
            "layer": (live | needed_blobs(live, repository, needs)) - repository.layers.keys(),
        }
        missing += [link for link in by_repository[name] if link.digest in absent[link.kind]]
    return missing


def doubts(repository: Repository, needs: Mapping[str, References]) -> list[str]:
    """Return a line for each tag and manifest whose needs are uncertain."""
    name = repository.name
    lines = [
        f"{name}:{tag_name} names no manifest ({tag.broken}): manifests that it has named stay"
        for tag_name, tag in repository.tags.items()
        if tag.broken
    ]
    lines += [
        f"{name}@{digest} is {READS_AS[doubt]}: blobs that it may name stay"
        for digest in repository.revisions
        if (doubt := needs.get(digest, NOTHING).doubt) and not needs[digest].unknown
    ]
    if unknown := unknown_manifest(repository, needs):
        why = READS_AS[needs[unknown].doubt] if unknown in needs else "missing"
        lines.append(f"{name}@{unknown} is {why}: all objects of {name} stay")
    return lines


def _linked(repository: Repository) -> set[str]:
    return repository.layers.keys() | repository.revisions.keys()


def _dead_links(
    repository: Repository, live: set[str], needed: set[str], before: datetime
) -> list[Link]:
    # An index may list a layer under the media type of a manifest.
    kept = needed | live
    layers = [
        _link(repository, "layer", digest)
        for digest, linked in repository.layers.items()
        if digest not in kept and linked < before
    ]
    manifests = [
        _link(repository, "manifest", digest)
        for digest, linked in repository.revisions.items()
        if digest not in live and linked < before
    ]
    return layers + manifests


def _link(repository: Repository, kind: Literal["layer", "manifest"], digest: str) -> Link:
    link = Link(repository.name, kind, digest)
    return link._replace(named=repository.aliases.get(digest, {}).get(link.key, ""))


def _old_names(repository: Repository, dead: set[str]) -> list[str]:
    return [
        layout.index(repository.name, name, digest)
        for name, tag in repository.tags.items()
        for digest in tag.named
        if digest in dead and digest != tag.digest
    ]
