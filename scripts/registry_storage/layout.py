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

#: The algorithms that distribution knows; objects of others are left alone.
_DIGEST = r"(?:sha256/[0-9a-f]{64}|sha384/[0-9a-f]{96}|sha512/[0-9a-f]{128})"
_WRITTEN = re.compile(_DIGEST.replace("/", ":"))
_BLOB = re.compile(r"(sha256|sha384|sha512)/([0-9a-f]{2})/(\2[0-9a-f]+)/data")
_NAMED = re.compile(rb"sha(?:256|384|512):[0-9a-f]+")
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")
#: A part of a name never begins with an underscore: what follows the first is distribution's.
_IN_REPOSITORY = re.compile(
    r"(?P<repository>[^_].*?)/(?:"
    rf"_layers/(?P<layer>{_DIGEST})/link"
    rf"|_manifests/revisions/(?P<revision>{_DIGEST})/link"
    r"|_manifests/tags/(?P<tag>[^/]+)/(?:(?P<current>current)"
    rf"|index/(?P<index>{_DIGEST}))/link"
    r"|_uploads/(?P<upload>[^/]+)/.+)"
)


def is_digest(value: object) -> bool:
    """Return whether a value is a digest as distribution writes and accepts them."""
    return isinstance(value, str) and _WRITTEN.fullmatch(value) is not None


def digests_in(text: bytes) -> frozenset[str]:
    """Return every digest that a text may hold, also if it is escaped as in JSON."""
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)).encode(errors="replace"), text)
    found = (one.decode() for part in (text, plain) for one in _NAMED.findall(part))
    return frozenset(one for one in found if is_digest(one))


def blob(digest: str) -> str:
    """The key of a blob's bytes."""
    algorithm, _, encoded = digest.partition(":")
    return f"{BLOBS}{algorithm}/{encoded[:2]}/{encoded}/data"


def quarantined(digest: str) -> str:
    """The key of the copy of a blob that is about to be deleted."""
    return QUARANTINE + _path(digest)


def layer(repository: str, digest: str) -> str:
    """The key of the link by which a repository has a layer or a configuration."""
    return f"{REPOSITORIES}{repository}/_layers/{_path(digest)}/link"


def revision(repository: str, digest: str) -> str:
    """The key of the link by which a repository has a manifest."""
    return f"{REPOSITORIES}{repository}/_manifests/revisions/{_path(digest)}/link"


def tag(repository: str, name: str) -> str:
    """The prefix of all keys of a tag."""
    return f"{REPOSITORIES}{repository}/_manifests/tags/{name}/"


def current(repository: str, name: str) -> str:
    """The key of the link that says what a tag names."""
    return f"{tag(repository, name)}current/link"


def index(repository: str, name: str, digest: str) -> str:
    """The key of the link that says that a tag names a manifest, or has named it."""
    return f"{tag(repository, name)}index/{_path(digest)}/link"


def digest_of_blob(key: str) -> str | None:
    """The digest of the blob that a key holds the bytes of; None if it is no such key."""
    found = _BLOB.fullmatch(key.removeprefix(BLOBS))
    return _digest(f"{found[1]}/{found[3]}") if found else None


def digest_of_quarantined(key: str) -> str | None:
    """The digest of the blob that a key holds a copy of; None if it is no such key."""
    return _digest(key.removeprefix(QUARANTINE))


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _digest(path: str) -> str | None:
    digest = path.replace("/", ":", 1)
    return digest if is_digest(digest) else None


def in_repository(key: str) -> dict[str, str] | None:
    """Return the parts of a repository's key by their name; None if it is none of those above.

    ``layer``, ``revision`` and ``index`` are digests; a part that the key lacks is empty.
    """
    found = _IN_REPOSITORY.fullmatch(key.removeprefix(REPOSITORIES))
    if found is None:
        return None
    parts = found.groupdict(default="")
    for name in ("layer", "revision", "index"):
        parts[name] = parts[name].replace("/", ":")
    return parts
