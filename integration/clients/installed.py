"""Other real clients than skopeo: podman, and oras, the Python client for whatever is no image."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from oras.client import OrasClient

from integration.clients.deployment import Deployment, run_client

#: podman's own locks are one set for the whole machine, and others' containers use them.
CONFIGURATION = '[engine]\nlock_type = "file"\n'


class Podman:
    """podman with a storage of its own, so that it has no layer but those that it pulled.

    Usage:

        with Podman(deployment) as podman:
            podman.pull("repository:tag")
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._registry = urlsplit(deployment.url).netloc

    def __enter__(self) -> Self:
        # Not below a test's own folder: podman takes no path of more than 50 characters.
        self._directory = tempfile.TemporaryDirectory(prefix="podman-")
        configuration = Path(self._directory.name, "containers.conf")
        configuration.write_text(CONFIGURATION)
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    def push(self, layout: Path, image: str) -> None:
        """Push an OCI image layout as ``repository:tag``."""
        self._run("push", self._run("pull", f"oci:{layout}"), f"{self._registry}/{image}")

    def pull(self, image: str) -> str:
        """Pull ``repository:tag``; return the digest of its configuration, which names the layers.

        podman checks that each layer is, unpacked, what the configuration says.
        """
        return f"sha256:{self._run('pull', f'{self._registry}/{image}')}"

    def command(self, verb: str, *arguments: str) -> list[str]:
        """Return a command of podman with its own storage."""
        own = self._directory.name
        command = ["env", f"CONTAINERS_CONF={own}/containers.conf", "podman"]
        command += [f"--root={own}/root", f"--runroot={own}/run", "--storage-driver=vfs"]
        return [*command, verb, "--quiet", *arguments]

    def _run(self, verb: str, *arguments: str) -> str:
        command = self.command(verb, *arguments)
        return run_client(self._deployment, self._registry, *command).strip()


@dataclass(frozen=True)
class Oras:
    """oras: files of any kind, pushed as an OCI artifact."""

    deployment: Deployment

    def push(self, files: Sequence[Path], image: str) -> None:
        """Push files as ``repository:tag``, in chunks."""
        self._client().push(
            self._name(image),
            files=[str(file) for file in files],
            disable_path_validation=True,
            do_chunked=True,
            chunk_size=4_000_000,
            quiet=True,
        )

    def pull(self, image: str, directory: Path) -> list[Path]:
        """Pull the files of ``repository:tag`` into a directory."""
        pulled = self._client().pull(self._name(image), outdir=str(directory))
        return [Path(file) for file in pulled]

    def tags(self, repository: str) -> list[str]:
        """Return all tags of a repository."""
        return list(self._client().get_tags(self._name(repository)))

    def _name(self, image: str) -> str:
        return f"{urlsplit(self.deployment.url).netloc}/{image}"

    def _client(self) -> Any:
        ca = self.deployment.ca or os.environ.get("SSL_CERT_FILE") or True
        client = OrasClient(tls_verify=str(ca) if ca is not True else True, auth_backend="basic")
        client.auth.set_basic_auth(self.deployment.username, self.deployment.password)
        return client
