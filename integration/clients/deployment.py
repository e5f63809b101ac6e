"""The ways to reach a deployment, on this machine or in an AWS account, as a client does."""

import json
import os
import socket
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from integration.clients.image_builder import make_image
from integration.clients.registry_client import RegistryClient
from integration.console.errors import HarnessError
from scripts.programs import output_of

#: Seconds that a client program may take; a 30 MB image takes 2.
CLIENT_TIMEOUT = 300


class ClientError(HarnessError):
    """A client program failed; the text is its message."""


class Password(str):
    """A password that never shows: some programs print failures without a dataclass's ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@dataclass(frozen=True)
class Deployment:
    """A registry and how to log in to it.

    Attributes:
        url: of the load balancer, ``https://registry.example.com``.
        ca: the certificate to trust, a PEM file; None for the certificates of the system.
        hosts: URLs that lead to one host each, where hosts can be reached.
        names: names and addresses of a local S3, which no DNS resolves.
    """

    url: str
    username: str
    password: str = field(repr=False)
    ca: Path | None = None
    hosts: Sequence[str] = ()
    names: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "password", Password(self.password))

    def client(self, url: str | None = None, *, anonymous: bool = False) -> httpx.Client:
        """Return an HTTP client for the load balancer, or for the host at ``url``."""
        context = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(
            base_url=url or self.url,
            verify=context,
            auth=None if anonymous else (self.username, self.password),
            timeout=60,
        )

    @contextmanager
    def repository(self, name: str, url: str | None = None) -> Iterator[RegistryClient]:
        """Yield a client of a repository.

        Each request makes a connection, so the load balancer spreads an upload over the hosts.
        """
        with self.client(url) as http:
            http.headers["Connection"] = "close"
            yield RegistryClient(http, name)

    def push_blob(self, repository: str, data: bytes, url: str | None = None) -> str:
        """Upload a blob; return its digest."""
        with self.repository(repository, url) as client:
            return client.upload(data)

    def push_image(self, image: str, layers: Sequence[int], seed: int | None = None) -> None:
        """Push an image with layers of these sizes in bytes; without a seed no host has it."""
        with tempfile.TemporaryDirectory() as directory:
            layout = Path(directory, "image")
            make_image(layout, layers, seed)
            self.skopeo().push(layout, image)

    def connect(self, url: str | None = None) -> ssl.SSLSocket:
        """Return a bare TLS connection, for requests that no HTTP library sends."""
        target = urlsplit(url or self.url)
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection((target.hostname or "", target.port or 443), timeout=60)
        return context.wrap_socket(raw, server_hostname=target.hostname)

    def exchange(self, request: bytes, url: str | None = None) -> bytes:
        """Send bytes; return the response up to the end of the connection.

        Raises:
            TimeoutError: the server sends nothing for 10 seconds and keeps the connection.
        """
        with self.connect(url) as connection:
            connection.sendall(request)
            connection.settimeout(10)
            return b"".join(iter(lambda: connection.recv(10_000), b""))

    @property
    def authorization(self) -> str:
        """The value of the ``Authorization`` header."""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    def skopeo(self, url: str | None = None) -> "Skopeo":
        """Return the client program skopeo, for the load balancer or for the host at ``url``."""
        return Skopeo(self, urlsplit(url or self.url).netloc)


@dataclass(frozen=True)
class Skopeo:
    """The client program skopeo, logged in."""

    deployment: Deployment
    registry: str

    def push(self, layout: Path, image: str, *options: str) -> None:
        """Push an OCI image layout as ``repository:tag``."""
        self._copy(f"oci:{layout}", f"docker://{self.registry}/{image}", *options)

    def pull(self, image: str, layout: Path, *options: str) -> None:
        """Pull ``repository:tag`` into an OCI image layout."""
        self._copy(f"docker://{self.registry}/{image}", f"oci:{layout}", *options)

    def digest(self, image: str) -> str:
        """Return the digest of an image's manifest."""
        described = self._run("inspect", f"docker://{self.registry}/{image}")
        return str(json.loads(described)["Digest"])

    def _copy(self, source: str, target: str, *options: str) -> None:
        # Otherwise skopeo may convert a manifest to another format, which changes the digest.
        self._run("copy", "--preserve-digests", *options, source, target)

    def _run(self, *arguments: str) -> str:
        return run_client(self.deployment, self.registry, "skopeo", *arguments)


def request_head(line: str | bytes, *headers: str | bytes, host: str = "registry") -> bytes:
    """Return a request line and header lines as they are sent, up to the body."""
    lines = [line, f"Host: {host}", *headers, "", ""]
    return b"\r\n".join(text.encode("latin-1") if isinstance(text, str) else text for text in lines)


def run_client(deployment: Deployment, registry: str, *command: str) -> str:
    """Run a client program that is logged in to ``registry``; return its output.

    The password is in a file: arguments of a command show in process lists, and in failures.

    Raises:
        ClientError: the program failed.
    """
    trust = {"SSL_CERT_FILE": str(deployment.ca)} if deployment.ca else {}
    with tempfile.TemporaryDirectory() as directory:
        login = Path(directory, "auth.json")
        token = deployment.authorization.removeprefix("Basic ")
        login.write_text(json.dumps({"auths": {registry: {"auth": token}}}))
        return output_of(
            command[0],
            [*with_hosts_file(Path(directory, "hosts"), deployment.names), *command],
            ClientError,
            env={**os.environ, **trust, "REGISTRY_AUTH_FILE": str(login)},
            timeout=CLIENT_TIMEOUT,
        )


def hosts_lines(names: Iterable[tuple[str, str]]) -> str:
    """Return lines for ``/etc/hosts``, from pairs of a name and its address."""
    return "".join(f"{address} {name}\n" for name, address in names)


def with_hosts_file(file: Path, names: Iterable[tuple[str, str]]) -> list[str]:
    """Return the command that runs a program with more names in ``/etc/hosts``, for it only.

    Args:
        file: is written, and has to stay while the program runs.
        names: pairs of a name and its address; without any, nothing changes.
    """
    file.write_text(hosts_lines(names))
    if not file.stat().st_size:
        return []
    script = f'cat /etc/hosts >>{file} && mount --bind {file} /etc/hosts && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
