"""The interface of client programs, with the reason for each operation that a client lacks."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from integration.clients.sandbox import TRUST, Sandbox


class Can(StrEnum):
    """Abilities of a client; the values are the headings of docs/clients.md."""

    PUSH = "push"
    PULL = "pull"
    MOUNT = "mount"
    INDEX = "index"
    TAGS = "tags"
    DELETE = "delete"
    SIGN = "sign"


class Client(ABC):
    """A client program with an image store and a login of its own, in a sandbox.

    An image is ``repository:tag``. A client has the methods of its abilities (:data:`METHODS`),
    and in ``cannot`` the reason for each ability that it lacks.

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

    def new_layout(self) -> str:
        """Return a path in the sandbox for an OCI layout."""
        return f"/tmp/{secrets.token_hex(8)}"  # noqa: S108  (of the sandbox)

    def digest_in(self, layout: str) -> str:
        """Return the digest of the manifest in an OCI layout of the sandbox."""
        index = json.loads(self.sandbox.read(f"{layout}/index.json"))
        return str(index["manifests"][0]["digest"])

    def login(self, password: str) -> None:
        """Keep a password for the registry; some clients try it at once."""
        credentials = ("--username", self.username, "--password-stdin", self.registry)
        self.run(*self.login_command, *credentials, text=password)

    @abstractmethod
    def check_login(self, image: str) -> None:
        """Do something that the registry allows with the right password only."""


@runtime_checkable
class Pushes(Protocol):
    """A client that pushes images."""

    def push(self, layout: Path, image: str) -> None:
        """Push the image in an OCI layout."""


@runtime_checkable
class Pulls(Protocol):
    """A client that pulls images."""

    def pull(self, image: str, architecture: str = "amd64") -> str:
        """Pull into an empty store; return the digest that the client reports."""
        ...


@runtime_checkable
class Mounts(Pushes, Protocol):
    """A client that takes layers from another repository."""

    def mount(self, source: str, target: str) -> None:
        """Push an image, pushed before as ``source``, to another repository as ``target``."""


@runtime_checkable
class PushesIndexes(Protocol):
    """A client that pushes images of several platforms."""

    def push_index(self, layout: Path, image: str) -> None:
        """Push the index in an OCI layout with all of its images."""


@runtime_checkable
class ListsTags(Protocol):
    """A client that lists tags."""

    def tags(self, repository: str) -> Sequence[str]:
        """Return all tags of a repository."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """A client that deletes images in a registry."""

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest."""


@runtime_checkable
class Signs(Protocol):
    """A client that signs images."""

    def sign(self, image: str, *, bundle: bool) -> None:
        """Sign an image: in a bundle that names it as its subject, or in a tag of its own."""

    def verify(self, image: str, *, bundle: bool) -> None:
        """Check the signature of an image."""


#: The methods behind each ability: a client has an ability if it has its methods.
METHODS: Mapping[Can, type] = {
    Can.PUSH: Pushes,
    Can.PULL: Pulls,
    Can.MOUNT: Mounts,
    Can.INDEX: PushesIndexes,
    Can.TAGS: ListsTags,
    Can.DELETE: Deletes,
    Can.SIGN: Signs,
}
