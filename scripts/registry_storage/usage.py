"""How many bytes each repository takes, alone and with others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scripts.registry_storage.manifests import References
from scripts.registry_storage.reachability import live_manifests, needed_blobs
from scripts.registry_storage.snapshot import Blobs, Repositories


@dataclass
class RepositoryUsage:
    """What a repository takes.

    Attributes:
        tags: how many.
        manifests: how many, of images and of indexes.
        bytes: of all blobs that its manifests need, each once, and of the manifests.
        own_bytes: of those that no other repository needs: what goes if it goes.
        newest_push: of a tag; None if there is no tag.
    """

    repository: str
    tags: int
    manifests: int
    bytes: int
    own_bytes: int
    newest_push: datetime | None


@dataclass
class Usage:
    """What a registry takes.

    Attributes:
        bytes: of all blobs; what several repositories share counts once.
        shared_bytes: of blobs that several repositories need.
        unneeded_bytes: of blobs that none needs.
    """

    bytes: int = 0
    blobs: int = 0
    shared_bytes: int = 0
    unneeded_bytes: int = 0
    repositories: list[RepositoryUsage] = field(default_factory=list)


def measure(blobs: Blobs, repositories: Repositories, needs: Mapping[str, References]) -> Usage:
    """Add up, the largest repository first."""
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
        )
        for name, repository in repositories.items()
    ]
    return Usage(
        bytes=add_up(set(blobs)),
        blobs=len(blobs),
        shared_bytes=add_up({digest for digest, number in users.items() if number > 1}),
        unneeded_bytes=add_up(blobs.keys() - users.keys()),
        repositories=sorted(found, key=lambda one: (-one.bytes, one.repository)),
    )
