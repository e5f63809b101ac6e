"""The Docker engine with either of its image stores, and its plugin buildx."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from integration.clients.archive import archive
from integration.clients.program import Can, Client

_NO_TAGS = "`docker` lists no tags of a registry"
_NO_DELETE = "`docker` deletes nothing in a registry"
_NO_SIGN = "signing is `cosign`'s task"


class Docker(Client):
    """dockerd and ``docker``; a subclass chooses the image store."""

    packages = ("docker.io", "docker-cli", "docker-buildx")
    login_command = ("docker", "login")
    containerd_store: ClassVar[bool]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all clients, and the daemon's socket."""
        return {**super().environment, "DOCKER_HOST": f"unix://{self.home}/docker.sock"}

    def start(self) -> None:
        """Start dockerd, which starts a containerd of its own; containers get no network."""
        configuration = {
            "features": {"containerd-snapshotter": self.containerd_store},
            "data-root": f"/var/lib{self.home}",
            "exec-root": f"/run{self.home}",
            "pidfile": f"{self.home}/docker.pid",
            "hosts": [self.environment["DOCKER_HOST"]],
            "bridge": "none",
            # The network namespace is this machine's.
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
        }
        self.sandbox.write(f"{self.home}/daemon.json", json.dumps(configuration))
        log = f"{self.home}/daemon.log"
        self.sandbox.start(
            ["dockerd", f"--config-file={self.home}/daemon.json"], log, "API listen on"
        )

    def check_login(self, image: str) -> None:
        """Pull an image."""
        self.pull(image)

    def push(self, layout: Path, image: str) -> None:
        """Load the image and push it."""
        self.run("docker", "load", "--input", str(archive(layout, self.reference(image))))
        self.run("docker", "push", self.reference(image))

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into an empty store; return the digest of what the tag names."""
        for known in {*self.run("docker", "image", "ls", "--all", "--quiet").split()}:
            self.run("docker", "image", "rm", "--force", known)
        platform = f"--platform=linux/{architecture}"
        printed = self.run("docker", "pull", platform, self.reference(image))
        found = re.search(r"^Digest: (\S+)$", printed, re.MULTILINE)
        return found[1] if found else printed

    def mount(self, source: str, target: str) -> None:
        """Tag the image and push it; the engine knows where its layers were pushed before."""
        self.run("docker", "tag", self.reference(source), self.reference(target))
        self.run("docker", "push", self.reference(target))


class DockerGraphDriver(Docker):
    """The Docker engine with the image store that it had by default until version 29."""

    name = "docker (overlay2)"
    containerd_store = False
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.INDEX: "this store keeps one platform of an image; it pulls from an index",
        Can.TAGS: _NO_TAGS,
        Can.DELETE: _NO_DELETE,
        Can.SIGN: _NO_SIGN,
    }


class DockerContainerd(Docker):
    """The Docker engine with containerd's image store, which keeps indexes."""

    name = "docker (containerd store)"
    containerd_store = True
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.TAGS: _NO_TAGS,
        Can.DELETE: _NO_DELETE,
        Can.SIGN: _NO_SIGN,
    }

    def push_index(self, layout: Path, image: str) -> None:
        """Load the index and push it: all of its platforms are there."""
        self.push(layout, image)

    def build(self, directory: Path, image: str, *options: str) -> str:
        """Build for two platforms with BuildKit and push the index; return the progress."""
        platforms = "--platform=linux/amd64,linux/arm64"
        names = ("--push", f"--tag={self.reference(image)}")
        build = ("docker", "buildx", "build", "--progress=plain", platforms)
        return self.run("sh", "-c", '"$@" 2>&1', "sh", *build, *names, *options, str(directory))

    def append(self, image: str, addition: str) -> None:
        """Add an image of the same repository to an index, without an image store."""
        names = (f"--tag={self.reference(image)}", self.reference(addition))
        self.run("docker", "buildx", "imagetools", "create", "--append", *names)
