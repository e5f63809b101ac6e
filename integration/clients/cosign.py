"""cosign 3: signs images with a key pair, without a transparency log."""

from collections.abc import Mapping
from typing import ClassVar

from integration.clients.program import Can, Client

_NO_IMAGES = "it signs images that other clients push"


class Cosign(Client):
    """cosign with a key pair of its own."""

    name = "cosign"
    packages = ("cosign",)
    login_command = ("cosign", "login")
    cannot: ClassVar[Mapping[Can, str]] = {can: _NO_IMAGES for can in Can if can is not Can.SIGN}

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all clients, and the key's password: none."""
        return {**super().environment, "COSIGN_PASSWORD": ""}

    def start(self) -> None:
        """Make the key pair."""
        self.run("mkdir", "-p", self.home)
        self.run("cosign", "generate-key-pair", f"--output-key-prefix={self.home}/cosign")

    def check_login(self, image: str) -> None:
        """List the signatures of an image."""
        self.run("cosign", "tree", self.reference(image))

    def sign(self, image: str, *, bundle: bool) -> None:
        """Sign an image: in a bundle that names it as its subject, or in a tag of its own."""
        options = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
        form = f"--new-bundle-format={str(bundle).lower()}"
        key = f"--key={self.home}/cosign.key"
        self.run("cosign", "sign", key, form, *options, self.reference(image))

    def verify(self, image: str, *, bundle: bool) -> None:
        """Check the signature of an image."""
        form = f"--new-bundle-format={str(bundle).lower()}"
        key = f"--key={self.home}/cosign.pub"
        options = ("--insecure-ignore-tlog=true",)
        self.run("cosign", "verify", key, form, *options, self.reference(image))
