"""A server under load: each pull and push begins without any layer, and checks every digest."""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
from gevent import GreenletExit
from gevent.pool import Pool

from integration.clients.image_builder import Image, Layer
from integration.clients.registry_client import PARALLEL, DigestMismatch, RegistryClient
from integration.clients.uploads import Connection, Transfer

#: Seconds without a byte after which a client gives up.
PATIENCE = 120


class LoadError(Exception):
    """A response that a client cannot use. Locust counts by the text, so it names no digest."""


#: The failures of a registry that a client notices; the last three come from responses with the
#: right status and a malformed content.
FAILURES = (LoadError, httpx.HTTPError, httpx.InvalidURL, LookupError, TypeError, ValueError)

Item = TypeVar("Item")
Result = TypeVar("Result")


def together(
    do: Callable[[Item], Result], items: Iterable[Item], concurrent: int = PARALLEL
) -> list[Result]:
    """Return the result for each item; ``concurrent`` items are processed at the same time.

    Raises:
        LoadError: or another of ``FAILURES``: the first failure of an item.
    """

    def attempt(item: Item) -> Result | Exception:
        # gevent prints every exception that leaves a greenlet, even if a caller handles it.
        try:
            return do(item)
        except FAILURES as error:
            return error

    pool = Pool(concurrent)
    try:
        jobs = [pool.spawn(attempt, item) for item in items]
        pool.join()
    finally:
        # The run may end during the transfers.
        pool.kill()
    found: list[Result | Exception] = [job.value for job in jobs]
    failed = [result for result in found if isinstance(result, Exception)]
    if failed:
        raise failed[0]
    return [result for result in found if not isinstance(result, Exception)]


class Recorder(Protocol):
    """A function that gets every request, and every pull and push as a whole.

    A pull or push has the name ``image``, or ``unfinished`` if the run ended during it.
    """

    def __call__(
        self, kind: str, name: str, seconds: float, size: int, error: Exception | None
    ) -> None:
        """Record a request: ``size`` in bytes; ``error`` is None if it succeeded."""


class Client:
    """The client of one server.

    Args:
        url: of the registry.
        credentials: user and password.
        context: the trusted certificates.
        record: gets the measurements.

    Usage:

        with Client(url, ("ci", password), context, record) as client:
            client.pull("library/app", "1")
    """

    def __init__(
        self, url: str, credentials: tuple[str, str], context: ssl.SSLContext, record: Recorder
    ) -> None:
        self._record = record
        self._http = httpx.Client(
            base_url=url,
            auth=credentials,
            verify=context,
            timeout=PATIENCE,
            # A layer may come from S3 by a redirect, which gets no password.
            follow_redirects=True,
            limits=httpx.Limits(max_connections=2 * PARALLEL),
            trust_env=False,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def repository(self, name: str) -> RegistryClient:
        """Return a client of a repository whose requests are recorded."""
        return RegistryClient(Connection(self._http, accept, self._request), name)

    def pull(self, repository: str, tag: str) -> None:
        """Pull an image. A failure is recorded, not raised."""
        with self._operation("PULL") as pull:
            client = self.repository(repository)
            client.challenge()
            pull.size = client.pull(tag, together)

    def push(self, image: Image) -> None:
        """Push the blobs that the registry lacks, and the manifest. A failure is recorded."""
        with self._operation("PUSH") as push:
            push.size = self.must_push(image)

    def must_push(self, image: Image) -> int:
        """Push an image; return the bytes of the layers that were sent.

        Raises:
            LoadError: or another of ``FAILURES``: the registry refused it or did not respond.
        """
        client = self.repository(image.repository)

        def send(layer: Layer) -> int:
            if client.has(f"blobs/{layer.digest}"):
                return 0
            client.upload(layer.chunks(), layer.digest, layer.size)
            return layer.size

        client.challenge()
        size = sum(together(send, image.layers))
        client.upload_whole(image.config)
        client.put_manifest(image.tag, image.manifest)
        return size

    @contextmanager
    def _operation(self, kind: str) -> Iterator[Transfer]:
        start, transfer = time.perf_counter(), Transfer("image")
        error: Exception | None = None
        try:
            yield transfer
        except FAILURES as problem:
            error = problem
        except GreenletExit:
            late = LoadError("under way when the run ended")
            self._record(kind, "unfinished", time.perf_counter() - start, transfer.size, late)
            raise
        self._record(kind, transfer.name, time.perf_counter() - start, transfer.size, error)

    @contextmanager
    def _request(self, method: str, name: str) -> Iterator[Transfer]:
        start, transfer = time.perf_counter(), Transfer(name)
        error: Exception | None = None
        try:
            yield transfer
        except DigestMismatch as problem:
            error = LoadError(f"{name}: {problem.size} bytes without the requested digest")
        except FAILURES as problem:
            error = problem
        self._record(method, transfer.name, time.perf_counter() - start, transfer.size, error)
        if error:
            raise error


def accept(response: httpx.Response, wanted: int) -> httpx.Response:
    """Return a response with the wanted status.

    Raises:
        LoadError: it has another status.
    """
    if response.status_code != wanted:
        request = (response.history or [response])[0].request
        document = urlsplit(str(request.url)).path.split("/")[-2]
        raise LoadError(f"{request.method} {document}: status {response.status_code}, not {wanted}")
    return response


@cache
def trust(ca: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the certificate in a PEM file, or the system's certificates.

    One for all clients of a process; otherwise each client reads the same file again.
    """
    return ssl.create_default_context(cafile=ca)
