"""crane, of go-containerregistry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from integration.clients.program import Can, Client


class Crane(Client):
    """crane: copies between a registry and OCI layouts, without a store."""

    name = "crane"
    packages = ("crane",)
    login_command = ("crane", "auth", "login")
    cannot: ClassVar[Mapping[Can, str]] = {Can.SIGN: "signing is `cosign`'s task"}

    def check_login(self, image: str) -> None:
        """Look up an image."""
        self.run("crane", "digest", self.reference(image))

    def push(self, layout: Path, image: str) -> None:
        """Push the image in the layout."""
        self.run("crane", "push", str(layout), self.reference(image))

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into a new layout; return the digest of the image's manifest."""
        target = self.new_layout()
        options = ("--format=oci", f"--platform=linux/{architecture}")
        self.run("crane", "pull", *options, self.reference(image), target)
        return self.digest_in(target)

    def mount(self, source: str, target: str) -> None:
        """Copy from repository to repository."""
        self.run("crane", "copy", self.reference(source), self.reference(target))

    def push_index(self, layout: Path, image: str) -> None:
        """Push the index in the layout."""
        self.push(layout, image)

    def tags(self, repository: str) -> Sequence[str]:
        """List the tags of a repository."""
        return self.run("crane", "ls", self.reference(repository)).split()

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest."""
        self.run("crane", "delete", f"{self.reference(repository)}@{digest}")
