"""What a registry has, read from its objects: blobs, repositories, their links and tags."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from scripts.registry_storage import layout
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work


@dataclass
class Tag:
    """A tag.

    Attributes:
        pushed: when; None if it names nothing.
        digest: of the manifest that it names; None if it names nothing, or was not read.
        named: the manifests that it names or has named, and when each was last pushed.
        etag: of the object that says what it names.
    """

    pushed: datetime | None = None
    digest: str | None = None
    named: dict[str, datetime] = field(default_factory=dict)
    etag: str = ""


@dataclass
class Repository:
    """A repository: digests and the time when each was last linked, and tags.

    Attributes:
        layers: configurations and layers.
        revisions: manifests.
        uploads: those that have not ended: keys, and the time of the latest.
    """

    name: str
    layers: dict[str, datetime] = field(default_factory=dict)
    revisions: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    uploads: dict[str, "Upload"] = field(default_factory=dict)


@dataclass
class Upload:
    """An upload that has not ended."""

    keys: list[str]
    modified: datetime


Blobs = dict[str, Entry]
#: What tags were found to name, by key, entity tag and time of the object that says so.
Known = dict[tuple[str, str, datetime | None], str]
Repositories = dict[str, Repository]


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
    """All repositories by name, with what their tags name; ``known`` as of :func:`read_tags`."""
    repositories = read_links(store, work)
    read_tags(store, work, repositories.values(), known)
    return repositories


def read_tags(
    store: Store,
    work: Work,
    repositories: Collection[Repository],
    known: Known | None = None,
) -> None:
    """Fill in what the tags name; a tag that has gone meanwhile names nothing.

    Args:
        store: the registry's bucket.
        work: how many requests at a time.
        repositories: whose tags.
        known: what was read before, and need not be read again; filled.
    """
    known = {} if known is None else known
    unread = []
    for repository in repositories:
        for name, tag in repository.tags.items():
            mark = (layout.current(repository.name, name), tag.etag, tag.pushed)
            tag.digest = known.get(mark)
            if tag.pushed and tag.digest is None:
                unread.append((mark, tag))

    def read(item: tuple[tuple[str, str, datetime | None], Tag]) -> bytes | None:
        return store.read(item[0][0])

    for (mark, tag), content in work.map(read, unread, "Reading tags"):
        tag.digest = content.decode(errors="replace").strip() if content else None
        if tag.digest:
            # It may be newer than the listing, and the next one has another time then.
            known[mark] = tag.digest


def sort_links(entries: Iterable[Entry]) -> Repositories:
    """Repositories by name, from the objects below :data:`layout.REPOSITORIES`."""
    repositories: Repositories = {}
    for entry in entries:
        parts = layout.in_repository(entry.key)
        if parts is None:
            continue
        name = parts["repository"]
        repository = repositories.setdefault(name, Repository(name))
        if parts["hex"]:
            repository.layers[f"{parts['algorithm']}:{parts['hex']}"] = entry.modified
        elif parts["revision_hex"]:
            digest = f"{parts['revision_algorithm']}:{parts['revision_hex']}"
            repository.revisions[digest] = entry.modified
        elif parts["upload"]:
            upload = repository.uploads.setdefault(parts["upload"], Upload([], entry.modified))
            upload.keys.append(entry.key)
            upload.modified = max(upload.modified, entry.modified)
        else:
            tag = repository.tags.setdefault(parts["tag"], Tag())
            if parts["current"]:
                tag.pushed, tag.etag = entry.modified, entry.etag
            else:
                digest = f"{parts['index_algorithm']}:{parts['index_hex']}"
                tag.named[digest] = entry.modified
    return repositories
