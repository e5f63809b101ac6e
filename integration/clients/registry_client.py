"""A client of the OCI distribution API on top of httpx.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
from collections.abc import Callable, Iterable

import httpx

from integration.clients.image_builder import CHUNK, MANIFEST, MANIFESTS, digest_of
from integration.clients.uploads import Connection, Upload

#: Layers that Docker moves at the same time (max-concurrent-downloads, dockerd's reference).
PARALLEL = 3


class DigestMismatch(Exception):
    """Content that does not have the requested digest; ``size`` is its number of bytes."""

    def __init__(self, wanted: str, found: str, size: int) -> None:
        super().__init__(f"Asked for {wanted}, got {size} bytes with {found}")
        self.size = size


def in_turn(do: Callable[[str], int], items: Iterable[str]) -> list[int]:
    """Return the result for each item, without concurrency."""
    return [do(item) for item in items]


class RegistryClient:
    """A client of one repository.

    Args:
        connection: sends the requests; an ``httpx.Client`` is taken as a connection without
            further settings.
        repository: name of the repository.
        pace: called with the size of each received chunk of a blob; may block to limit the rate.

    Usage:

        with deployment.client() as http:
            digest = RegistryClient(http, "library/app").upload(b"layer")
    """

    def __init__(
        self,
        connection: Connection | httpx.Client,
        repository: str,
        pace: Callable[[int], object] = lambda _: None,
    ) -> None:
        if isinstance(connection, httpx.Client):
            connection = Connection(connection)
        self._connection = connection
        self.http = self._connection.http
        self.path = f"/v2/{repository}"
        self._pace = pace

    def challenge(self) -> None:
        """Send a request without a password first, as clients do to learn how to log in.

        Raises:
            httpx.HTTPStatusError: the response is no challenge.
        """
        with self._connection.observe("GET", "challenge"):
            response = self.http.get("/v2/", auth=None)
            if response.status_code != 401 or "WWW-Authenticate" not in response.headers:
                raise httpx.HTTPStatusError(
                    f"/v2/ without a password: status {response.status_code}, "
                    "not 401 with WWW-Authenticate",
                    request=response.request,
                    response=response,
                )

    def resolve(self, tag: str) -> str:
        """Return the digest of the manifest with a tag."""
        path, headers = f"{self.path}/manifests/{tag}", {"Accept": MANIFESTS}
        response = self._connection.send("HEAD", "manifest", path, 200, headers=headers)
        return str(response.headers["Docker-Content-Digest"])

    def manifest(self, reference: str) -> bytes:
        """Return the manifest with a tag or digest.

        Raises:
            DigestMismatch: the content has another digest than the request or the response names.
        """
        with self._connection.observe("GET", "manifest") as transfer:
            path = f"{self.path}/manifests/{reference}"
            response = self.http.get(path, headers={"Accept": MANIFESTS})
            content = self._connection.accept(response, 200).content
            transfer.size, found = len(content), digest_of(content)
            for wanted in (reference, response.headers["Docker-Content-Digest"]):
                if wanted.startswith("sha256:") and wanted != found:
                    raise DigestMismatch(wanted, found, transfer.size)
            return content

    def put_manifest(self, reference: str, content: bytes, media_type: str = MANIFEST) -> str:
        """Push a manifest under a tag or digest; return its digest."""
        path, headers = f"{self.path}/manifests/{reference}", {"Content-Type": media_type}
        self._connection.send("PUT", "manifest", path, 201, content=content, headers=headers)
        return digest_of(content)

    def tags(self) -> list[str]:
        """Return the tags of the repository."""
        response = self._connection.send("GET", "tags", f"{self.path}/tags/list", 200)
        return list(response.json()["tags"] or ())

    def has(self, path: str) -> bool:
        """Return whether ``blobs/DIGEST`` or ``manifests/REFERENCE`` exists."""
        with self._connection.observe("HEAD", "layer"):
            response = self.http.head(f"{self.path}/{path}", headers={"Accept": MANIFESTS})
            return response.status_code != 404 and bool(self._connection.accept(response, 200))

    def blob(self, digest: str, name: str = "layer") -> int:
        """Receive a blob to its end; return its size in bytes.

        The transfer is named ``redirected NAME`` if the registry redirects to S3.

        Raises:
            DigestMismatch: the content has another digest.
        """
        found = hashlib.sha256()
        with (
            self._connection.observe("GET", name) as transfer,
            self.http.stream("GET", f"{self.path}/blobs/{digest}") as response,
        ):
            if response.history:
                transfer.name = f"redirected {name}"
            if not response.is_success:
                response.read()
            for chunk in self._connection.accept(response, 200).iter_raw(CHUNK):
                found.update(chunk)
                transfer.size += len(chunk)
                self._pace(len(chunk))
            if f"sha256:{found.hexdigest()}" != digest:
                raise DigestMismatch(digest, f"sha256:{found.hexdigest()}", transfer.size)
            return transfer.size

    def pull(
        self,
        reference: str,
        each: Callable[[Callable[[str], int], Iterable[str]], list[int]] = in_turn,
    ) -> int:
        """Pull an image; return the bytes of its configuration and layers.

        Args:
            reference: tag or digest.
            each: calls a function with each digest of a layer, perhaps concurrently, and returns
                the results.
        """
        manifest = json.loads(self.manifest(reference))
        size = self.blob(manifest["config"]["digest"], "config")
        return size + sum(each(self.blob, [layer["digest"] for layer in manifest["layers"]]))

    def begin(self) -> Upload:
        """Begin an upload session."""
        response = self._connection.send("POST", "upload", f"{self.path}/blobs/uploads/", 202)
        return Upload(self._connection, response.headers["Location"])

    def mount(self, digest: str, source: str) -> Upload | None:
        """Mount a blob of another repository.

        Returns:
            None if the blob is mounted, else the upload session that the registry began instead.
        """
        parameters = {"mount": digest, "from": source}
        response = self.http.post(f"{self.path}/blobs/uploads/", params=parameters)
        if response.status_code == 201:
            return None
        return Upload(self._connection, self._connection.accept(response, 202).headers["Location"])

    def upload(
        self, content: bytes | Iterable[bytes], digest: str = "", length: int | None = None
    ) -> str:
        """Upload a blob; return its digest.

        Args:
            content: bytes are sent as a chunk with its range, an iterable in one stream, as Docker
                sends a layer.
            digest: of the content of an iterable.
            length: ``Content-Length`` of a stream; None for a chunked request body.
        """
        upload = self.begin()
        upload.patch(content, length)
        return upload.finish(digest_of(content) if isinstance(content, bytes) else digest)

    def upload_whole(self, data: bytes) -> str:
        """Upload a blob with the request that ends the upload; return its digest."""
        return self.begin().finish(digest_of(data), data)
