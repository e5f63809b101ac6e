"""The facts of the page: a small HTTP service on a Unix socket, which nginx passes requests to.

nginx has verified the password, and sends the repositories that the user may read in a header. This
program also writes the facts of its host each minute, and the index when the index is old. It is a
program of its own: the index of a large registry takes a minute of processor time, which would
delay lists and layers.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

import waitress
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from wharf_proxy import log, page_hosts, page_index
from wharf_proxy.bucket import connect
from wharf_proxy.log import report
from wharf_proxy.settings import ProxySettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOCKET = "page.sock"
"""In the folder of the proxy; page.conf has its path."""

THREADS = 4
"""Concurrent requests; others wait."""

PRIORITY = 19
"""Niceness: everything else of the host goes first."""

NETWORK = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=THREADS + 10,
)

FORK = multiprocessing.get_context("fork")

MINUTE = 60

HOUR = 3600
"""Seconds after which the index is old."""

SHARE = 20
"""An index is also kept for as many times as long as it took to make."""

CLAIMED = 600
"""Seconds at least that hosts leave the index to the one that makes it."""

SPREAD = 600
"""Seconds by which hosts differ, so that one of them makes the index and not all."""

ERRORS = (BotoCoreError, ClientError, OSError, ValueError)

Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass
class Facts:
    """The service as a WSGI application.

    Requests have the headers ``X-Wharf-User``, and ``X-Wharf-Readable`` and ``X-Wharf-Deletable``:
    the repositories of the permissions file, with spaces between them.

    Attributes:
        client: a client of S3.
        bucket: the bucket of the images.
    """

    client: "S3Client"
    bucket: str
    _index: dict[str, Any] | None = None
    _version: str = field(default="")

    def __call__(self, environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Respond to one request."""
        status = HTTPStatus.OK
        body: object
        try:
            body = self._respond(environment)
        except ERRORS as error:
            _report(f"s3://{self.bucket}", error)
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, _error("the facts cannot be read now")
        if body is None:
            status = HTTPStatus.FORBIDDEN
            body = _error("only for users who may pull each repository")
        content = json.dumps(body, separators=(",", ":")).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start(f"{status.value} {status.phrase}", headers)
        return [content]

    def _respond(self, environment: Mapping[str, Any]) -> object:
        # nginx does not send an empty header.
        readable = environment.get("HTTP_X_WHARF_READABLE", "").split()
        if environment["PATH_INFO"] == "/page/hosts.json":
            # Their figures tell of the repositories of all users.
            return page_hosts.read(self.client, self.bucket) if "*" in readable else None
        # WSGI has bytes of a header as Latin-1.
        user = environment["HTTP_X_WHARF_USER"].encode("latin-1").decode(errors="replace")
        return {
            "user": user,
            "readable": readable,
            "deletable": environment.get("HTTP_X_WHARF_DELETABLE", "").split(),
            **page_index.shown_to(self._current(), readable),
        }

    def _current(self) -> dict[str, Any]:
        """Return the index, which is fetched if it has changed."""
        try:
            known = {"IfNoneMatch": self._version} if self._index else {}
            found = self.client.get_object(Bucket=self.bucket, Key=page_index.KEY, **known)  # type: ignore[arg-type]
            self._index = page_index.parse(found["Body"].read())
            self._version = found["ETag"]
        except ERRORS as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code not in ("NoSuchKey", "304"):
                # The names, which the page has from the registry, do without.
                _report(f"s3://{self.bucket}/{page_index.KEY}", error)
        return self._index or {"written": None, "repositories": []}


def _report(place: str, error: Exception) -> None:
    report("page_failed", f"{place}: {' '.join(str(error).split())}")


def _error(message: str) -> object:
    return {"errors": [{"code": "UNAVAILABLE", "message": message, "detail": None}]}


def keep_facts(client: "S3Client", bucket: str, host: page_hosts.Host) -> None:
    """Write the facts of this host."""
    page_hosts.write(client, bucket, host.facts(page_hosts.read_metrics()))


def keep_index(client: "S3Client", bucket: str) -> None:
    """Write the index if it is old."""
    age = page_index.age(client, bucket)
    seconds = 0.0
    if age is not None:
        if age < HOUR + random.uniform(0, SPREAD):  # noqa: S311  (nothing to hide)
            return
        try:
            found = client.get_object(Bucket=bucket, Key=page_index.KEY)["Body"].read()
            seconds = page_index.parse(found)["seconds"]
            if age < SHARE * seconds:
                return
        except ERRORS as error:
            _report(f"s3://{bucket}/{page_index.KEY}: is written anew", error)
    if page_index.claim(client, bucket, max(CLAIMED, 2 * seconds)):
        page_index.write(client, bucket)


def each(seconds: float, work: Callable[..., None], *arguments: object) -> NoReturn:
    """Do the work again and again. Were this thread to end, the page would show old facts."""
    while True:
        start = time.monotonic()
        try:
            work(*arguments)
        except Exception as error:
            report("page_failed", " ".join(f"{type(error).__name__}: {error}".split()))
        time.sleep(max(seconds - (time.monotonic() - start), 1))


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, required=True, help="Folder of the socket.")
    directory: Path = arguments.parse_args().directory
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: sys.exit(0))
    os.nice(PRIORITY)
    log.configure("page")
    keep(serve, directory, ProxySettings.from_environment(os.environ))


def keep(work: Callable[..., None], *arguments: object) -> NoReturn:
    """Run the work in a process, again a minute after it has ended: hosts serve without the page.

    When this process ends, it tells that process to end, and waits for it.
    """
    while True:
        program = FORK.Process(target=work, args=arguments, daemon=True)
        program.start()
        program.join()
        status = program.exitcode
        report("page_failed", f"ended with status {status}, starts again in {MINUTE} s")
        time.sleep(MINUTE)


def serve(directory: Path, settings: ProxySettings) -> None:
    """Serve until told to stop."""
    bucket = settings.image_bucket
    client = connect(settings.region, NETWORK)
    host = page_hosts.Host(socket.gethostname())
    for work in (
        (MINUTE, keep_facts, client, bucket, host),
        (MINUTE, keep_index, client, bucket),
        (HOUR, page_hosts.sweep, client, bucket),
    ):
        Thread(target=each, args=work, daemon=True).start()
    try:
        waitress.create_server(
            Facts(client, bucket),
            unix_socket=str(directory / SOCKET),
            unix_socket_perms="600",
            threads=THREADS,
        ).run()
    finally:
        # A host that stops is not one that is missing.
        with suppress(*ERRORS):
            page_hosts.remove(client, bucket, host.name)


if __name__ == "__main__":
    main()
