"""What clients ask of the registry's API, and the answers that no fault excuses."""

import hashlib
from collections.abc import Iterator

import httpx

from integration.faults.ledger import Ledger, Push
from integration.images import MANIFEST

OCTETS = {"Content-Type": "application/octet-stream"}
#: Bytes that are sent at a time.
PIECE = 64 * 1024
#: What says that the client may try again, though it is the client that is told to.
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)


class BrokenPromise(Exception):
    """An answer that no fault excuses."""


def taken(answer: httpx.Response) -> httpx.Response:
    """Return an answer that is no error.

    Raises:
        BrokenPromise: the registry says that a right request is wrong.
        httpx.HTTPStatusError: it cannot be served now.
    """
    if answer.is_client_error and answer.status_code not in _LATER:
        request = answer.request
        told = f"{answer.status_code} for {request.method} {request.url.path}: {answer.text}"
        raise BrokenPromise(told)
    return answer.raise_for_status()


def begin(client: httpx.Client, repository: str) -> str:
    """Begin an upload; return where it goes on."""
    return str(taken(client.post(f"/v2/{repository}/blobs/uploads/")).headers["Location"])


def send(client: httpx.Client, location: str, data: bytes, stored: int = 0) -> httpx.URL:
    """Send the last bytes of an upload in one stream; return the URL that ends it.

    Args:
        data: all bytes but the first ``stored``, which the registry has.

    Raises:
        httpx.RemoteProtocolError: the registry accepts the request but has not stored all bytes.
            distribution answers 202 to a PATCH whose parts S3 has refused; the ``Range`` header of
            that response shows it.
    """
    answer = taken(client.patch(location, content=pieces(data), headers=OCTETS))
    size, said = stored + len(data), answer.headers["Range"]
    if said != f"0-{size - 1}":
        raise httpx.RemoteProtocolError(f"Of {size} bytes, the registry has {said}.")
    return httpx.URL(answer.headers["Location"]).copy_merge_params({"digest": digest(data)})


def finish(client: httpx.Client, end: httpx.URL) -> int | None:
    """End an upload; return the status, or None if there was no answer."""
    try:
        # At this client's host, whichever took the bytes.
        return client.put(end.raw_path.decode()).status_code
    except httpx.HTTPError:
        return None


def upload(client: httpx.Client, repository: str, data: bytes) -> str:
    """Upload a blob in one stream; return its digest.

    Raises:
        BrokenPromise: it was said to be wrong.
        httpx.HTTPError: it was refused, or broke.
    """
    taken(client.put(send(client, begin(client, repository), data)))
    return digest(data)


def check_tag(client: httpx.Client, push: Push, ledger: Ledger) -> Push:
    """Look what the tag of a push that was confirmed shows, and return that push.

    Raises:
        BrokenPromise: neither this one nor a later one.
        httpx.HTTPError: it cannot be had now.
    """
    answer = _manifest(client, push, push.tag)
    shown = digest(answer.content)
    for one in ledger.since(push):
        if one.manifest == shown:
            return one
    raise BrokenPromise(f"{answer.url.path} has other bytes: those of {shown}")


def check_image(client: httpx.Client, push: Push) -> None:
    """Pull an image by its digest, all of it.

    Raises:
        BrokenPromise: a part is not there, or has other bytes.
        httpx.HTTPError: it cannot be had now.
    """
    _check(_manifest(client, push, push.manifest), push.manifest)
    check_blobs(client, push)


def check_blobs(client: httpx.Client, push: Push) -> None:
    """Pull the configuration and the layers of an image; raises as ``check_image``."""
    for blob in push.blobs:
        _check(_there(client.get(f"/v2/{push.repository}/blobs/{blob}")), blob)


def _manifest(client: httpx.Client, push: Push, reference: str) -> httpx.Response:
    path = f"/v2/{push.repository}/manifests/{reference}"
    return _there(client.get(path, headers={"Accept": MANIFEST}))


def _there(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise BrokenPromise(f"{answer.url.path} is not there")
    return answer.raise_for_status()


def _check(answer: httpx.Response, wanted: str) -> None:
    if digest(answer.content) != wanted:
        raise BrokenPromise(f"{answer.url.path} has other bytes")


def digest(data: bytes) -> str:
    """The digest of bytes, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def pieces(data: bytes) -> Iterator[bytes]:
    """The bytes in parts, as they are sent."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
