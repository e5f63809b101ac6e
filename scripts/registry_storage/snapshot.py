"""What a registry has, read from its objects: blobs, repositories, their links and tags."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work

#: Bytes from which on an object is no link, and is not read.
NO_LINK = 1000
#: The time of a tag's object that the listing lacks.
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Tag:
    """A tag.

    Attributes:
        pushed: when; None if the object is absent that says what the tag names.
        digest: of the manifest that it names; None if it names nothing, or was not read.
        named: the manifests that it names or has named, and when each was last pushed.
        etag: of the object that says what it names, whose bytes are counted in ``size``.
        broken: why it names nothing, if it was read.
    """

    pushed: datetime | None = None
    digest: str | None = None
    named: dict[str, datetime] = field(default_factory=dict)
    etag: str = ""
    size: int = 0
    broken: str = ""


@dataclass
class Repository:
    """A repository: digests and the time when each was last linked, and tags.

    Attributes:
        layers: configurations and layers.
        revisions: manifests.
        aliases: of linked digests, those that the links name instead, by the link's key: the
            registry serves the blob of the latter under the former. It links so what is pushed
            under a SHA-512.
        broken: of links that name no digest, by key: why.
        uploads: those that have not ended: keys, and the time of the latest.
        unread: links whose content the listing does not tell, with the digest of their key.
    """

    name: str
    layers: dict[str, datetime] = field(default_factory=dict)
    revisions: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, "Upload"] = field(default_factory=dict)
    unread: list[tuple[str, Entry]] = field(default_factory=list)

    def forget_broken(self) -> None:
        """Drop the digests for which the registry responds with an error, for a link is broken."""
        for digest, entry in self.unread:
            if entry.key in self.broken:
                is_layer = entry.key == layout.layer(self.name, digest)
                (self.layers if is_layer else self.revisions).pop(digest)

    def served(self, digest: str) -> set[str]:
        """Return the digests of the blobs of which the registry serves one under a digest."""
        return {*self.aliases.get(digest, {}).values()} or {digest}

    def resolved(self, digests: Iterable[str]) -> set[str]:
        """Return digests, and those of the blobs that the repository serves for them."""
        found = set(digests)
        return found.union(*(self.aliases[one].values() for one in found & self.aliases.keys()))


@dataclass
class Upload:
    """An upload that has not ended."""

    keys: list[str]
    modified: datetime


Blobs = dict[str, Entry]
#: What tags and links were found to hold, by key, entity tag and time of the object.
Known = dict[tuple[str, str, datetime], bytes]
Repositories = dict[str, Repository]
#: Takes the content of a link, the reason why the content was not read, or None for no object.
Fill = Callable[[bytes | str | None], None]


def require_registry(store: Store, bucket: str, *more: str) -> None:
    """Make sure that a bucket has something of a registry, or below other prefixes.

    Raises:
        ConfigurationError: it has not.
    """
    for entry in (one for prefix in (layout.ROOT, *more) for one in store.entries(prefix)):
        if layout.digest_of_blob(entry.key) or layout.in_repository(entry.key):
            return
        if entry.key.startswith(more):
            return
    raise ConfigurationError(
        f"s3://{bucket}: no registry in this bucket at {layout.ROOT}: check its name; a registry "
        "to which nobody has pushed is not there either"
    )


def read_blobs(store: Store, work: Work) -> Blobs:
    """All blobs by digest."""
    entries = work.follow(store.entries(layout.BLOBS), "Listing blobs")
    found = ((layout.digest_of_blob(entry.key), entry) for entry in entries)
    return {digest: entry for digest, entry in found if digest}


def read_links(store: Store, work: Work) -> Repositories:
    """All repositories by name; what their tags name is not read."""
    entries = store.entries(layout.REPOSITORIES)
    return sort_links(work.follow(entries, "Listing repositories"))


def read_repositories(store: Store, work: Work, known: Known | None = None) -> Repositories:
    """Return all repositories by name, with what their tags and links name.

    S3's entity tag of a small object is the MD5 of its content, unless a key of KMS encrypts it.
    So most tags and links are known by the listing; the others are read, a request for each.

    Args:
        store: the registry's bucket.
        work: how many requests at a time.
        known: what was read before, and need not be read again; filled.
    """
    repositories = read_links(store, work)
    known = {} if known is None else known
    unread: list[tuple[Entry, Fill]] = []
    for repository in repositories.values():
        for name, tag in repository.tags.items():
            tag.digest = next((one for one in tag.named if holds(tag.etag, one)), None)
            if tag.digest is None:
                key = layout.current(repository.name, name)
                entry = Entry(key, tag.size, tag.pushed or NEVER, tag.etag)
                unread.append((entry, partial(_name, tag)))
        for digest, entry in repository.unread:
            unread.append((entry, partial(_follow, repository, digest, entry.key)))

    def read(item: tuple[Entry, Fill]) -> bytes | str | None:
        entry, _ = item
        if entry.size >= NO_LINK:
            return f"it holds {entry.size:,} bytes"
        try:
            return known.get(_mark(entry)) or store.read(entry.key)
        except ArchivedError as error:
            return str(error)

    for (entry, fill), content in work.map(read, unread, "Reading links"):
        if isinstance(content, bytes) and content and entry.modified != NEVER:
            # It may be newer than the listing, and the next one has another time then.
            known[_mark(entry)] = content
        fill(content)
    return repositories


def _mark(entry: Entry) -> tuple[str, str, datetime]:
    return entry.key, entry.etag, entry.modified


def holds(etag: str, digest: str) -> bool:
    """Return whether a link's entity tag tells that it holds this digest, and nothing else."""
    return etag.strip('"') == hashlib.md5(digest.encode(), usedforsecurity=False).hexdigest()


def _name(tag: Tag, content: bytes | str | None) -> None:
    """Fill in what a tag was found to name; a tag that has gone meanwhile names nothing."""
    if content is None:
        tag.broken = "" if tag.pushed else "no object says what it names"
    elif digest := _digest(content):
        tag.digest = digest
    else:
        tag.broken = _why(content)
        if isinstance(content, bytes):
            # Such as one with the end of a line: the registry takes no such link.
            tag.named.update(dict.fromkeys(layout.digests_in(content), tag.pushed or NEVER))


def _follow(repository: Repository, digest: str, key: str, content: bytes | str | None) -> None:
    """Record what a link was found to hold; a link that has gone meanwhile says nothing."""
    if content is None:
        return
    named = _digest(content)
    if named is None:
        repository.broken[key] = _why(content)
    elif named != digest:
        repository.aliases.setdefault(digest, {})[key] = named


def _digest(content: bytes | str) -> str | None:
    text = content.decode(errors="replace") if isinstance(content, bytes) else ""
    return text if layout.is_digest(text) else None


def _why(content: bytes | str) -> str:
    if isinstance(content, str):
        return content
    return f"it holds {content[:80]!r}" if content else "it is empty"


def sort_links(entries: Iterable[Entry]) -> Repositories:
    """Repositories by name, from the objects below :data:`layout.REPOSITORIES`."""
    repositories: Repositories = {}
    for entry in entries:
        parts = layout.in_repository(entry.key)
        if parts is None:
            continue
        name = parts["repository"]
        repository = repositories.setdefault(name, Repository(name))
        if linked := parts["layer"] or parts["revision"]:
            links = repository.layers if parts["layer"] else repository.revisions
            links[linked] = entry.modified
            if not holds(entry.etag, linked):
                repository.unread.append((linked, entry))
        elif parts["upload"]:
            upload = repository.uploads.setdefault(parts["upload"], Upload([], entry.modified))
            upload.keys.append(entry.key)
            upload.modified = max(upload.modified, entry.modified)
        else:
            tag = repository.tags.setdefault(parts["tag"], Tag())
            if parts["current"]:
                tag.pushed, tag.etag, tag.size = entry.modified, entry.etag, entry.size
            else:
                tag.named[parts["index"]] = entry.modified
    return repositories
