"""An upload by the OCI distribution API, request by request, each to the host that a test picks."""

import hashlib
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import httpx

from integration.deployment import Deployment

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks


@dataclass
class Upload:
    """An upload under way; ``location`` is where the registry wants the next part."""

    deployment: Deployment
    location: str
    sent: int = 0

    @classmethod
    def begin(cls, deployment: Deployment, url: str, repository: str) -> Self:
        """Ask the registry at ``url`` (load balancer or host) for an upload."""
        with deployment.client(url) as client:
            answer = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
        return cls(deployment, answer.headers["Location"])

    def send(self, url: str, data: bytes) -> None:
        """Send the next chunk through ``url``.

        Raises:
            httpx.HTTPStatusError: the registry refused it.
        """
        with self.deployment.client(url) as client:
            answer = client.patch(
                self._at(url),
                content=data,
                headers={
                    "Content-Type": "application/octet-stream",
                    "Content-Range": f"{self.sent}-{self.sent + len(data) - 1}",
                },
            ).raise_for_status()
        self.sent += len(data)
        self.location = answer.headers["Location"]

    def put(self, url: str, digest: str) -> httpx.Response:
        """End the upload as the blob with this digest; return the answer."""
        target = httpx.URL(self._at(url)).copy_merge_params({"digest": digest})
        with self.deployment.client(url) as client:
            return client.put(target)

    def finish(self, url: str, data: bytes) -> str:
        """End the upload of ``data``; return its digest.

        Raises:
            httpx.HTTPStatusError: the registry refused it.
        """
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.put(url, digest).raise_for_status()
        return digest

    def _at(self, url: str) -> str:
        """The location on the host that the test wants, whichever host has given it."""
        there, wanted = urlsplit(self.location), urlsplit(url)
        return urlunsplit((wanted.scheme, wanted.netloc, there.path, there.query, ""))
