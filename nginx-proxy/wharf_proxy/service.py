"""The lists of the registry: a small HTTP service on a Unix socket, which nginx passes them to.

The registry reads every object of a repository, or of the whole bucket, for one list, and its
versions 3.0.0 to 3.1.1 leave names out with S3 (https://github.com/distribution/distribution/issues/4891
and 4903). This service reads the names only (``wharf_proxy/listing.py``). nginx has verified the
password and the permissions, and sends the readable repositories in headers. The service keeps no
state.
"""

import argparse
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import waitress
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from wharf_proxy import listing, log, signing
from wharf_proxy.bucket import connect
from wharf_proxy.log import report
from wharf_proxy.settings import ProxySettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOCKET = "service.sock"
"""In the folder of the proxy; nginx.conf has its path."""

THREADS = 8
"""Concurrent requests; others wait. A list takes few requests to S3, so 8 threads suffice."""

PRIORITY = 10
"""Niceness, as the verifier's: lists wait for transfers, not the other way round."""

NETWORK = Config(
    connect_timeout=3,
    # S3 lists 1,000 names in less than a second. nginx waits 60 s for a response.
    read_timeout=10,
    retries={"total_max_attempts": 2, "mode": "standard"},
    max_pool_connections=THREADS,
)

MAXIMUM = 10_000
"""Maximum number of names in a response, whatever ``n`` is. Renovate requests so many."""

CATALOG_DEFAULT = 1_000
"""Repositories in one response without ``n``: as many as one request to S3 returns. Without it, a
list of tags has all of them, as distribution's."""

CONNECTIONS = 4_000
"""Open connections of nginx; each holds a request that is served or waits."""

DISCONNECTED = "waitress.client_disconnected"
"""The key of the function that returns whether the client has gone:
https://docs.pylonsproject.org/projects/waitress/en/stable/#waitress-client-disconnected"""

LONGEST_NAME = 900
"""Characters of a repository's name: S3's keys have 1,024 at most."""

_NAME = re.compile(r"[a-z0-9]+([._/-]+[a-z0-9]+)*")

Start = Callable[[str, list[tuple[str, str]]], object]


class Refusal(Exception):
    """A response that is an error, with its body in the format of the registry."""

    def __init__(self, status: HTTPStatus, code: str, message: str, detail: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"code": code, "message": message, "detail": detail}]}


class Disconnected(Exception):
    """The client has gone: no one would read the names."""


@dataclass(frozen=True)
class _ForClient:
    """A client of S3 that sends no more requests when the client of nginx has gone."""

    s3: "S3Client"
    is_gone: Callable[[], bool]

    def list_objects_v2(self, **arguments: Any) -> Any:
        if self.is_gone():
            raise Disconnected
        return self.s3.list_objects_v2(**arguments)


@dataclass(frozen=True)
class Lists:
    """The service as a WSGI application.

    Requests have the headers ``X-Wharf-Route`` (``tags`` or ``catalog``), ``X-Wharf-Repository``
    and ``X-Wharf-Readable`` (:func:`wharf_proxy.listing.readable`), and the query of the client.

    Attributes:
        client: a client of S3.
        bucket: the bucket of the images.
    """

    client: "S3Client"
    bucket: str

    def __call__(self, environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Respond to one request."""
        body: Mapping[str, object]
        status, link = HTTPStatus.OK, ""
        try:
            body, link = self._respond(environment)
        except Disconnected:
            start("499 Client Closed Request", [("Content-Length", "0")])
            return []
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        # As Go's encoder writes JSON, and with the header of the registry's configuration file.
        content = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start(f"{status.value} {status.phrase}", headers + ([("Link", link)] if link else []))
        return [content]

    def _respond(self, environment: Mapping[str, Any]) -> tuple[dict[str, object], str]:
        query = parse_qs(environment["QUERY_STRING"], keep_blank_values=True)
        last, count = _position(query.get("last", [""])[0]), _count(query.get("n", [""])[0])
        client: Any = _ForClient(self.client, environment[DISCONNECTED])
        try:
            if environment["HTTP_X_WHARF_ROUTE"] == "catalog":
                return self._catalog(client, environment["HTTP_X_WHARF_READABLE"], last, count)
            return self._tags(client, environment["HTTP_X_WHARF_REPOSITORY"], last, count)
        except (BotoCoreError, ClientError) as error:
            report("list_failed", f"s3://{self.bucket}: {' '.join(str(error).split())}")
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", "the names cannot be listed now"
            ) from None

    def _catalog(
        self, client: "S3Client", grants: str, last: str, n: int | None
    ) -> tuple[dict[str, object], str]:
        count = CATALOG_DEFAULT if n is None else n
        names = listing.readable(client, self.bucket, grants, last, count + 1) if count else []
        return {"repositories": names[:count]}, _link("/v2/_catalog", names, count)

    def _tags(
        self, client: "S3Client", repository: str, last: str, n: int | None
    ) -> tuple[dict[str, object], str]:
        if len(repository) > LONGEST_NAME or not _NAME.fullmatch(repository):
            raise _unknown(repository)
        tags = listing.tags(client, self.bucket, repository)
        names = [] if n == 0 else tags.after(last, n if n is None else n + 1)
        if not names and not listing.repositories(client, self.bucket).exists(repository):
            raise _unknown(repository)
        return {"name": repository, "tags": names[:n]}, _link(
            f"/v2/{repository}/tags/list", names, n
        )


def _position(last: str) -> str:
    """Return a position in the order of names that is equal to ``last``, and that S3 accepts.

    Names are ASCII without spaces and ``~``, and have :data:`LONGEST_NAME` characters at most. A
    control character is before all of theirs, any character beyond ASCII is behind all of theirs.
    """
    start = re.split("[^!-~]", last, maxsplit=1)[0]
    end = "~" if last[len(start) :] > "~" else ""
    return f"{start}{end}"[:LONGEST_NAME]


def _count(text: str) -> int | None:
    """Return the number of names that a client requests, None if it does not say.

    Raises:
        Refusal: ``text`` is not a number.
    """
    if not text:
        return None
    if not re.fullmatch("[0-9]+", text):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "PAGINATION_NUMBER_INVALID",
            "invalid number of results requested",
            {"n": text},
        )
    # Python refuses to read a number of more than 4,300 digits.
    return min(int(text.lstrip("0")[:20] or "0"), MAXIMUM)


def _link(path: str, names: Sequence[str], count: int | None) -> str:
    """Return the address of the next page, empty if there are no more than ``count`` names."""
    if not count or len(names) <= count:
        return ""
    return f'<{path}?{urlencode({"last": names[count - 1], "n": count})}>; rel="next"'


def _unknown(repository: str) -> Refusal:
    return Refusal(
        HTTPStatus.NOT_FOUND,
        "NAME_UNKNOWN",
        "repository name not known to registry",
        {"name": repository},
    )


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, required=True, help="Folder of the socket.")
    directory: Path = arguments.parse_args().directory
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: sys.exit(0))
    os.nice(PRIORITY)
    settings = ProxySettings.from_environment(os.environ)
    bucket, region = settings.image_bucket, settings.region
    lists = Lists(connect(region, NETWORK), bucket)
    log.configure("service")
    # How many requests wait is no fault.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # Both run in one process, each with threads of its own: a slow list delays no layer.
    channels: dict[int, object] = {}
    waitress.create_server(
        signing.Signer(connect(region, signing.CONFIG), bucket),
        map=channels,
        unix_socket=str(directory / signing.SOCKET),
        unix_socket_perms="600",
        threads=signing.THREADS,
        connection_limit=CONNECTIONS,
    )
    waitress.create_server(
        lists,
        map=channels,
        unix_socket=str(directory / SOCKET),
        unix_socket_perms="600",
        threads=THREADS,
        connection_limit=CONNECTIONS,
        # Without it, waitress does not look whether a client has gone.
        channel_request_lookahead=1,
    ).run()


if __name__ == "__main__":
    main()
