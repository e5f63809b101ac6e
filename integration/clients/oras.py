"""oras, the program; the Python library of that name is in :mod:`integration.clients.installed`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from integration.clients.image_builder import layout_digest
from integration.clients.program import Can, Client


class Oras(Client):
    """oras: copies between a registry and OCI layouts, without a store."""

    name = "oras"
    packages = ("oras",)
    login_command = ("oras", "login")
    cannot: ClassVar[Mapping[Can, str]] = {Can.SIGN: "signing is `cosign`'s task"}

    def check_login(self, image: str) -> None:
        """Look up an image."""
        self.run("oras", "resolve", self.reference(image))

    def push(self, layout: Path, image: str) -> None:
        """Copy the content of the layout."""
        source = f"{layout}@{layout_digest(layout)}"
        self.run("oras", "copy", "--from-oci-layout", source, self.reference(image))

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Copy the image into a new layout; return the digest of its manifest."""
        target = self.new_layout()
        options = ("--to-oci-layout", f"--platform=linux/{architecture}")
        self.run("oras", "copy", *options, self.reference(image), f"{target}:1")
        return self.digest_in(target)

    def mount(self, source: str, target: str) -> None:
        """Copy from repository to repository."""
        self.run("oras", "copy", self.reference(source), self.reference(target))

    def push_index(self, layout: Path, image: str) -> None:
        """Copy the index with all of its images."""
        self.push(layout, image)

    def tags(self, repository: str) -> Sequence[str]:
        """List the tags of a repository."""
        return self.run("oras", "repo", "tags", self.reference(repository)).split()

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest."""
        name = f"{self.reference(repository)}@{digest}"
        self.run("oras", "manifest", "delete", "--force", name)

    def attach(self, image: str, file: Path) -> None:
        """Attach a file to an image as an artifact that names the image as its subject."""
        options = ("--artifact-type=application/vnd.example.note", "--disable-path-validation")
        self.run("oras", "attach", *options, self.reference(image), f"{file}:text/plain")

    def attached(self, image: str) -> Sequence[str]:
        """Return the digests of the artifacts that name an image as their subject."""
        found = json.loads(self.run("oras", "discover", "--format=json", self.reference(image)))
        return [str(artifact["digest"]) for artifact in found.get("referrers") or ()]
