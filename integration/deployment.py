"""What a test may ask of a deployment, whether it is on this machine or in an AWS account."""

import json
import os
import socket
import ssl
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

#: Seconds that a client program gets; a 30 MB image takes 2.
CLIENT_TIMEOUT = 300


class ClientError(Exception):
    """A client program failed; the text is what it said."""


class Password(str):
    """Shown nowhere: some programs that print failures look past a dataclass's ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@dataclass(frozen=True)
class Deployment:
    """A registry and how to log in to it.

    Attributes:
        url: of the load balancer, ``https://registry.example.com``.
        ca: the certificate to trust, a PEM file; None for those of the system.
        hosts: URLs that lead to one host each, where there is such a way.
        names: names and addresses that a client has to know and no DNS tells: of a local S3.
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
        """An HTTP client for the load balancer, or for the host at ``url``."""
        context = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(
            base_url=url or self.url,
            verify=context,
            auth=None if anonymous else (self.username, self.password),
            timeout=60,
        )

    def connect(self, url: str | None = None) -> ssl.SSLSocket:
        """A bare TLS connection, for what no HTTP client would send."""
        where = urlsplit(url or self.url)
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection((where.hostname or "", where.port or 443), timeout=60)
        return context.wrap_socket(raw, server_hostname=where.hostname)

    @property
    def authorization(self) -> str:
        """The value of the header that logs in."""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    def skopeo(self, url: str | None = None) -> "Skopeo":
        """The client program skopeo, for the load balancer or for the host at ``url``."""
        return Skopeo(self, urlsplit(url or self.url).netloc)


@dataclass(frozen=True)
class Skopeo:
    """skopeo, logged in: a real client that pushes and pulls."""

    deployment: Deployment
    registry: str

    def push(self, layout: Path, image: str, *options: str) -> None:
        """Push an OCI image layout as ``repository:tag``."""
        self._copy(f"oci:{layout}", f"docker://{self.registry}/{image}", *options)

    def pull(self, image: str, layout: Path, *options: str) -> None:
        """Pull ``repository:tag`` into an OCI image layout."""
        self._copy(f"docker://{self.registry}/{image}", f"oci:{layout}", *options)

    def digest(self, image: str) -> str:
        """The digest of an image's manifest."""
        answer = self._run("inspect", f"docker://{self.registry}/{image}")
        return str(json.loads(answer)["Digest"])

    def _copy(self, source: str, target: str, *options: str) -> None:
        # Otherwise a digest may change on the way: the formats are not the same byte for byte.
        self._run("copy", "--preserve-digests", *options, source, target)

    def _run(self, *arguments: str) -> str:
        return run_client(self.deployment, self.registry, "skopeo", *arguments)


def run_client(deployment: Deployment, registry: str, *command: str) -> str:
    """Run a client program that is logged in to ``registry``; return what it printed.

    The password is in a file: what is in a command shows in lists of processes, and in failures.

    Raises:
        ClientError: it failed.
    """
    trust = {"SSL_CERT_FILE": str(deployment.ca)} if deployment.ca else {}
    with tempfile.TemporaryDirectory() as directory:
        login = Path(directory, "auth.json")
        token = deployment.authorization.removeprefix("Basic ")
        login.write_text(json.dumps({"auths": {registry: {"auth": token}}}))
        names = Path(directory, "hosts")
        names.write_text("".join(f"{address} {name}\n" for name, address in deployment.names))
        done = subprocess.run(
            [*_with_hosts_file(names), *command],
            env={**os.environ, **trust, "REGISTRY_AUTH_FILE": str(login)},
            capture_output=True,
            text=True,
            timeout=CLIENT_TIMEOUT,
            check=False,
        )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise ClientError(last[0])
    return done.stdout


def _with_hosts_file(file: Path) -> list[str]:
    """What runs a program that reads another file as ``/etc/hosts``, without anybody else doing so.

    An empty file changes nothing.
    """
    if not file.stat().st_size:
        return []
    script = f'cat /etc/hosts >>{file} && mount --bind {file} /etc/hosts && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
