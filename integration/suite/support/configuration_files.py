"""The proxy's files in the bucket of a local registry: changed for a while, and seen in force."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration.console.waiting import wait_until
from integration.local.registry import LocalRegistry, program, publish

RENEWED, REFUSED = "configuration_renewed", "configuration_refused"
USERS, PERMISSIONS, IDENTITIES = "nginx.htpasswd", "nginx.permissions", "identities.toml"
#: Seconds until every host has seen a change: it looks each second, and settles for two.
PATIENCE = 30


class ConfigurationFiles:
    """The files that are in force, and a folder with a copy to change.

    Args:
        registry: whose bucket it is.
        folder: for the copy.
    """

    def __init__(self, registry: LocalRegistry, folder: Path) -> None:
        self._registry = registry
        self.folder = folder
        shutil.copytree(registry.directory / "configuration", folder, dirs_exist_ok=True)

    def add_user(self, name: str, password: str) -> None:
        """Add a user to the copy, or give it another password."""
        program("users", "add", str(self.folder / USERS), name, "--password-stdin", text=password)

    def remove_user(self, name: str) -> None:
        """Remove a user from the copy."""
        program("users", "remove", str(self.folder / USERS), name)

    def publish(self) -> None:
        """Publish the copy; return when every host has it in force."""
        with self.seen(RENEWED):
            publish(self._registry.cloud, self.folder)

    def put(self, name: str, content: bytes) -> None:
        """Write an object past the checks of the publishing program."""
        self._s3.put_object(Bucket=self._bucket, Key=name, Body=content)

    def remove(self, name: str) -> None:
        """Delete an object."""
        self._s3.delete_object(Bucket=self._bucket, Key=name)

    def restore(self) -> None:
        """Bring back the files that were there before, and wait until they are in force."""
        with self.seen(RENEWED):
            for name in (PERMISSIONS, IDENTITIES):
                self.remove(name)
            # One more line, or there may be nothing that has changed.
            users = self._registry.directory / "configuration" / USERS
            users.write_bytes(users.read_bytes() + b"# restored\n")
            publish(self._registry.cloud, self._registry.directory / "configuration")

    @property
    def _s3(self) -> Any:
        return self._registry.cloud.session.client("s3")

    @property
    def _bucket(self) -> str:
        return str(self._registry.cloud.outputs["configuration_bucket"])

    @contextmanager
    def seen(self, event: str) -> Iterator[None]:
        """Wait until every host has logged an event that is caused inside.

        Raises:
            AssertionError: one has not after ``PATIENCE`` seconds.
        """
        before = self._count(event)
        yield
        wait_until(f"{event} of every host", lambda: self._all_more(event, before), True, PATIENCE)

    def _all_more(self, event: str, before: Mapping[str, int]) -> bool:
        now = self._count(event)
        return all(now[host] > before[host] for host in before)

    def _count(self, event: str) -> Mapping[str, int]:
        return {
            host.id: host.log("nginx").read_text().count(f'"{event}"')
            for host in self._registry.cloud.hosts
        }
