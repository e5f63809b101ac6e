"""A storm: servers that pull an image at the same time, each as Docker does."""

import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from integration.clients.deployment import Deployment
from integration.clients.registry_client import PARALLEL, DigestMismatch, RegistryClient
from integration.local.errors import LocalCloudError

#: Seconds that a server waits for a response to begin or to continue.
PATIENCE = 60


@dataclass(frozen=True)
class Pulled:
    """The result of a storm.

    Attributes:
        seconds: from the first request of all servers until each server had its image, sorted.
        bytes: that one server received.
    """

    seconds: list[float]
    bytes: int


class Pace:
    """A limit on the bytes a second that all connections of a server receive together."""

    def __init__(self, rate: float) -> None:
        self._rate, self._next = rate, 0.0
        self._lock = threading.Lock()

    def __call__(self, size: int) -> None:
        """Return when the rate allows that many more bytes."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now) + size / self._rate
            wait = self._next - now
        time.sleep(wait)


class Named(httpx.BaseTransport):
    """A transport that knows the addresses of names which no DNS resolves, as of a local S3.

    Args:
        names: the address of each name.
        transport: sends the requests.
    """

    def __init__(self, names: Mapping[str, str], transport: httpx.BaseTransport) -> None:
        self._names, self._transport = names, transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the address, with the name in its headers and in TLS."""
        name = request.url.host
        if name in self._names:
            request.url = request.url.copy_with(host=self._names[name])
            request.extensions["sni_hostname"] = name
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the transport that sends the requests."""
        self._transport.close()


def storm(
    deployment: Deployment, image: str, servers: int, server_rate: float | None = None
) -> Pulled:
    """Let servers pull an image at the same time, from the load balancer.

    Args:
        deployment: the registry.
        image: ``repository:tag``.
        servers: number of servers.
        server_rate: maximum bytes a second of each server; None for no limit.

    Raises:
        LocalCloudError: a server received other content.
        httpx.HTTPError: a request failed.
    """
    start = threading.Barrier(servers + 1)
    context = ssl.create_default_context(cafile=deployment.ca)
    names = dict(deployment.names)
    repository, _, tag = image.partition(":")

    def server() -> tuple[float, int]:
        pace = Pace(server_rate or math.inf)
        with httpx.Client(
            base_url=deployment.url,
            auth=(deployment.username, deployment.password),
            transport=Named(names, httpx.HTTPTransport(verify=context)),
            # To S3, which receives no password.
            follow_redirects=True,
            timeout=PATIENCE,
        ) as http:
            start.wait()
            size = pull(RegistryClient(http, repository, pace), tag)
            return time.monotonic(), size

    with ThreadPoolExecutor(servers) as pool:
        pulls = [pool.submit(server) for _ in range(servers)]
        start.wait()
        begin = time.monotonic()
        ends = [pulled.result() for pulled in pulls]
    return Pulled(sorted(end - begin for end, _ in ends), ends[0][1])


def pull(client: RegistryClient, tag: str) -> int:
    """Pull an image as Docker does; return its bytes.

    Raises:
        LocalCloudError: the content has another digest.
        httpx.HTTPError: a request failed.
    """
    client.challenge()
    try:
        return client.pull(client.resolve(tag), concurrently)
    except DigestMismatch as error:
        raise LocalCloudError(str(error)) from None


def concurrently(do: Callable[[str], int], layers: Iterable[str]) -> list[int]:
    """Return the result for each layer, ``PARALLEL`` layers at the same time."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(do, layers))
