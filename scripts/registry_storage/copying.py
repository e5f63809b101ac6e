"""Consistent copies of a registry in use, full or incremental."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.comparison import Content, Image, Lacking, compare
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import NOTHING, with_children
from scripts.registry_storage.snapshot import Repository, read_blobs, read_repositories
from scripts.registry_storage.store import ArchivedError, Entry, Store
from scripts.registry_storage.work import Work


@dataclass
class Copied:
    """Result of a copy: numbers of objects, and bytes.

    Attributes:
        tags: tags that were absent in the copy, or named another manifest.
        present: objects that the copy had already.
        gone: objects that were deleted while the copy ran.
        incomplete: tags and manifests that were not copied, because an object that they need is
            absent.
        holes: a line for each manifest or blob that an index lists and the registry does not serve.
        faults: a line for each object that was not copied because it is in an archive, is invalid,
            or has another size in the copy.
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
    """Copy missing objects in an order that keeps all tags and manifests of the copy complete.

    Args:
        source: bucket of the registry.
        target: bucket of the copy.
        work: threads for the requests.
        source_bucket: name of the registry's bucket.
        keep_tags: whether existing tags of the copy stay unchanged.
    """
    lacking = compare(source, target, work, keep_tags=keep_tags)
    done = Copied(present=lacking.present)
    _carry_out(lacking, target, work, source_bucket, done)
    if done.incomplete:
        # Most of these tags were deleted or pushed again meanwhile.
        earlier = lacking.content
        lacking = compare(source, target, work, keep_tags=keep_tags)
        _carry_out(lacking, target, work, source_bucket, done, earlier)
    done.faults = [*lacking.differing, *lacking.invalid, *sorted({*done.faults})]
    return done


def _carry_out(
    lacking: Lacking,
    target: Store,
    work: Work,
    source_bucket: str,
    done: Copied,
    earlier: Content | None = None,
) -> None:
    """Copy blobs, then links of layers, then complete manifests and tags.

    ``earlier`` is the content of the registry at the first comparison. An index that both
    comparisons found is copied without the manifests and blobs that the registry does not serve.
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

    copied_content = _Copy(
        target, work, [*lacking.manifests, *lacking.tags], lacking.content, earlier
    )

    def write_ready(images: Iterable[Image], step: str) -> list[Image]:
        ready, others = copied_content.sort(images)
        for image, links in work.map(write, ready, step):
            done.links += links
            done.gone += len(image.links) - links
            if image.tag:
                done.tags += 1
            elif links:
                copied_content.add(image)
        return others

    incomplete = lacking.manifests
    before = None
    while len(incomplete) != before:
        before = len(incomplete)
        # Indexes are ready in the round after their children.
        incomplete = write_ready(incomplete, "Copying manifests")
    incomplete += write_ready(lacking.tags, "Writing tags")
    # What is missing in a mirror can be fetched from its upstream.
    done.incomplete = [
        str(image) for image in incomplete if image.repository not in lacking.mirrored
    ]
    done.faults += archived
    done.gone -= len(archived)
    done.holes = [f"{index} lacks {hole}" for hole, index in copied_content.holes.items()]


class _Copy:
    """Content of the copy that images need; it is not read without images.

    Args:
        target: bucket of the copy.
        work: threads for the requests.
        images: images to copy.
        content: content of the registry.
        earlier: content of the registry at the first comparison; None at the first comparison.
    """

    def __init__(
        self,
        target: Store,
        work: Work,
        images: Collection[Image],
        content: Content,
        earlier: Content | None,
    ) -> None:
        self._content = content
        self._earlier = earlier
        self._repositories = read_repositories(target, work) if images else {}
        for repository in self._repositories.values():
            repository.forget_broken()
        self._blobs = read_blobs(target, work).keys() if images else set()
        self._needs = Manifests(target, work).read({image.digest for image in images})
        #: Manifests and blobs that the registry does not serve, with an index that lists them.
        self.holes: dict[str, Image] = {}

    def sort(self, images: Iterable[Image]) -> tuple[list[Image], list[Image]]:
        """Return images that clients can pull once they are written, and the other images."""
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
            needed = set[str]().union(*map(self._listed, manifests)) - {image.digest}
            holes = {digest for digest in needed if not self._is_served(repository, digest)}
        linked = manifests - holes if image.tag else manifests - holes - {image.digest}
        ready = linked <= repository.revisions.keys() and all(
            self._has(repository, manifest, holes) for manifest in manifests - holes
        )
        for manifest in manifests if ready else ():
            named = self._needs.get(manifest, NOTHING).named
            for hole in self._listed(manifest) & holes - named:
                self.holes.setdefault(f"{image.repository}@{hole}", image)
        return ready

    def _is_old(self, repository: str, manifests: Collection[str]) -> bool:
        """Return whether the first comparison found all manifests that the second has found.

        Clients push the children of an index before the index, so the second has found them, too.
        """
        if self._earlier is None:
            return False
        known = self._content.revisions | self._earlier.revisions
        found = {(repository, digest) for digest in manifests} & known
        return found <= self._earlier.revisions

    def _listed(self, manifest: str) -> AbstractSet[str]:
        needs = self._needs.get(manifest, NOTHING)
        return needs.children | needs.others | needs.named

    def _is_served(self, repository: Repository, digest: str) -> bool:
        """Return whether the registry serves a layer, or a manifest with the needed blobs."""
        if not self._content.blobs & repository.served(digest):
            return False
        if (repository.name, digest) not in self._content.revisions:
            return (repository.name, digest) in self._content.layers
        blobs = self._needs.get(digest, NOTHING).blobs
        return all(
            (repository.name, blob) in self._content.layers
            and self._content.blobs & repository.served(blob)
            for blob in blobs
        )

    def _has(self, repository: Repository, manifest: str, holes: AbstractSet[str]) -> bool:
        """Return whether the copy has all blobs that a manifest needs."""
        needs = self._needs.get(manifest)
        if needs is None or needs.unknown:
            return False
        either = repository.layers.keys() | repository.revisions.keys()
        loose = (needs.others | needs.named) - holes
        return (
            needs.blobs <= repository.layers.keys()
            and loose <= either
            and all(self._blobs & repository.served(blob) for blob in needs.blobs | loose)
        )

    def add(self, manifest: Image) -> None:
        """Record that the copy has the link of a manifest now."""
        self._repository(manifest).revisions[manifest.digest] = manifest.links[0].modified

    def _repository(self, image: Image) -> Repository:
        return self._repositories.setdefault(image.repository, Repository(image.repository))
