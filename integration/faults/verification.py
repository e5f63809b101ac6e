"""The verification of acknowledged pushes, in S3 and through each host."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol, TypeVar

import httpx

from integration.clients.deployment import Deployment
from integration.faults.api import (
    BrokenPromise,
    check_blobs,
    check_image,
    check_tag,
    repository,
)
from integration.faults.ledger import Abandoned, Ledger, Push
from integration.local.cloud import LocalCloud

#: Where distribution keeps a blob, by its digest.
BLOBS = "docker/registry/v2/blobs/sha256"

T = TypeVar("T")


class Track(Protocol):
    """A function that shows the progress through items."""

    def __call__(self, items: Sequence[T], title: str, /) -> Iterable[T]:
        """Yield the same items."""


def untracked(items: Sequence[T], _: str) -> Sequence[T]:
    """Return the same items, without showing progress."""
    return items


def broken_promises(
    cloud: LocalCloud, deployment: Deployment, ledger: Ledger, track: Track = untracked
) -> list[str]:
    """Return the acknowledged pushes that are missing, and the others that look complete.

    Call it while no fault lasts and no client works.

    Args:
        cloud: has the bucket of the images.
        deployment: has the URL of each host.
        ledger: of the clients.
        track: shows the progress; thousands of blobs take minutes.
    """
    confirmed = ledger.acknowledged
    begun = [push for push in ledger.pushes if push.confirmed is None]
    with ExitStack() as stack:
        hosts = [stack.enter_context(deployment.client(host)) for host in deployment.hosts]
        return [
            *ledger.wrong,
            *not_kept(cloud, deployment, ledger, confirmed, track),
            *_each(hosts, track(begun, "Pushes without acknowledgement"), _half_there),
            *_each(hosts, track(ledger.abandoned, "Abandoned pushes"), _shown),
            *_each(hosts, _tags(ledger), _listed),
        ]


def not_kept(
    cloud: LocalCloud,
    deployment: Deployment,
    ledger: Ledger,
    confirmed: Sequence[Push],
    track: Track = untracked,
) -> list[str]:
    """Return the manifests and blobs of acknowledged pushes that S3 or a host lacks.

    Call it while no fault lasts; clients may work. It takes the same arguments, and the pushes.
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
    """Check a push without acknowledgement: it may exist, if it is complete."""
    if repository(host, push.repository).has(f"manifests/{push.manifest}"):
        check_image(host, push)


def _shown(host: httpx.Client, abandoned: Abandoned) -> None:
    """Check an abandoned push: the registry may show no incomplete part of it."""
    client = repository(host, abandoned.repository)
    for path in abandoned.absent:
        if client.has(path):
            raise BrokenPromise(f"{client.path}/{path} was abandoned, and exists")
    existing = [digest for digest in abandoned.whole if client.has(f"blobs/{digest}")]
    check_blobs(host, abandoned.repository, existing)


class _Tags(NamedTuple):
    """The tags that a repository has to list, and those that it may list."""

    repository: str
    confirmed: frozenset[str]
    begun: frozenset[str]


def _tags(ledger: Ledger) -> Iterator[_Tags]:
    for name in sorted({push.repository for push in ledger.acknowledged}):
        pushes = [push for push in ledger.pushes if push.repository == name]
        confirmed = frozenset(push.tag for push in pushes if push.confirmed is not None)
        yield _Tags(name, confirmed, frozenset(push.tag for push in pushes))


def _listed(host: httpx.Client, tags: _Tags) -> None:
    listed = frozenset(repository(host, tags.repository).tags())
    wrong = (tags.confirmed - listed) | (listed - tags.begun)
    if wrong:
        raise BrokenPromise(f"{tags.repository} lists or lacks {', '.join(sorted(wrong))}")
