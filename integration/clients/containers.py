"""skopeo, podman and buildah: three programs on one library, containers/image."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from integration.clients.program import Can, Client

_NO_SIGN = "its signatures need a lookaside store or Sigstore; signing is `cosign`'s task"


class Skopeo(Client):
    """skopeo: copies between a registry and OCI layouts, without a store."""

    name = "skopeo"
    packages = ("skopeo",)
    login_command = ("skopeo", "login")
    cannot: ClassVar[Mapping[Can, str]] = {Can.SIGN: _NO_SIGN}

    def check_login(self, image: str) -> None:
        """Look up an image."""
        self.run("skopeo", "inspect", f"docker://{self.reference(image)}")

    def push(self, layout: Path, image: str) -> None:
        """Copy the image from the layout."""
        self._copy(f"oci:{layout}", f"docker://{self.reference(image)}")

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Copy the image into a new layout; return the digest of its manifest."""
        target = self.new_layout()
        source = f"docker://{self.reference(image)}"
        self._copy(f"--override-arch={architecture}", source, f"oci:{target}")
        return self.digest_in(target)

    def mount(self, source: str, target: str) -> None:
        """Copy from repository to repository."""
        self._copy(*(f"docker://{self.reference(image)}" for image in (source, target)))

    def push_index(self, layout: Path, image: str) -> None:
        """Copy the index with all of its images."""
        self._copy("--all", f"oci:{layout}", f"docker://{self.reference(image)}")

    def tags(self, repository: str) -> Sequence[str]:
        """List the tags of a repository."""
        listed = self.run("skopeo", "list-tags", f"docker://{self.reference(repository)}")
        tags: list[str] = json.loads(listed)["Tags"]
        return tags

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest."""
        self.run("skopeo", "delete", f"docker://{self.reference(repository)}@{digest}")

    def _copy(self, *arguments: str) -> None:
        self.run("skopeo", "copy", "--preserve-digests", *arguments)


class _WithStore(Client):
    """Base of podman and buildah, whose commands for images are the same."""

    program: ClassVar[str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all clients, and a store in memory."""
        store = f"{self.home}/storage.conf"
        return {**super().environment, "CONTAINERS_STORAGE_CONF": store}

    def start(self) -> None:
        """Describe the store."""
        own = f'graphroot = "/var/lib{self.home}"\nrunroot = "/run{self.home}"\n'
        text = f'[storage]\ndriver = "overlay"\n{own}'
        self.sandbox.write(f"{self.home}/storage.conf", text)

    def check_login(self, image: str) -> None:
        """Pull an image."""
        self.pull(image)

    def push(self, layout: Path, image: str) -> None:
        """Pull the image from the layout and push it."""
        known = self.run(self.program, "pull", "--quiet", f"oci:{layout}").strip()
        self.run(self.program, "push", "--quiet", known, f"docker://{self.reference(image)}")
        self.run(self.program, "tag", known, self.reference(image))

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into an empty store; return the digest of the image's manifest."""
        self.run(self.program, "rmi", "--all", "--force")
        pull = ("pull", "--quiet", f"--arch={architecture}", self.reference(image))
        return self._digest(self.run(self.program, *pull).strip())

    def mount(self, source: str, target: str) -> None:
        """Push the image again; the program knows where its layers were pushed before."""
        names = (self.reference(source), f"docker://{self.reference(target)}")
        self.run(self.program, "push", "--quiet", *names)

    def push_index(self, layout: Path, image: str) -> None:
        """Make a list in the store from the index, and push the list with its images."""
        self.run(self.program, "manifest", "create", self.reference(image))
        self.run(self.program, "manifest", "add", "--all", self.reference(image), f"oci:{layout}")
        names = (self.reference(image), f"docker://{self.reference(image)}")
        self.run(self.program, "manifest", "push", "--all", *names)

    @abstractmethod
    def _digest(self, image: str) -> str:
        """Return the digest of an image's manifest."""


class Podman(_WithStore):
    """podman."""

    name = "podman"
    program = "podman"
    packages = ("podman",)
    login_command = ("podman", "login")
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.DELETE: "`podman` deletes nothing in a registry",
        Can.SIGN: _NO_SIGN,
    }

    def tags(self, repository: str) -> Sequence[str]:
        """List the tags of a repository; without a limit podman lists 25."""
        search = ("search", "--list-tags", "--limit=1000", "--format=json")
        listed = self.run("podman", *search, self.reference(repository))
        tags: list[str] = json.loads(listed)[0]["Tags"]
        return tags

    def _digest(self, image: str) -> str:
        return self.run("podman", "image", "inspect", "--format={{.Digest}}", image).strip()


class Buildah(_WithStore):
    """buildah."""

    name = "buildah"
    program = "buildah"
    packages = ("buildah",)
    login_command = ("buildah", "login")
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.TAGS: "`buildah` lists no tags of a registry",
        Can.DELETE: "`buildah` deletes nothing in a registry",
        Can.SIGN: _NO_SIGN,
    }

    def _digest(self, image: str) -> str:
        inspect = ("inspect", "--type=image", "--format={{.FromImageDigest}}")
        return self.run("buildah", *inspect, image).strip()
