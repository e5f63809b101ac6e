"""Whether every promise was kept, looked up in S3 and through each host."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol, TypeVar

import httpx

from integration.deployment import Deployment
from integration.faults.api import BrokenPromise, check_image, check_tag, digest
from integration.faults.ledger import Abandoned, Ledger, Push
from integration.images import MANIFEST
from integration.local.cloud import LocalCloud

#: Where distribution keeps a blob, by its digest.
BLOBS = "docker/registry/v2/blobs/sha256"

T = TypeVar("T")


class Track(Protocol):
    """Goes through items, and shows how far it is."""

    def __call__(self, items: Sequence[T], what: str, /) -> Iterable[T]:
        """The same items."""


def unseen(items: Sequence[T], _: str) -> Sequence[T]:
    """The same items, where nobody looks on."""
    return items


def broken_promises(
    cloud: LocalCloud, deployment: Deployment, ledger: Ledger, track: Track = unseen
) -> list[str]:
    """Say what was confirmed and is not so, or was not and is shown as complete.

    To be asked while no fault lasts and no client works.

    Args:
        cloud: with the bucket of the images.
        deployment: with the way to each host.
        ledger: of the clients.
        track: shows how far it is; thousands of blobs take minutes.
    """
    confirmed = ledger.acknowledged
    begun = [push for push in ledger.pushes if push.confirmed is None]
    with ExitStack() as stack:
        hosts = [stack.enter_context(deployment.client(host)) for host in deployment.hosts]
        return [
            *ledger.wrong,
            *not_kept(cloud, deployment, ledger, confirmed, track),
            *_each(hosts, track(begun, "Pushes that were not confirmed"), _half_there),
            *_each(hosts, track(ledger.abandoned, "Pushes that were given up"), _shown),
            *_each(hosts, _tags(ledger), _listed),
        ]


def not_kept(
    cloud: LocalCloud,
    deployment: Deployment,
    ledger: Ledger,
    confirmed: Sequence[Push],
    track: Track = unseen,
) -> list[str]:
    """Say what of confirmed pushes is not in S3 or not at a host, byte for byte.

    To be asked while no fault lasts; clients may work. Takes the same arguments, and the pushes.
    """
    blobs = sorted({name for push in confirmed for name in (push.manifest, *push.blobs)})

    def kept(host: httpx.Client, push: Push) -> None:
        check_tag(host, push, ledger)
        check_image(host, push)

    with ExitStack() as stack:
        hosts = [stack.enter_context(deployment.client(host)) for host in deployment.hosts]
        return [
            *_not_in_s3(cloud, track(blobs, "Blobs in S3")),
            *_each(hosts, track(confirmed, "Images at each host"), kept),
        ]


def _each(
    hosts: Sequence[httpx.Client], items: Iterable[T], check: Callable[[httpx.Client, T], None]
) -> Iterator[str]:
    for item in items:
        for host in hosts:
            try:
                check(host, item)
            except (BrokenPromise, httpx.HTTPError) as error:
                yield f"{host.base_url}: {error}"


def _not_in_s3(cloud: LocalCloud, blobs: Iterable[str]) -> Iterator[str]:
    s3, bucket = cloud.session.client("s3"), cloud.outputs["image_bucket"]
    for name in blobs:
        hexadecimal = name.removeprefix("sha256:")
        if _digest_in_s3(s3, bucket, hexadecimal) != hexadecimal:
            yield f"{name} is not in S3, or has other bytes"


def _digest_in_s3(s3: Any, bucket: str, name: str) -> str | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=f"{BLOBS}/{name[:2]}/{name}/data")["Body"]
    except s3.exceptions.NoSuchKey:
        return None
    return hashlib.sha256(body.read()).hexdigest()


def _half_there(host: httpx.Client, push: Push) -> None:
    """What is not confirmed may be there, if all of it is."""
    if _is_there(host, f"/v2/{push.repository}/manifests/{push.manifest}"):
        check_image(host, push)


def _shown(host: httpx.Client, abandoned: Abandoned) -> None:
    """Nothing of a push that was given up may be shown as complete that is not."""
    for path in abandoned.absent:
        if _is_there(host, f"/v2/{abandoned.repository}/{path}"):
            raise BrokenPromise(f"{abandoned.repository}/{path} was given up, and is there")
    for name in abandoned.whole:
        path = f"/v2/{abandoned.repository}/blobs/{name}"
        if _is_there(host, path) and digest(host.get(path).raise_for_status().content) != name:
            raise BrokenPromise(f"{path} was given up, and has other bytes")


def _is_there(host: httpx.Client, path: str) -> bool:
    answer = host.head(path, headers={"Accept": MANIFEST})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return False
    answer.raise_for_status()
    return True


class _Tags(NamedTuple):
    """What a repository has to list, and what it may."""

    repository: str
    confirmed: frozenset[str]
    begun: frozenset[str]


def _tags(ledger: Ledger) -> Iterator[_Tags]:
    for repository in sorted({push.repository for push in ledger.acknowledged}):
        of = [push for push in ledger.pushes if push.repository == repository]
        confirmed = frozenset(push.tag for push in of if push.confirmed is not None)
        yield _Tags(repository, confirmed, frozenset(push.tag for push in of))


def _listed(host: httpx.Client, tags: _Tags) -> None:
    answer = host.get(f"/v2/{tags.repository}/tags/list").raise_for_status()
    listed = frozenset(answer.json()["tags"])
    wrong = (tags.confirmed - listed) | (listed - tags.begun)
    if wrong:
        raise BrokenPromise(f"{tags.repository} lists or lacks {', '.join(sorted(wrong))}")
