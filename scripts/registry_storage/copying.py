"""A consistent copy of a registry that is in use, and of what has changed since the last."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from scripts.registry_storage import layout
from scripts.registry_storage.comparison import Image, Lacking, compare
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import with_children
from scripts.registry_storage.snapshot import Repository, read_blobs, read_links
from scripts.registry_storage.store import Entry, Store
from scripts.registry_storage.work import Work


@dataclass
class Copied:
    """Numbers of objects that were copied, and bytes; what was there already; what had gone.

    ``tags`` are those that the copy did not have, or had for something else. ``incomplete`` are
    tags and manifests that were not copied, for something that they need is not there.
    """

    blobs: int = 0
    bytes: int = 0
    links: int = 0
    tags: int = 0
    present: int = 0
    gone: int = 0
    incomplete: list[str] = field(default_factory=list)


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
        earlier = lacking.revisions
        lacking = compare(source, target, work, keep_tags=keep_tags)
        _carry_out(lacking, target, work, source_bucket, done, earlier)
    return done


def _carry_out(
    lacking: Lacking,
    target: Store,
    work: Work,
    source_bucket: str,
    done: Copied,
    earlier: Collection[tuple[str, str]] = (),
) -> None:
    """Copy blobs, then links to layers, then manifests and tags that are whole then.

    ``earlier`` are the manifests that the first comparison found in the registry. If it found an
    index there, and no comparison found one of its children, the index was pushed without that
    child, and is copied without it.
    """

    def copy(entry: Entry) -> bool:
        return target.copy(entry, entry.key, source_bucket)

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

    held = _Held(target, work, [*lacking.manifests, *lacking.tags], earlier, lacking.revisions)

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


class _Held:
    """What the copy has now that some images need; if there are none, it does not look."""

    def __init__(
        self,
        target: Store,
        work: Work,
        images: Collection[Image],
        earlier: Collection[tuple[str, str]],
        now: Collection[tuple[str, str]],
    ) -> None:
        self._earlier = set(earlier)
        self._found = self._earlier | set(now)
        self._repositories = read_links(target, work) if images else {}
        self._blobs = read_blobs(target, work) if images else {}
        manifests = Manifests(target, work, strict=False)
        self._needs = manifests.read({image.digest for image in images})

    def sort(self, images: Iterable[Image]) -> tuple[list[Image], list[Image]]:
        """Those that clients can pull once they are written, and the others."""
        ready: list[Image] = []
        others: list[Image] = []
        for image in images:
            (ready if self._is_ready(image) else others).append(image)
        return ready, others

    def _is_ready(self, image: Image) -> bool:
        repository = self._repository(image)
        manifests = self._pushed(image)
        layers = {
            layer for one in manifests & self._needs.keys() for layer in self._needs[one].blobs
        }
        linked = manifests if image.tag else manifests - {image.digest}
        return (
            manifests <= self._needs.keys()
            and manifests | layers <= self._blobs.keys()
            and layers <= repository.layers.keys()
            and linked <= repository.revisions.keys()
        )

    def _pushed(self, image: Image) -> set[str]:
        """Return the digests of an image and its children, without those that nobody has pushed."""
        digests = with_children([image.digest], self._needs)
        found = {one for one in digests if (image.repository, one) in self._found}
        if all((image.repository, one) in self._earlier for one in found):
            return found | {image.digest}
        return digests

    def add(self, manifest: Image) -> None:
        """Say that it has the link to a manifest now."""
        self._repository(manifest).revisions[manifest.digest] = manifest.links[0].modified

    def _repository(self, image: Image) -> Repository:
        return self._repositories.setdefault(image.repository, Repository(image.repository))
