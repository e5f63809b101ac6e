"""Which manifests and blobs somebody can still pull, and which nobody can."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from scripts.registry_storage.manifests import References
from scripts.registry_storage.snapshot import Repositories, Repository

NOTHING = References()


def manifests_of(repositories: Repositories) -> set[str]:
    """The digests of all manifests that a repository links or a tag names."""
    return {
        digest
        for repository in repositories.values()
        for digest in (*repository.revisions, *_tagged(repository))
    }


def live_manifests(
    repository: Repository,
    needs: Mapping[str, References],
    untagged_since: datetime | None = None,
) -> set[str]:
    """The manifests of a repository that must stay.

    Args:
        repository: with what its tags name.
        needs: by digest, what manifests need.
        untagged_since: those without a tag that were pushed before then need not stay; with None
            all do.

    They are: what a tag names; without :obj:`untagged_since` all, else those pushed since; what an
    index of these has as children; and what has one of these as its subject.
    """
    found = with_children(_roots(repository, untagged_since), needs)
    subjects: dict[str, list[str]] = {}
    for digest in repository.revisions:
        if subject := needs.get(digest, NOTHING).subject:
            subjects.setdefault(subject, []).append(digest)
    waiting = list(found)
    while waiting:
        about = [one for one in subjects.get(waiting.pop(), []) if one not in found]
        before = set(found)
        _add(about, found, needs)
        waiting += found - before
    return found


def with_children(digests: Iterable[str], needs: Mapping[str, References]) -> set[str]:
    """Manifests, and those that they lead to as indexes."""
    found: set[str] = set()
    _add(digests, found, needs)
    return found


def needed_blobs(live: Iterable[str], needs: Mapping[str, References]) -> set[str]:
    """The configurations and layers of manifests."""
    return {
        digest
        for manifest in live
        for needed in [needs.get(manifest, NOTHING)]
        for digest in needed.blobs | needed.elsewhere
    }


def _roots(repository: Repository, untagged_since: datetime | None) -> Iterable[str]:
    recent = (
        digest
        for digest, pushed in repository.revisions.items()
        if untagged_since is None or pushed >= untagged_since
    )
    return {*_tagged(repository), *recent}


def _tagged(repository: Repository) -> Iterable[str]:
    return (tag.digest for tag in repository.tags.values() if tag.digest)


def _add(digests: Iterable[str], found: set[str], needs: Mapping[str, References]) -> None:
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest not in found:
            found.add(digest)
            needed = needs.get(digest, NOTHING)
            # An index may list a manifest under the media type of a layer.
            waiting += [*needed.children, *(blob for blob in needed.blobs if blob in needs)]
