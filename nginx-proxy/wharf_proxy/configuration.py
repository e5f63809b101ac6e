"""The proxy's files on their way from the bucket to nginx, at start and whenever they change."""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from wharf_proxy.bucket import Bucket
from wharf_proxy.certificate import valid_from, valid_until
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NAMES, USERS, check, needed
from wharf_proxy.log import report
from wharf_proxy.metrics import Metrics

FOLDER = "files"
"""The folder, within the proxy's own, in which nginx finds the files that are in force."""

DAY = timedelta(days=1)

ENDLESS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

SETTLE = 2.0
"""Seconds between the sight of a change and the fetch: publishing writes several objects."""


class Configuration:
    """The files in a bucket, and the folder that nginx reads them from.

    Args:
        bucket: the configuration bucket.
        directory: made if need be. Its content is for this user only.
        metrics: get checks, refusals, renewals, and the expiry of the certificate.
    """

    def __init__(self, bucket: Bucket, directory: Path, metrics: Metrics) -> None:
        self._bucket = bucket
        self._directory = directory
        self._metrics = metrics
        self._start, self._expiry = ENDLESS
        self._reminder = datetime.min.replace(tzinfo=UTC)
        self._versions: dict[str, str | None] = {}

    def fetch(self) -> None:
        """Fetch the files, check them, and put all of them into force at once.

        Raises:
            ConfigurationError: an object or a file is missing or wrong; the old ones stay.
            OSError: the directory cannot be written to.
        """
        versions = self._look()
        there = [name for name, version in versions.items() if version]
        files = {name: self._bucket.download(name) for name in needed(there)}
        for name in sorted(set(NAMES) - files.keys()):
            content = self._bucket.download_optional(name)
            if content is not None:
                files[name] = content
        try:
            certificate = check(files, published=True)
        except ConfigurationError as error:
            raise ConfigurationError(f"s3://{self._bucket.name}/{error}") from None
        # nginx reads it, whether it has users or not.
        install({USERS: b"", **files}, self._directory)
        self._versions = versions
        self._start, self._expiry = valid_from(certificate), valid_until(certificate)
        self._reminder = datetime.min.replace(tzinfo=UTC)
        self._metrics.certificate_expiry.set(self._expiry.timestamp())
        self._metrics.last_check.set_to_current_time()
        self._metrics.write()

    def has_changed(self) -> bool:
        """Return whether an object of the bucket differs from the file in force.

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
            self._remind()
            time.sleep(seconds)
            try:
                self._renew(reload)
            except ConfigurationError as error:
                self._refuse(str(error))
            # Were this thread to end, a user that is removed would stay one.
            except Exception as error:
                self._refuse(f"{type(error).__name__}: {error}")

    def _renew(self, reload: Callable[[], None]) -> None:
        if self.has_changed():
            time.sleep(SETTLE)
            self.fetch()
            reload()
            self._metrics.renewals.inc()
            report("configuration_renewed", f"s3://{self._bucket.name}")
        self._metrics.refused.set(0)
        self._metrics.last_check.set_to_current_time()
        self._metrics.write()

    def _refuse(self, message: str) -> None:
        report("configuration_refused", message)
        self._metrics.refused.set(1)
        self._metrics.refusals.inc()
        with suppress(OSError):  # a full disk must not end the thread
            self._metrics.write()

    def _remind(self) -> None:
        """Say once a day, and of each new certificate, how long it is good for."""
        now = datetime.now(UTC)
        if now - self._reminder >= DAY:
            self._reminder = now
            left = self._expiry - now
            report(
                "certificate",
                f"expires on {self._expiry:%Y-%m-%d %H:%M} UTC",
                days_left=left.days,
                percent_left=math.floor(100 * (left / (self._expiry - self._start))),
            )


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
