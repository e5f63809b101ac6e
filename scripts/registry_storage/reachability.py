"""Manifests and blobs that clients can still pull."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from scripts.registry_storage.manifests import References
from scripts.registry_storage.snapshot import Repositories, Repository

NOTHING = References()


def manifests_of(repositories: Repositories) -> set[str]:
    """Return the digests of all manifests that a repository links, or that a tag may name."""
    return {
        digest
        for repository in repositories.values()
        for digest in repository.resolved([*repository.revisions, *_tagged(repository)])
    }


def live_manifests(
    repository: Repository,
    needs: Mapping[str, References],
    untagged_since: datetime | None = None,
) -> set[str]:
    """Return the manifests of a repository that must stay.

    They are: manifests that a tag names or may name; all manifests, or those pushed after
    ``untagged_since``; the children of their indexes; and manifests whose subject is one of these.
    If the needs of a manifest are unknown, all manifests must stay.

    Args:
        repository: repository whose tags were read.
        needs: references of manifests, by digest.
        untagged_since: time of the push from which on untagged manifests stay; None for all.
    """
    if untagged_since is not None and unknown_manifest(repository, needs):
        untagged_since = None
    found = with_children(_roots(repository, untagged_since), repository, needs)
    subjects: dict[str, list[str]] = {}
    for digest in repository.revisions:
        references = needs.get(digest, NOTHING)
        # Each digest in a manifest in doubt may be its subject.
        for subject in references.named if references.doubt else {references.subject}:
            if subject:
                subjects.setdefault(subject, []).append(digest)
    waiting = list(found)
    while waiting:
        about = [each for each in subjects.get(waiting.pop(), []) if each not in found]
        before = set(found)
        _add(about, found, repository, needs)
        waiting += found - before
    return found


def unknown_manifest(repository: Repository, needs: Mapping[str, References]) -> str | None:
    """Return the digest of a manifest that may need any blob of its repository, or None.

    The manifest is damaged, in an archive of S3, or absent although a tag and a link name it.
    """
    tagged = {tag.digest for tag in repository.tags.values()} & repository.revisions.keys()
    for digest in sorted(repository.resolved([*repository.revisions, *_tagged(repository)])):
        if needs.get(digest, NOTHING).unknown or (digest in tagged and digest not in needs):
            return digest
    return None


def with_children(
    digests: Iterable[str], repository: Repository, needs: Mapping[str, References]
) -> set[str]:
    """Return manifests, and the direct and indirect children of indexes."""
    found: set[str] = set()
    _add(digests, found, repository, needs)
    return found


def needed_blobs(
    live: Iterable[str], repository: Repository, needs: Mapping[str, References]
) -> set[str]:
    """Return the configurations and layers of manifests, and other blobs that indexes list."""
    return repository.resolved(
        digest
        for manifest in live
        for needed in [needs.get(manifest, NOTHING)]
        for digest in needed.all - needed.children
    )


def _roots(repository: Repository, untagged_since: datetime | None) -> Iterable[str]:
    recent = (
        digest
        for digest, pushed in repository.revisions.items()
        if untagged_since is None or pushed >= untagged_since
    )
    return {*_tagged(repository), *recent}


def _tagged(repository: Repository) -> set[str]:
    """Return the digests that tags name; for a broken tag, all digests that it has named."""
    return {
        digest
        for tag in repository.tags.values()
        for digest in ([tag.digest] if tag.digest else tag.named if tag.broken else ())
    }


def _add(
    digests: Iterable[str],
    found: set[str],
    repository: Repository,
    needs: Mapping[str, References],
) -> None:
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest not in found:
            found.add(digest)
            needed = needs.get(digest, NOTHING)
            waiting += needed.children
            # An index may list a manifest under the media type of a layer.
            others = needed.all - needed.children
            waiting += others & (needs.keys() | repository.revisions.keys())
            waiting += repository.aliases.get(digest, {}).values()
