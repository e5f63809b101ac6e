"""The proxy's files on their way from the bucket to nginx, at start and whenever they change."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NAMES, NEEDED, PERMISSIONS, check

FOLDER = "files"
"""The folder, within the proxy's own, in which nginx finds the files that are in force."""

SETTLE = 2.0
"""Seconds between the sight of a change and the fetch: whoever publishes writes several objects."""


class Configuration:
    """The files in a bucket, and the folder that nginx reads them from.

    Args:
        bucket: the configuration bucket.
        directory: made if need be. Its content is for this user only.
    """

    def __init__(self, bucket: Bucket, directory: Path) -> None:
        self._bucket = bucket
        self._directory = directory
        self._versions: dict[str, str | None] = {}

    def fetch(self) -> None:
        """Fetch the files, check them, and put all of them into force at once.

        Raises:
            ConfigurationError: an object or a file is missing or wrong; the old ones stay.
            OSError: the directory cannot be written to.
        """
        versions = self._look()
        files = {name: self._bucket.download(name) for name in NEEDED}
        permissions = self._bucket.download_optional(PERMISSIONS)
        if permissions is not None:
            files[PERMISSIONS] = permissions
        try:
            check(files, published=True)
        except ConfigurationError as error:
            raise ConfigurationError(f"s3://{self._bucket.name}/{error}") from None
        install(files, self._directory)
        self._versions = versions

    def has_changed(self) -> bool:
        """Whether an object is another one than the one in force.

        Raises:
            ConfigurationError: S3 does not say.
        """
        return self._look() != self._versions

    def _look(self) -> dict[str, str | None]:
        return {name: self._bucket.version(name) for name in NAMES}

    def keep(self, seconds: float, reload: Callable[[], None]) -> NoReturn:
        """Look for changed objects, and call ``reload`` when new files are in force.

        A bad file is reported in the log, and the old ones stay.
        """
        while True:
            time.sleep(seconds)
            try:
                if not self.has_changed():
                    continue
                time.sleep(SETTLE)
                self.fetch()
                reload()
            except ConfigurationError as error:
                report("configuration_refused", str(error))
            # Were this thread to end, a user that is removed would stay one.
            except Exception as error:
                report("configuration_refused", f"{type(error).__name__}: {error}")
            else:
                report("configuration_renewed", f"s3://{self._bucket.name}")


def install(files: Mapping[str, bytes], directory: Path) -> None:
    """Put the files into force: ``directory/files`` has the old ones, then all of the new ones.

    Raises:
        OSError: the directory cannot be written to.
    """
    directory.mkdir(parents=True, exist_ok=True)
    current = directory / FOLDER
    new = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-", dir=directory))
    try:
        for name, content in files.items():
            (new / name).touch(mode=0o600)
            (new / name).write_bytes(content)
        old = current.resolve() if current.exists() else None
        link = new.with_suffix(".link")
        link.symlink_to(new.name)
        os.replace(link, current)
    except BaseException:
        shutil.rmtree(new)
        raise
    if old is not None:
        shutil.rmtree(old)


def report(event: str, message: str) -> None:
    """Write one line in JSON to standard output, as nginx does for each request."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    print(json.dumps({"time": now, "event": event, "message": message}), flush=True)
