"""Which manifests and blobs somebody can still pull, and which nobody can."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from scripts.registry_storage.manifests import References
from scripts.registry_storage.snapshot import Repositories, Repository

NOTHING = References()


def manifests_of(repositories: Repositories) -> set[str]:
    """The digests of all manifests that a repository links or a tag names or has named."""
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
    """The manifests of a repository that must stay.

    Args:
        repository: with what its tags name.
        needs: by digest, what manifests need.
        untagged_since: those without a tag that were pushed before then need not stay; with None
            all do.

    They are: what a tag names, or may name; without :obj:`untagged_since` all, else those pushed
    since; what an index of these has as children; and what has one of these as its subject. If one
    manifest may need what nobody knows, all must stay.
    """
    if untagged_since is not None and unknown_manifest(repository, needs):
        untagged_since = None
    found = with_children(_roots(repository, untagged_since), repository, needs)
    subjects: dict[str, list[str]] = {}
    for digest in repository.revisions:
        one = needs.get(digest, NOTHING)
        # A manifest in doubt may say something about any that it names.
        for subject in one.named if one.doubt else {one.subject}:
            if subject:
                subjects.setdefault(subject, []).append(digest)
    waiting = list(found)
    while waiting:
        about = [one for one in subjects.get(waiting.pop(), []) if one not in found]
        before = set(found)
        _add(about, found, repository, needs)
        waiting += found - before
    return found


def unknown_manifest(repository: Repository, needs: Mapping[str, References]) -> str | None:
    """Return the digest of a manifest that may need anything of its repository; None if none does.

    Its bytes are not those that were pushed, or S3 does not give them; or they are absent, though
    a tag names it and it was not deleted.
    """
    tagged = {tag.digest for tag in repository.tags.values()} & repository.revisions.keys()
    for digest in sorted(repository.resolved([*repository.revisions, *_tagged(repository)])):
        if needs.get(digest, NOTHING).unknown or (digest in tagged and digest not in needs):
            return digest
    return None


def with_children(
    digests: Iterable[str], repository: Repository, needs: Mapping[str, References]
) -> set[str]:
    """Manifests, and those that they lead to as indexes."""
    found: set[str] = set()
    _add(digests, found, repository, needs)
    return found


def needed_blobs(
    live: Iterable[str], repository: Repository, needs: Mapping[str, References]
) -> set[str]:
    """The configurations and layers of a repository's manifests, and what an index lists."""
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
    """What the tags name; of a tag that names nothing, all that it has named."""
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
            waiting += (one for one in others if one in needs or one in repository.revisions)
            waiting += repository.aliases.get(digest, {}).values()
