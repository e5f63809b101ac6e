"""Content of a registry, read from its objects: blobs, repositories, links and tags."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work

#: Bytes of the smallest object that cannot be a link object, and is not read.
NO_LINK = 1000
#: Time of a tag's object that the listing lacks.
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Tag:
    """A tag.

    Attributes:
        pushed: time of the last push; None if the link object of the tag is absent.
        digest: digest of the manifest that the tag names; None if it names none, or was not read.
        named: digests that the tag names or has named, with the time of each last push.
        etag: entity tag of the tag's link object, which has ``size`` bytes.
        broken: reason why the tag names no manifest, if it was read.
    """

    pushed: datetime | None = None
    digest: str | None = None
    named: dict[str, datetime] = field(default_factory=dict)
    etag: str = ""
    size: int = 0
    broken: str = ""


@dataclass
class Repository:
    """A repository: linked digests with the time of each link object, and tags.

    Attributes:
        layers: digests of configurations and layers.
        revisions: digests of manifests.
        aliases: for a linked digest, other digests in its link objects, by key. The registry serves
            the blob of the other digest; a push under a SHA-512 makes such links.
        broken: for each key of a link object without a digest, the reason.
        uploads: unfinished uploads by ID.
        mirrored: whether what is missing can be fetched from the upstream (docs/mirrors.md).
        unread: link objects whose content does not follow from the listing, and their digests.
    """

    name: str
    layers: dict[str, datetime] = field(default_factory=dict)
    revisions: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, "Upload"] = field(default_factory=dict)
    mirrored: bool = False
    unread: list[tuple[str, Entry]] = field(default_factory=list)

    def forget_broken(self) -> None:
        """Drop digests with a broken link, for which the registry returns an error."""
        for digest, entry in self.unread:
            if entry.key in self.broken:
                is_layer = entry.key == layout.layer(self.name, digest)
                (self.layers if is_layer else self.revisions).pop(digest)

    def served(self, digest: str) -> set[str]:
        """Return the digests of the blobs that the registry may serve for a digest."""
        return {*self.aliases.get(digest, {}).values()} or {digest}

    def resolved(self, digests: Iterable[str]) -> set[str]:
        """Return digests, with the digests of the blobs that the repository serves for them."""
        found = set(digests)
        return found.union(*(self.aliases[key].values() for key in found & self.aliases.keys()))


@dataclass
class Upload:
    """An unfinished upload: the keys of its objects, and the time of the last write."""

    keys: list[str]
    modified: datetime


Blobs = dict[str, Entry]
#: Content of tags and link objects, by key, entity tag and time.
Known = dict[tuple[str, str, datetime], bytes]
Repositories = dict[str, Repository]
#: Takes the content of a link object, the reason why it was not read, or None if it is absent.
Fill = Callable[[bytes | str | None], None]


def require_registry(store: Store, bucket: str, *more: str) -> None:
    """Check that a bucket has objects of a registry, or objects below the other prefixes.

    Raises:
        ConfigurationError: the bucket has no such object.
    """
    for entry in chain.from_iterable(map(store.entries, (layout.ROOT, *more))):
        if layout.digest_of_blob(entry.key) or layout.in_repository(entry.key):
            return
        if entry.key.startswith(more):
            return
    raise ConfigurationError(
        f"s3://{bucket}: no registry in this bucket at {layout.ROOT}: check its name; a registry "
        "has no objects before its first push"
    )


def read_blobs(store: Store, work: Work) -> Blobs:
    """Return all blobs by digest."""
    entries = work.follow(store.entries(layout.BLOBS), "Listing blobs")
    found = ((layout.digest_of_blob(entry.key), entry) for entry in entries)
    return {digest: entry for digest, entry in found if digest}


def read_links(store: Store, work: Work) -> Repositories:
    """Return all repositories by name, without reading their link objects."""
    entries = store.entries(layout.REPOSITORIES)
    return sort_links(work.follow(entries, "Listing repositories"))


def read_repositories(store: Store, work: Work, known: Known | None = None) -> Repositories:
    """Return all repositories by name, with the digests in their tags and link objects.

    The entity tag of a small object in S3 is the MD5 of its content, unless a KMS key encrypts it.
    So the listing is enough for most tags and links; the others take a request each.

    Args:
        store: bucket of the registry.
        work: threads for the requests.
        known: content that was read before; updated.
    """
    repositories = read_links(store, work)
    known = {} if known is None else known
    unread: list[tuple[Entry, Fill]] = []
    for repository in repositories.values():
        for name, tag in repository.tags.items():
            tag.digest = next((digest for digest in tag.named if holds(tag.etag, digest)), None)
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
            # Content newer than the listing is safe: the next listing then has another time.
            known[_mark(entry)] = content
        fill(content)
    return repositories


def _mark(entry: Entry) -> tuple[str, str, datetime]:
    return entry.key, entry.etag, entry.modified


def holds(etag: str, digest: str) -> bool:
    """Return whether the entity tag of a link object is that of exactly this digest."""
    return etag.strip('"') == hashlib.md5(digest.encode(), usedforsecurity=False).hexdigest()


def _name(tag: Tag, content: bytes | str | None) -> None:
    """Fill in the digest of a tag; a tag that was deleted meanwhile names none."""
    if content is None:
        tag.broken = "" if tag.pushed else "its current/link is absent"
    elif digest := _digest(content):
        tag.digest = digest
    else:
        tag.broken = _why(content)
        if isinstance(content, bytes):
            # A digest with a line end, for example: the registry refuses such a link.
            tag.named.update(dict.fromkeys(layout.digests_in(content), tag.pushed or NEVER))


def _follow(repository: Repository, digest: str, key: str, content: bytes | str | None) -> None:
    """Record the content of a link object; a link that was deleted meanwhile has none."""
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
    """Return repositories by name, from the objects below :data:`layout.REPOSITORIES`."""
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
        elif parts["mirror"]:
            repository.mirrored = True
        else:
            tag = repository.tags.setdefault(parts["tag"], Tag())
            if parts["current"]:
                tag.pushed, tag.etag, tag.size = entry.modified, entry.etag, entry.size
            else:
                tag.named[parts["index"]] = entry.modified
    return repositories
