"""An upload session of the OCI distribution API, request by request.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import httpx

from integration.clients.image_builder import CHUNK

OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass
class Transfer:
    """A request under way: ``name`` of the transferred document, ``size`` in bytes."""

    name: str
    size: int = 0


@dataclass(frozen=True)
class Connection:
    """A way to send requests to a registry.

    Attributes:
        http: sends the requests: its base URL is the registry's, its ``auth`` logs in.
        accept: returns the response of a request that succeeded, and raises for any other. Its
            second argument is the status of the specification.
        observe: context of each request, called with the method and the name of the document
            (``manifest``, ``config``, ``layer``, ``upload``, ``challenge``); yields the transfer.
    """

    http: httpx.Client
    accept: Callable[[httpx.Response, int], httpx.Response] = lambda response, _wanted: (
        response.raise_for_status()
    )
    observe: Callable[[str, str], AbstractContextManager[Transfer]] = lambda _method, name: (
        nullcontext(Transfer(name))
    )

    def send(
        self, method: str, name: str, url: str | httpx.URL, wanted: int, **options: Any
    ) -> httpx.Response:
        """Send a request; return the accepted response. ``options`` are those of httpx."""
        with self.observe(method, name):
            return self.accept(self.http.request(method, url, **options), wanted)


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield bytes in chunks, for a request body that is sent as a stream."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


@dataclass
class Upload:
    """An upload session.

    Attributes:
        connection: sends the requests.
        location: URL of the next request.
        stored: bytes that the registry has.
    """

    connection: Connection
    location: str
    stored: int = 0

    def at(self, http: httpx.Client) -> "Upload":
        """Return the session as it continues through another HTTP client, at that client's host."""
        path = httpx.URL(self.location).raw_path.decode()
        return replace(self, connection=replace(self.connection, http=http), location=path)

    def patch(
        self, content: bytes | Iterable[bytes], length: int | None = None, **options: Any
    ) -> httpx.Response:
        """Send the next bytes.

        Args:
            content: bytes are sent as a chunk with its range, an iterable as a stream.
            length: ``Content-Length`` of a stream in bytes; None for a chunked request body.
            options: of ``httpx.Client.patch``.

        Raises:
            httpx.RemoteProtocolError: the registry accepts the request but has not stored all
                bytes. distribution answers 202 to a PATCH whose parts S3 has refused; the ``Range``
                header of that response shows the refusal.
        """
        sent = 0

        def counted(chunks: Iterable[bytes]) -> Iterator[bytes]:
            nonlocal sent
            for chunk in chunks:
                sent += len(chunk)
                yield chunk

        headers = dict(OCTETS)
        if isinstance(content, bytes):
            sent = len(content)
            headers["Content-Range"] = f"{self.stored}-{self.stored + sent - 1}"
        else:
            content = counted(content)
            headers |= {} if length is None else {"Content-Length": str(length)}
        http = self.connection.http
        with self.connection.observe("PATCH", "layer") as transfer:
            response = http.patch(self.location, content=content, headers=headers, **options)
            self.connection.accept(response, 202)
            transfer.size, total = sent, self.stored + sent
            stored = response.headers["Range"]
            if stored != f"0-{max(total - 1, 0)}":
                raise httpx.RemoteProtocolError(f"Of {total} bytes, the registry has {stored}.")
            self.stored, self.location = total, response.headers["Location"]
            return response

    def resume(self) -> None:
        """Ask for the range that the registry has, to continue after it."""
        response = self.connection.send("GET", "upload", self.location, 204)
        self.stored = int(response.headers["Range"].partition("-")[2]) + 1
        self.location = response.headers["Location"]

    def cancel(self) -> None:
        """Abandon the upload; the registry deletes its bytes."""
        self.connection.send("DELETE", "upload", self.location, 204)

    def put(
        self, digest: str, content: bytes | Iterable[bytes] = b"", **options: Any
    ) -> httpx.Response:
        """End the upload as the blob with a digest; return the response, whatever its status."""
        url = httpx.URL(self.location).copy_merge_params({"digest": digest})
        headers = OCTETS if content else None
        return self.connection.http.put(url, content=content, headers=headers, **options)

    def finish(self, digest: str, content: bytes = b"") -> str:
        """End the upload as the blob with a digest; return the digest."""
        with self.connection.observe("PUT", "layer"):
            self.connection.accept(self.put(digest, content), 201)
        return digest
