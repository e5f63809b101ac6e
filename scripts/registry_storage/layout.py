"""Where distribution keeps what in its bucket: the same in version 2 and 3.

https://distribution.github.io/distribution/spec/ has the API; the paths are those of
``registry/storage/paths.go`` in distribution.
"""

import re

ROOT = "docker/registry/v2/"
BLOBS = f"{ROOT}blobs/"
REPOSITORIES = f"{ROOT}repositories/"
#: Wharf's own, out of the registry's sight: what may still have to come back, and who is at work.
OURS = "wharf/"
QUARANTINE = f"{OURS}quarantine/"
JOURNAL = f"{OURS}removed-links.json"
LOCK = f"{OURS}collect-garbage.lock"

_DIGEST = r"(?P<algorithm>[a-z0-9]+)/(?P<hex>[0-9a-f]{32,})"
_BLOB = re.compile(r"(?P<algorithm>[a-z0-9]+)/[0-9a-f]{2}/(?P<hex>[0-9a-f]{32,})/data")
_QUARANTINED = re.compile(_DIGEST)
_WRITTEN = re.compile(_DIGEST.replace("/", ":"))
#: A part of a name never begins with an underscore: what follows the first is distribution's.
_IN_REPOSITORY = re.compile(
    r"(?P<repository>[^_].*?)/(?:"
    rf"_layers/{_DIGEST}/link"
    rf"|_manifests/revisions/{_DIGEST.replace('<', '<revision_')}/link"
    r"|_manifests/tags/(?P<tag>[^/]+)/(?:(?P<current>current)"
    rf"|index/{_DIGEST.replace('<', '<index_')})/link"
    r"|_uploads/(?P<upload>[^/]+)/.+)"
)


def is_digest(value: object) -> bool:
    """Whether it is a digest as the registry writes them; what is none is never there."""
    return isinstance(value, str) and _WRITTEN.fullmatch(value) is not None


def blob(digest: str) -> str:
    """The key of a blob's bytes."""
    algorithm, _, encoded = digest.partition(":")
    return f"{BLOBS}{algorithm}/{encoded[:2]}/{encoded}/data"


def quarantined(digest: str) -> str:
    """The key of the copy of a blob that is about to be deleted."""
    return QUARANTINE + digest.replace(":", "/")


def layer(repository: str, digest: str) -> str:
    """The key of the link by which a repository has a layer or a configuration."""
    return f"{REPOSITORIES}{repository}/_layers/{digest.replace(':', '/')}/link"


def revision(repository: str, digest: str) -> str:
    """The key of the link by which a repository has a manifest."""
    return f"{REPOSITORIES}{repository}/_manifests/revisions/{digest.replace(':', '/')}/link"


def tag(repository: str, name: str) -> str:
    """The prefix of all keys of a tag."""
    return f"{REPOSITORIES}{repository}/_manifests/tags/{name}/"


def current(repository: str, name: str) -> str:
    """The key of the link that says what a tag names."""
    return f"{tag(repository, name)}current/link"


def index(repository: str, name: str, digest: str) -> str:
    """The key of the link that says that a tag names a manifest, or has named it."""
    return f"{tag(repository, name)}index/{digest.replace(':', '/')}/link"


def digest_of_blob(key: str) -> str | None:
    """The digest of the blob that a key holds the bytes of; None if it is no such key."""
    found = _BLOB.fullmatch(key.removeprefix(BLOBS))
    return f"{found['algorithm']}:{found['hex']}" if found else None


def digest_of_quarantined(key: str) -> str | None:
    """The digest of the blob that a key holds a copy of; None if it is no such key."""
    found = _QUARANTINED.fullmatch(key.removeprefix(QUARANTINE))
    return f"{found['algorithm']}:{found['hex']}" if found else None


def in_repository(key: str) -> re.Match[str] | None:
    """The parts of a repository's key by their name; None if it is none of those above."""
    return _IN_REPOSITORY.fullmatch(key.removeprefix(REPOSITORIES))
