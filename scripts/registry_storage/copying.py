"""A consistent copy of a registry that is in use, and of what has changed since the last."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.comparison import Image, Lacking, There, compare
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import NOTHING, with_children
from scripts.registry_storage.snapshot import Repository, read_blobs, read_repositories
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work


@dataclass
class Copied:
    """Numbers of objects that were copied, and bytes; what was there already; what had gone.

    ``tags`` are those that the copy did not have, or had for something else. ``incomplete`` are
    tags and manifests that were not copied, for something that they need is not there.
    ``holes`` are lines about what an index lists and the registry does not serve. ``faults`` are
    lines about objects that were not copied: they are in an archive, cannot be right, or are in
    the copy in another size.
    """

    blobs: int = 0
    bytes: int = 0
    links: int = 0
    tags: int = 0
    present: int = 0
    gone: int = 0
    incomplete: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def copy_lacking(
    source: Store, target: Store, work: Work, source_bucket: str, *, keep_tags: bool = False
) -> Copied:
    """Copy what a copy lacks, so that at any time its tags and manifests have all that they need.

    Args:
        source: the bucket of the registry.
        target: the bucket of the copy.
        work: how many requests at a time.
        source_bucket: the name of the registry's.
        keep_tags: a tag that the copy has stays as it is.
    """
    lacking = compare(source, target, work, keep_tags=keep_tags)
    done = Copied(present=lacking.present)
    _carry_out(lacking, target, work, source_bucket, done)
    if done.incomplete:
        # Most were removed meanwhile, so that nobody wants them any more, or name something new.
        earlier = lacking.there
        lacking = compare(source, target, work, keep_tags=keep_tags)
        _carry_out(lacking, target, work, source_bucket, done, earlier)
    done.faults = [*lacking.differing, *lacking.spoilt, *sorted({*done.faults})]
    return done


def _carry_out(
    lacking: Lacking,
    target: Store,
    work: Work,
    source_bucket: str,
    done: Copied,
    earlier: There | None = None,
) -> None:
    """Copy blobs, then links to layers, then manifests and tags that are whole then.

    ``earlier`` is what the first comparison found in the registry. If it found an index there,
    and the registry does not serve what that index lists, the index is copied without that.
    """

    archived: list[str] = []

    def copy(entry: Entry) -> bool:
        try:
            return target.copy(entry, entry.key, source_bucket)
        except ArchivedError as error:
            archived.append(str(error))
            return False

    for blob, copied in work.map(copy, lacking.blobs, "Copying blobs"):
        done.blobs += copied
        done.bytes += blob.size * copied
        done.gone += not copied
    for _, copied in work.map(copy, lacking.layers, "Copying links"):
        done.links += copied
        done.gone += not copied

    def write(image: Image) -> int:
        links = sum(map(copy, image.links))
        if image.tag:
            target.write(layout.current(image.repository, image.tag), image.digest.encode())
        return links

    held = _Held(target, work, [*lacking.manifests, *lacking.tags], lacking.there, earlier)

    def write_ready(images: Iterable[Image], step: str) -> list[Image]:
        ready, others = held.sort(images)
        for image, links in work.map(write, ready, step):
            done.links += links
            done.gone += len(image.links) - links
            if image.tag:
                done.tags += 1
            elif links:
                held.add(image)
        return others

    incomplete = lacking.manifests
    before = None
    while len(incomplete) != before:
        before = len(incomplete)
        # Indexes are ready in the round after their children.
        incomplete = write_ready(incomplete, "Copying manifests")
    incomplete += write_ready(lacking.tags, "Writing tags")
    done.incomplete = list(map(str, incomplete))
    done.faults += archived
    done.gone -= len(archived)
    done.holes = [f"{index} lacks {one}" for one, index in held.holes.items()]


class _Held:
    """What the copy has now that some images need; if there are none, it does not look.

    Args:
        target: the bucket of the copy.
        work: how many requests at a time.
        images: that are to be copied.
        there: what the registry has.
        earlier: what it had at the first comparison; None at that one.
    """

    def __init__(
        self,
        target: Store,
        work: Work,
        images: Collection[Image],
        there: There,
        earlier: There | None,
    ) -> None:
        self._there = there
        self._earlier = earlier
        self._repositories = read_repositories(target, work) if images else {}
        for repository in self._repositories.values():
            repository.forget_broken()
        self._blobs = read_blobs(target, work).keys() if images else set()
        self._needs = Manifests(target, work).read({image.digest for image in images})
        #: What an index of each repository lists and the registry does not serve, and the index.
        self.holes: dict[str, Image] = {}

    def sort(self, images: Iterable[Image]) -> tuple[list[Image], list[Image]]:
        """Those that clients can pull once they are written, and the others."""
        ready: list[Image] = []
        others: list[Image] = []
        for image in images:
            (ready if self._is_ready(image) else others).append(image)
        return ready, others

    def _is_ready(self, image: Image) -> bool:
        repository = self._repository(image)
        manifests = with_children([image.digest], repository, self._needs)
        holes: set[str] = set()
        if self._is_old(image.repository, manifests):
            needed = {one for each in manifests for one in self._listed(each)} - {image.digest}
            holes = {one for one in needed if not self._is_served(repository, one)}
        linked = manifests - holes if image.tag else manifests - holes - {image.digest}
        ready = linked <= repository.revisions.keys() and all(
            self._holds(repository, one, holes) for one in manifests - holes
        )
        for one in manifests if ready else ():
            for hole in self._listed(one) & holes - self._needs.get(one, NOTHING).named:
                self.holes.setdefault(f"{image.repository}@{hole}", image)
        return ready

    def _is_old(self, repository: str, manifests: Collection[str]) -> bool:
        """Return whether both comparisons found those of the manifests that any has found.

        What an index lists was pushed before it, so the second has found that, too.
        """
        if self._earlier is None:
            return False
        known = self._there.revisions | self._earlier.revisions
        found = {(repository, one) for one in manifests} & known
        return found <= self._earlier.revisions

    def _listed(self, manifest: str) -> AbstractSet[str]:
        needs = self._needs.get(manifest, NOTHING)
        return needs.children | needs.others | needs.named

    def _is_served(self, repository: Repository, digest: str) -> bool:
        """Return whether the registry serves a manifest and what it needs, or a layer."""
        if not self._there.blobs & repository.served(digest):
            return False
        if (repository.name, digest) not in self._there.revisions:
            return (repository.name, digest) in self._there.layers
        blobs = self._needs.get(digest, NOTHING).blobs
        return all(
            (repository.name, one) in self._there.layers
            and self._there.blobs & repository.served(one)
            for one in blobs
        )

    def _holds(self, repository: Repository, manifest: str, holes: AbstractSet[str]) -> bool:
        """Return whether the copy has all that a manifest needs."""
        needs = self._needs.get(manifest)
        if needs is None or needs.unknown:
            return False
        either = repository.layers.keys() | repository.revisions.keys()
        loose = (needs.others | needs.named) - holes
        return (
            needs.blobs <= repository.layers.keys()
            and loose <= either
            and all(self._blobs & repository.served(one) for one in needs.blobs | loose)
        )

    def add(self, manifest: Image) -> None:
        """Say that it has the link to a manifest now."""
        self._repository(manifest).revisions[manifest.digest] = manifest.links[0].modified

    def _repository(self, image: Image) -> Repository:
        return self._repositories.setdefault(image.repository, Repository(image.repository))
