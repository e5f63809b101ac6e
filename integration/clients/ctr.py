"""containerd and its own program ``ctr``."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from integration.clients.archive import archive
from integration.clients.program import Can, Client
from integration.clients.sandbox import TRUST

_CONFIGURATION = """
version = 3
root = "/var/lib{home}"
state = "/run{home}"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "{home}/containerd.sock"
"""
# ctr takes a password in its command only; containerd takes headers in a file.
_HOST = """
server = "https://{registry}"
[host."https://{registry}"]
  capabilities = ["pull", "resolve", "push"]
  ca = "{trust}"
  [host."https://{registry}".header]
    Authorization = ["Basic {token}"]
"""


class Ctr(Client):
    """``ctr`` with a containerd of its own."""

    name = "ctr"
    packages = ("containerd",)
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.TAGS: "`ctr` lists no tags of a registry",
        Can.DELETE: "`ctr` deletes nothing in a registry",
        Can.SIGN: "signing is `cosign`'s task",
    }

    @property
    def environment(self) -> dict[str, str]:
        """The daemon's socket."""
        return {"CONTAINERD_ADDRESS": f"{self.home}/containerd.sock"}

    def start(self) -> None:
        """Start containerd."""
        self.sandbox.write(f"{self.home}/config.toml", _CONFIGURATION.format(home=self.home))
        log = f"{self.home}/containerd.log"
        self.sandbox.start(
            ["containerd", f"--config={self.home}/config.toml"], log, "successfully booted"
        )

    def login(self, password: str) -> None:
        """Write the header that logs in."""
        token = b64encode(f"{self.username}:{password}".encode()).decode()
        text = _HOST.format(registry=self.registry, trust=TRUST, token=token)
        self.sandbox.write(f"{self.home}/hosts/{self.registry}/hosts.toml", text)

    def check_login(self, image: str) -> None:
        """Pull an image."""
        self.pull(image)

    def push(self, layout: Path, image: str) -> None:
        """Import the image and push it."""
        source = str(archive(layout, self.reference(image)))
        self.run("ctr", "images", "import", "--all-platforms", "--no-unpack", source)
        self._images("push", self.reference(image))

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into an empty store; return the digest of what the tag names."""
        known = self.run("ctr", "images", "list", "--quiet").split()
        if known:
            self.run("ctr", "images", "remove", "--sync", *known)
        self._images("pull", f"--platform=linux/{architecture}", self.reference(image))
        listed = self.run("ctr", "images", "list", f"name=={self.reference(image)}")
        # The columns are REF, TYPE, DIGEST, …
        return listed.splitlines()[1].split()[2]

    def mount(self, source: str, target: str) -> None:
        """Pull the image, tag and push it; containerd knows where it pulled each layer from."""
        self.pull(source)
        self.run("ctr", "images", "tag", self.reference(source), self.reference(target))
        self._images("push", self.reference(target))

    def push_index(self, layout: Path, image: str) -> None:
        """Import the index and push it."""
        self.push(layout, image)

    def _images(self, verb: str, *arguments: str) -> None:
        self.run("ctr", "images", verb, f"--hosts-dir={self.home}/hosts", *arguments)
