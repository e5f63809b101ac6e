"""The order that the harness gives to its processes: which registry, from where, as which user."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel


class Job(BaseModel):
    """The parameters of a process of the harness, in a file that only root may read.

    Attributes:
        name: of the registry in its certificate, and in the ``Host`` header.
        port: of each address.
        addresses: where connections go, in turn.
        hosts: how many serve at these addresses.
        source: address of the client; None for that of its network namespace.
        ca: certificate to trust, a PEM file.
        username, password: a valid user. All users have the same password.
        image: ``repository:tag`` that good clients pull.
        users: names that the registry has not seen within the hour.
        layers: paths of layers that no host has in its cache.
        seconds: in which good clients begin to pull and to log in.
    """

    name: str
    port: int
    addresses: list[str]
    hosts: int = 1
    source: str | None = None
    ca: Path
    username: str
    password: str
    image: str = ""
    users: list[str] = []
    layers: list[str] = []
    seconds: float = 0

    @property
    def url(self) -> str:
        """The URL of the registry under its name."""
        return f"https://{self.name}:{self.port}"

    def write(self, file: Path) -> Path:
        """Write the job for another process; return the file."""
        file.touch(mode=0o600)
        file.write_text(self.model_dump_json())
        return file

    @classmethod
    def read(cls, file: str) -> Self:
        """Read a job that :meth:`write` has written."""
        return cls.model_validate_json(Path(file).read_text())
