"""Description of a cloud on disk, with which another process can use it or take it down."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError

FILE = "cloud.json"


class SavedCloud(BaseModel):
    """A cloud's name, what it deploys, and its emulator once that runs."""

    model_config = ConfigDict(frozen=True)

    cloud: str
    stack: Path
    variables: dict[str, Any]
    region: str
    contexts: dict[str, Path]
    emulator: Emulator | None = None

    @classmethod
    def new(
        cls,
        stack: Path,
        variables: Mapping[str, Any],
        contexts: Mapping[str, Path],
        region: str,
    ) -> Self:
        """Describe a cloud under a name that no other has."""
        return cls(
            cloud=f"wharf-{secrets.token_hex(4)}",
            stack=stack.resolve(),
            variables=dict(variables),
            region=region,
            contexts=dict(contexts),
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the cloud that stands in a directory.

        Raises:
            LocalCloudError: there is none.
        """
        if not cls.stands(directory):
            raise LocalCloudError(
                f"No local cloud stands in {directory}; start one with `wharf local up`"
            )
        return cls.model_validate_json((directory / FILE).read_text())

    @staticmethod
    def stands(directory: Path) -> bool:
        """Return whether a cloud stands in a directory."""
        return (directory / FILE).exists()

    @classmethod
    def refuse(cls, directory: Path) -> None:
        """Make sure that no cloud stands in a directory.

        Raises:
            LocalCloudError: one does.
        """
        if cls.stands(directory):
            raise LocalCloudError(
                f"A local cloud stands in {directory}; use it, or end it with down first"
            )

    @staticmethod
    def forget(directory: Path) -> None:
        """Remove the description; that there is none is no error."""
        (directory / FILE).unlink(missing_ok=True)

    def save(self, directory: Path) -> None:
        """Write the description; it holds the emulator's keys, so only the owner may read it."""
        file = directory / FILE
        file.touch(mode=0o600)
        file.write_text(self.model_dump_json(indent=2))
