"""The interface of client programs: each says what it can do, and why not the rest."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from integration.clients.sandbox import TRUST, Sandbox


class Can(StrEnum):
    """What a client may be able to do; the values are the headings of docs/clients.md."""

    PUSH = "push"
    PULL = "pull"
    MOUNT = "mount"
    INDEX = "index"
    TAGS = "tags"
    DELETE = "delete"
    SIGN = "sign"


class Client(ABC):
    """A client program with an image store and a login of its own, in a sandbox.

    An image is ``repository:tag``. A method that a client lacks has its reason in ``cannot``.

    Args:
        sandbox: where the program runs.
        registry: host of the registry, with its port if it is not 443.
        username: of the login; the password is given to :meth:`login`.
    """

    name: ClassVar[str]
    #: Debian packages of the program.
    packages: ClassVar[tuple[str, ...]]
    #: The program and the subcommand that logs in.
    login_command: ClassVar[tuple[str, ...]]
    cannot: ClassVar[Mapping[Can, str]] = {}

    def __init__(self, sandbox: Sandbox, registry: str, username: str) -> None:
        self.sandbox = sandbox
        self.registry = registry
        self.username = username
        self.home = f"/root/{type(self).__name__.lower()}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that keep this client apart from the others."""
        return {
            "DOCKER_CONFIG": self.home,
            "REGISTRY_AUTH_FILE": f"{self.home}/auth.json",
            # Read by the programs that look into no folder of certificates.
            "SSL_CERT_FILE": TRUST,
        }

    def start(self) -> None:  # noqa: B027  (most clients have nothing to start)
        """Start the daemons that the client needs; most need none."""

    def run(self, *command: str, text: str = "") -> str:
        """Run a program of this client; return what it printed."""
        return self.sandbox.run(command, self.environment, text)

    def reference(self, image: str) -> str:
        """Return the image's full name."""
        return f"{self.registry}/{image}"

    def login(self, password: str) -> None:
        """Keep a password for the registry; some clients try it at once."""
        who = ("--username", self.username, "--password-stdin", self.registry)
        self.run(*self.login_command, *who, text=password)

    @abstractmethod
    def check_login(self, image: str) -> None:
        """Do something that the registry allows with the right password only."""

    def push(self, layout: Path, image: str) -> None:
        """Push the image in an OCI layout."""
        raise NotImplementedError

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into an empty store; return the digest that the client reports."""
        raise NotImplementedError

    def mount(self, source: str, target: str) -> None:
        """Push an image, pushed before as ``source``, to another repository as ``target``."""
        raise NotImplementedError

    def push_index(self, layout: Path, image: str) -> None:
        """Push the index in an OCI layout with all of its images."""
        raise NotImplementedError

    def tags(self, repository: str) -> Sequence[str]:
        """Return all tags of a repository."""
        raise NotImplementedError

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest."""
        raise NotImplementedError

    def sign(self, image: str, *, bundle: bool) -> None:
        """Sign an image: in a bundle that names it as its subject, or in a tag of its own."""
        raise NotImplementedError

    def verify(self, image: str, *, bundle: bool) -> None:
        """Check the signature of an image."""
        raise NotImplementedError
