"""The registry's API as the clients of faults use it: which responses no fault excuses."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import httpx

from integration.clients.image_builder import digest_of
from integration.clients.registry_client import DigestMismatch, RegistryClient
from integration.clients.uploads import Connection, Upload, pieces
from integration.faults.ledger import Ledger, Push

Result = TypeVar("Result")

#: Client errors after which the client may send the same request again.
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)


class BrokenPromise(Exception):
    """A response that no fault excuses."""


def accept(response: httpx.Response, _wanted: int) -> httpx.Response:
    """Return a response that is no error.

    Raises:
        BrokenPromise: the registry refuses a valid request, or lacks an acknowledged document.
        httpx.HTTPStatusError: the registry cannot serve the request now.
    """
    request, status = response.request, response.status_code
    # S3 may refuse the reads of a host for a while: with a wrong clock, by 403.
    reads = request.method in ("GET", "HEAD")
    if status == 404 or (response.is_client_error and status not in _LATER and not reads):
        raise BrokenPromise(f"{status} for {request.method} {request.url.path}: {response.text}")
    return response.raise_for_status()


def repository(http: httpx.Client, name: str) -> RegistryClient:
    """Return a client of a repository that raises ``BrokenPromise``."""
    return RegistryClient(Connection(http, accept), name)


def upload(http: httpx.Client, name: str, data: bytes) -> str:
    """Upload a blob to a repository in one stream; return its digest."""
    return repository(http, name).upload(pieces(data), digest_of(data))


def finish(http: httpx.Client, session: Upload, digest: str) -> int | None:
    """End an upload at a client's host; return the status, or None without a response."""
    try:
        return session.at(http).put(digest).status_code
    except httpx.HTTPError:
        return None


def check_tag(http: httpx.Client, push: Push, ledger: Ledger) -> Push:
    """Return the push that the tag of an acknowledged push shows: that push or a later push.

    Raises:
        BrokenPromise: the tag shows neither.
        httpx.HTTPError: the registry cannot serve the tag now.
    """
    client = repository(http, push.repository)
    shown = digest_of(_checked(client.manifest, push.tag))
    for later in ledger.since(push):
        if later.manifest == shown:
            return later
    raise BrokenPromise(f"{client.path}/manifests/{push.tag} has other bytes: those of {shown}")


def check_image(http: httpx.Client, push: Push) -> None:
    """Pull an image by its digest, with all blobs.

    Raises:
        BrokenPromise: the manifest or a blob is missing or has other bytes.
        httpx.HTTPError: the registry cannot serve the image now.
    """
    _checked(repository(http, push.repository).manifest, push.manifest)
    check_blobs(http, push.repository, push.blobs)


def check_blobs(http: httpx.Client, name: str, blobs: Iterable[str]) -> None:
    """Pull blobs of a repository; raise as ``check_image``."""
    for digest in blobs:
        _checked(repository(http, name).blob, digest)


def _checked(pull: Callable[[str], Result], reference: str) -> Result:
    try:
        return pull(reference)
    except DigestMismatch as error:
        raise BrokenPromise(f"{reference} has other bytes: {error}") from None
