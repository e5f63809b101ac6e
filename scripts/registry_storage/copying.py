"""A consistent copy of a registry that is in use, and of what has changed since the last."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scripts.registry_storage import layout
from scripts.registry_storage.snapshot import read_tags, sort_links
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work


@dataclass
class Copied:
    """Numbers of objects that were copied, and bytes; what was there already; what had gone.

    ``tags`` are those that the copy did not have, or had for something else.
    """

    blobs: int = 0
    bytes: int = 0
    links: int = 0
    tags: int = 0
    present: int = 0
    gone: int = 0


@dataclass
class Plan:
    """What a copy lacks: objects in the order in which they have to come."""

    blobs: list[Entry]
    links: list[Entry]
    tags: dict[str, bytes]
    present: int


def plan(source: Store, target: Store, work: Work, *, keep_tags: bool = False) -> Plan:
    """Compare two buckets.

    A push writes blobs, then links, then the tag. Read in the opposite order, what a tag names is
    complete: it was there before the tag was.

    Args:
        source: the bucket of the registry.
        target: the bucket of the copy.
        work: how many requests at a time.
        keep_tags: a tag that the copy has stays as it is.
    """
    wanted = _tags(source, work)
    present_tags = _tags(target, work)
    links = [
        entry
        for entry in work.follow(source.entries(layout.REPOSITORIES), "Listing links")
        if _is_link(entry.key)
    ]
    blobs = list(work.follow(source.entries(layout.BLOBS), "Listing blobs"))
    present = {
        entry.key: entry.size
        for entry in work.follow(target.entries(layout.ROOT), "Listing the copy")
    }

    def absent(entries: Iterable[Entry]) -> list[Entry]:
        # The content of all of them is told by their key; only what a tag names changes.
        return [entry for entry in entries if present.get(entry.key) != entry.size]

    tags = {
        key: digest
        for key, digest in wanted.items()
        if present_tags.get(key) != digest and not (keep_tags and key in present_tags)
    }
    lacking = Plan(absent(blobs), absent(links), tags, 0)
    total = len(blobs) + len(links) + len(wanted)
    lacking.present = total - len(lacking.blobs) - len(lacking.links) - len(lacking.tags)
    return lacking


def _tags(store: Store, work: Work) -> dict[str, bytes]:
    """What each tag names, by the key that says so."""
    entries = work.follow(store.entries(layout.REPOSITORIES), "Listing tags")
    repositories = sort_links(entries)
    read_tags(store, work, repositories.values())
    return {
        layout.current(repository.name, name): tag.digest.encode()
        for repository in repositories.values()
        for name, tag in repository.tags.items()
        if tag.digest
    }


def _is_link(key: str) -> bool:
    """Whether it belongs to an image: not to an upload, and not what a tag names now."""
    parts = layout.in_repository(key)
    return parts is not None and not parts["upload"] and not parts["current"]


def carry_out(what: Plan, target: Store, work: Work, source_bucket: str) -> Copied:
    """Copy what is lacking: blobs, then links, then tags, so that no tag comes too early."""
    done = Copied(present=what.present)
    sizes = sum(entry.size for entry in what.blobs)
    gone = _copy(what.blobs, "Copying blobs", target, work, source_bucket)
    done.blobs, done.bytes = len(what.blobs) - len(gone), sizes - sum(one.size for one in gone)
    gone_links = _copy(what.links, "Copying links", target, work, source_bucket)
    done.links = len(what.links) - len(gone_links)
    done.gone = len(gone) + len(gone_links)

    def write(item: tuple[str, bytes]) -> None:
        target.write(*item)

    for _ in work.map(write, list(what.tags.items()), "Writing tags"):
        done.tags += 1
    return done


def _copy(
    entries: Collection[Entry], step: str, target: Store, work: Work, source_bucket: str
) -> list[Entry]:
    """Copy objects; return those that had gone."""

    def copy(entry: Entry) -> bool:
        return target.copy(entry, entry.key, source_bucket)

    return [entry for entry, copied in work.map(copy, entries, step) if not copied]
