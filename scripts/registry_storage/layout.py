"""Keys of distribution's objects in its bucket, the same in version 2 and 3.

The API is in https://distribution.github.io/distribution/spec/, the keys are in distribution's
``registry/storage/paths.go``.
"""

import re

ROOT = "docker/registry/v2/"
BLOBS = f"{ROOT}blobs/"
REPOSITORIES = f"{ROOT}repositories/"
#: Wharf's own objects, which the registry does not see: copies of blobs, removed links, the lock.
OURS = "wharf/"
QUARANTINE = f"{OURS}quarantine/"
JOURNAL = f"{OURS}removed-links.json"
LOCK = f"{OURS}collect-garbage.lock"

#: The algorithms that distribution supports; objects of other algorithms are left alone.
_DIGEST = r"(?:sha256/[0-9a-f]{64}|sha384/[0-9a-f]{96}|sha512/[0-9a-f]{128})"
_WRITTEN = re.compile(_DIGEST.replace("/", ":"))
_BLOB = re.compile(r"(sha256|sha384|sha512)/([0-9a-f]{2})/(\2[0-9a-f]+)/data")
_NAMED = re.compile(rb"sha(?:256|384|512):[0-9a-f]+")
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")
#: No component of a repository's name begins with an underscore; names of distribution do.
_IN_REPOSITORY = re.compile(
    r"(?P<repository>[^_].*?)/(?:"
    rf"_layers/(?P<layer>{_DIGEST})/link"
    rf"|_manifests/revisions/(?P<revision>{_DIGEST})/link"
    r"|_manifests/tags/(?P<tag>[^/]+)/(?:(?P<current>current)"
    rf"|index/(?P<index>{_DIGEST}))/link"
    r"|_uploads/(?P<upload>[^/]+)/.+"
    r"|(?P<mirror>_mirror)/link)"
)


def is_digest(value: object) -> bool:
    """Return whether a value is a digest in the form that distribution accepts."""
    return isinstance(value, str) and _WRITTEN.fullmatch(value) is not None


def digests_in(text: bytes) -> frozenset[str]:
    """Return every digest in a text, also with the escapes of JSON."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)).encode(errors="replace"), text)
    found = (digest.decode() for part in (text, plain) for digest in _NAMED.findall(part))
    return frozenset(filter(is_digest, found))


def blob(digest: str) -> str:
    """Return the key of a blob."""
    algorithm, _, encoded = digest.partition(":")
    return f"{BLOBS}{algorithm}/{encoded[:2]}/{encoded}/data"


def quarantined(digest: str) -> str:
    """Return the key of the copy of a blob that is about to be deleted."""
    return QUARANTINE + _path(digest)


def layer(repository: str, digest: str) -> str:
    """Return the key of the link object of a layer or configuration in a repository."""
    return f"{REPOSITORIES}{repository}/_layers/{_path(digest)}/link"


def revision(repository: str, digest: str) -> str:
    """Return the key of the link object of a manifest in a repository."""
    return f"{REPOSITORIES}{repository}/_manifests/revisions/{_path(digest)}/link"


def tag(repository: str, name: str) -> str:
    """Return the prefix of all keys of a tag."""
    return f"{REPOSITORIES}{repository}/_manifests/tags/{name}/"


def current(repository: str, name: str) -> str:
    """Return the key of the link object with the digest that a tag names."""
    return f"{tag(repository, name)}current/link"


def index(repository: str, name: str, digest: str) -> str:
    """Return the key of the link object for a manifest that a tag names or has named."""
    return f"{tag(repository, name)}index/{_path(digest)}/link"


def digest_of_blob(key: str) -> str | None:
    """Return the digest of the blob at a key; None for other keys."""
    found = _BLOB.fullmatch(key.removeprefix(BLOBS))
    return _digest(f"{found[1]}/{found[3]}") if found else None


def digest_of_quarantined(key: str) -> str | None:
    """Return the digest of the blob whose copy is at a key; None for other keys."""
    return _digest(key.removeprefix(QUARANTINE))


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _digest(path: str) -> str | None:
    digest = path.replace("/", ":", 1)
    return digest if is_digest(digest) else None


def in_repository(key: str) -> dict[str, str] | None:
    """Return the parts of a key of a repository by name; None for other keys.

    ``layer``, ``revision`` and ``index`` are digests; a part that the key lacks is empty.
    ``mirror`` is that of an object that says that the repository is a copy of an upstream's.
    """
    found = _IN_REPOSITORY.fullmatch(key.removeprefix(REPOSITORIES))
    if found is None:
        return None
    parts = found.groupdict(default="")
    for name in ("layer", "revision", "index"):
        parts[name] = parts[name].replace("/", ":")
    return parts
