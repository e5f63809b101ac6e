"""Whether every promise was kept, looked up in S3 and through each host."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import httpx

from integration.deployment import Deployment
from integration.faults.clients import BrokenPromise, check_image
from integration.faults.ledger import Ledger, Push
from integration.images import MANIFEST
from integration.local.cloud import LocalCloud

#: Where distribution keeps a blob, by its digest.
BLOBS = "docker/registry/v2/blobs/sha256"


def broken_promises(
    cloud: LocalCloud, deployment: Deployment, ledger: Ledger, since: int = 0
) -> list[str]:
    """Say what was confirmed and is not so, or was not and is shown as complete.

    To be asked while no fault lasts and no client works.

    Args:
        cloud: with the bucket of the images.
        deployment: with the way to each host; they take turns.
        ledger: of the clients.
        since: the number of pushes that were looked at already.
    """
    pushes = ledger.pushes[since:]
    return [
        *ledger.wrong,
        *_not_in_s3(cloud, [push for push in pushes if push.acknowledged]),
        *_not_served(deployment, pushes),
        *_half_there(deployment, ledger.abandoned),
    ]


def _not_in_s3(cloud: LocalCloud, pushes: Sequence[Push]) -> Iterator[str]:
    s3, bucket = cloud.session.client("s3"), cloud.outputs["image_bucket"]
    for name in sorted({name for push in pushes for name in (push.manifest, *push.blobs)}):
        hexadecimal = name.removeprefix("sha256:")
        if _digest_in_s3(s3, bucket, hexadecimal) != hexadecimal:
            yield f"{name} is not in S3, or has other bytes"


def _digest_in_s3(s3: Any, bucket: str, name: str) -> str | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=f"{BLOBS}/{name[:2]}/{name}/data")["Body"]
    except s3.exceptions.NoSuchKey:
        return None
    return hashlib.sha256(body.read()).hexdigest()


def _not_served(deployment: Deployment, pushes: Sequence[Push]) -> Iterator[str]:
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


def _half_there(deployment: Deployment, abandoned: Sequence[tuple[str, str]]) -> Iterator[str]:
    with deployment.client() as client:
        for repository, digest in abandoned:
            answer = client.head(f"/v2/{repository}/blobs/{digest}")
            if answer.status_code != httpx.codes.NOT_FOUND:
                yield f"{digest} was given up, and is there ({answer.status_code})"
