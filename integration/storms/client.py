"""The servers of a storm: each pulls as Docker does, three layers at a time, and checks digests."""

import hashlib
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from integration.deployment import Deployment
from integration.images import MANIFEST
from integration.local.errors import LocalCloudError

#: Layers that Docker pulls at the same time (max-concurrent-downloads, dockerd's reference).
PARALLEL = 3
#: Bytes that are read and hashed at once.
CHUNK = 256 * 1024


@dataclass(frozen=True)
class Pulled:
    """A storm that is over.

    Attributes:
        seconds: from the first request of all until each server had its image, sorted.
        bytes: that one server got.
    """

    seconds: list[float]
    bytes: int


def storm(deployment: Deployment, image: str, servers: int) -> Pulled:
    """Let so many servers pull an image at the same time, from the load balancer.

    Raises:
        LocalCloudError: one did not get the image whole.
    """
    start = threading.Barrier(servers + 1)

    def server() -> tuple[float, int]:
        with deployment.client() as client:
            start.wait()
            size = pull(client, image)
            return time.monotonic(), size

    with ThreadPoolExecutor(servers) as pool:
        pulls = [pool.submit(server) for _ in range(servers)]
        start.wait()
        begin = time.monotonic()
        ends = [one.result() for one in pulls]
    return Pulled(sorted(end - begin for end, _ in ends), ends[0][1])


def pull(client: httpx.Client, image: str) -> int:
    """Pull ``repository:tag``; return its bytes.

    Raises:
        LocalCloudError: an answer is not what it should be.
    """
    repository, _, tag = image.partition(":")
    challenge = client.get("/v2/", auth=None)
    if challenge.status_code != httpx.codes.UNAUTHORIZED:
        raise LocalCloudError(f"/v2/ without a password was answered {challenge.status_code}")
    path, accept = f"/v2/{repository}", {"Accept": MANIFEST}
    digest = client.head(f"{path}/manifests/{tag}", headers=accept).headers["Docker-Content-Digest"]
    manifest = client.get(f"{path}/manifests/{digest}", headers=accept).raise_for_status()
    _check(digest, hashlib.sha256(manifest.content).hexdigest())
    described = manifest.json()
    size = _blob(client, path, described["config"])
    with ThreadPoolExecutor(PARALLEL) as pool:
        sizes = pool.map(lambda layer: _blob(client, path, layer), described["layers"])
        return size + sum(sizes)


def _blob(client: httpx.Client, path: str, described: Mapping[str, Any]) -> int:
    digest, size = hashlib.sha256(), 0
    with client.stream("GET", f"{path}/blobs/{described['digest']}") as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    _check(described["digest"], digest.hexdigest())
    return size


def _check(wanted: str, found: str) -> None:
    if wanted != f"sha256:{found}":
        raise LocalCloudError(f"Asked for {wanted}, got sha256:{found}")
