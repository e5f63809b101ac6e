"""Whether every promise was kept, looked up in S3 and through each host."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from typing import Any, Protocol, TypeVar

import httpx

from integration.deployment import Deployment
from integration.faults.clients import BrokenPromise, check_image
from integration.faults.ledger import Ledger, Push
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
        deployment: with the way to each host; they take turns.
        ledger: of the clients.
        track: shows how far it is; thousands of blobs take minutes.
    """
    confirmed = ledger.acknowledged
    blobs = sorted({name for push in confirmed for name in (push.manifest, *push.blobs)})
    return [
        *ledger.wrong,
        *_not_in_s3(cloud, track(blobs, "Blobs in S3")),
        *_not_served(deployment, track(ledger.pushes, "Images at the hosts")),
        *_half_there(deployment, track(ledger.abandoned, "Uploads that were given up")),
    ]


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


def _not_served(deployment: Deployment, pushes: Iterable[Push]) -> Iterator[str]:
    """What is confirmed must be there. What is not may be there, if all of it is."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(deployment.client(host)) for host in deployment.hosts]
        for push, host in zip(pushes, cycle(hosts), strict=False):
            if not push.acknowledged and not _is_shown(host, push):
                continue
            try:
                check_image(host, push)
            except (BrokenPromise, httpx.HTTPError) as error:
                yield f"{push.repository}:{push.tag} at {host.base_url}: {error}"


def _is_shown(client: httpx.Client, push: Push) -> bool:
    path = f"/v2/{push.repository}/manifests/{push.tag}"
    return client.head(path, headers={"Accept": MANIFEST}).status_code == httpx.codes.OK


def _half_there(deployment: Deployment, abandoned: Iterable[tuple[str, str]]) -> Iterator[str]:
    with deployment.client() as client:
        for repository, digest in abandoned:
            answer = client.head(f"/v2/{repository}/blobs/{digest}")
            if answer.status_code != httpx.codes.NOT_FOUND:
                yield f"{digest} was given up, and is there ({answer.status_code})"
