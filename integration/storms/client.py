"""The servers of a storm: each pulls as Docker does, three layers at a time, and checks digests."""

import hashlib
import math
import ssl
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
#: Seconds that a server waits for an answer to begin or to go on.
PATIENCE = 60


@dataclass(frozen=True)
class Pulled:
    """A storm that is over.

    Attributes:
        seconds: from the first request of all until each server had its image, sorted.
        bytes: that one server got.
    """

    seconds: list[float]
    bytes: int


class Pace:
    """Lets all connections of a server together take so many bytes a second, and no more."""

    def __init__(self, rate: float) -> None:
        self._rate, self._next = rate, 0.0
        self._lock = threading.Lock()

    def __call__(self, size: int) -> None:
        """Return when so many bytes more may have been taken."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now) + size / self._rate
            wait = self._next - now
        time.sleep(wait)


class Named(httpx.BaseTransport):
    """Finds the hosts whose names no DNS tells: those of a local S3.

    Args:
        names: the address of each.
        transport: what sends the requests.
    """

    def __init__(self, names: Mapping[str, str], transport: httpx.BaseTransport) -> None:
        self._names, self._transport = names, transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the address, with the name in its headers and for TLS."""
        name = request.url.host
        if name in self._names:
            request.url = request.url.copy_with(host=self._names[name])
            request.extensions["sni_hostname"] = name
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close what sends the requests."""
        self._transport.close()


def storm(
    deployment: Deployment, image: str, servers: int, server_rate: float | None = None
) -> Pulled:
    """Let so many servers pull an image at the same time, from the load balancer.

    Args:
        deployment: where.
        image: ``repository:tag``.
        servers: how many.
        server_rate: bytes a second that each takes; None for as many as it gets.

    Raises:
        LocalCloudError: one did not get the image whole.
    """
    start = threading.Barrier(servers + 1)
    context = ssl.create_default_context(cafile=deployment.ca)
    names = dict(deployment.names)

    def server() -> tuple[float, int]:
        with httpx.Client(
            base_url=deployment.url,
            auth=(deployment.username, deployment.password),
            transport=Named(names, httpx.HTTPTransport(verify=context)),
            # To S3, which gets no password.
            follow_redirects=True,
            timeout=PATIENCE,
        ) as client:
            start.wait()
            size = pull(client, image, Pace(server_rate or math.inf))
            return time.monotonic(), size

    with ThreadPoolExecutor(servers) as pool:
        pulls = [pool.submit(server) for _ in range(servers)]
        start.wait()
        begin = time.monotonic()
        ends = [one.result() for one in pulls]
    return Pulled(sorted(end - begin for end, _ in ends), ends[0][1])


def pull(client: httpx.Client, image: str, pace: Pace) -> int:
    """Pull ``repository:tag`` no faster than the pace; return its bytes.

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
    size = _blob(client, path, described["config"], pace)
    with ThreadPoolExecutor(PARALLEL) as pool:
        sizes = pool.map(lambda layer: _blob(client, path, layer, pace), described["layers"])
        return size + sum(sizes)


def _blob(client: httpx.Client, path: str, described: Mapping[str, Any], pace: Pace) -> int:
    digest, size = hashlib.sha256(), 0
    with client.stream("GET", f"{path}/blobs/{described['digest']}") as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            pace(len(chunk))
    _check(described["digest"], digest.hexdigest())
    return size


def _check(wanted: str, found: str) -> None:
    if wanted != f"sha256:{found}":
        raise LocalCloudError(f"Asked for {wanted}, got sha256:{found}")
