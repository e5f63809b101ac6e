"""Storage that each repository takes, alone and with others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scripts.registry_storage.manifests import References
from scripts.registry_storage.reachability import live_manifests, needed_blobs
from scripts.registry_storage.snapshot import Blobs, Repositories


@dataclass
class RepositoryUsage:
    """Storage of a repository.

    Attributes:
        tags: number of tags.
        manifests: number of manifests, of images and of indexes.
        bytes: bytes of its manifests, and of all blobs that they need, each counted once.
        own_bytes: bytes of the blobs that no other repository needs.
        newest_push: time of the last push of a tag, of a mirror its last lookup; None without tags.
        mirrored: whether it is a copy of an upstream's repository.
    """

    repository: str
    tags: int
    manifests: int
    bytes: int
    own_bytes: int
    newest_push: datetime | None
    mirrored: bool = False


@dataclass
class Usage:
    """Storage of a registry.

    Attributes:
        bytes: bytes of all blobs, each counted once.
        shared_bytes: bytes of blobs that several repositories need.
        unneeded_bytes: bytes of blobs that no repository needs.
    """

    bytes: int = 0
    blobs: int = 0
    shared_bytes: int = 0
    unneeded_bytes: int = 0
    repositories: list[RepositoryUsage] = field(default_factory=list)


def measure(blobs: Blobs, repositories: Repositories, needs: Mapping[str, References]) -> Usage:
    """Return the storage of a registry, with the largest repository first."""
    content = {}
    for name, repository in repositories.items():
        live = live_manifests(repository, needs)
        content[name] = (live | needed_blobs(live, repository, needs)) & blobs.keys()
    users = Counter(digest for digests in content.values() for digest in digests)

    def add_up(digests: set[str]) -> int:
        return sum(blobs[digest].size for digest in digests)

    found = [
        RepositoryUsage(
            repository=name,
            tags=sum(tag.pushed is not None for tag in repository.tags.values()),
            manifests=len(repository.revisions),
            bytes=add_up(content[name]),
            own_bytes=add_up({digest for digest in content[name] if users[digest] == 1}),
            newest_push=max(
                (tag.pushed for tag in repository.tags.values() if tag.pushed), default=None
            ),
            mirrored=repository.mirrored,
        )
        for name, repository in repositories.items()
    ]
    return Usage(
        bytes=add_up(set(blobs)),
        blobs=len(blobs),
        shared_bytes=add_up({digest for digest, number in users.items() if number > 1}),
        unneeded_bytes=add_up(blobs.keys() - users.keys()),
        repositories=sorted(found, key=lambda usage: (-usage.bytes, usage.repository)),
    )
