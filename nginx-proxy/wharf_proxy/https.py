"""One GET request over TLS, with limits of time and size, and without redirects."""

import os
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

TRUST = "/etc/ssl/certs/ca-certificates.crt"
"""The authorities of Debian, unless AWS_CA_BUNDLE names others: boto3 reads the same variable."""

PATIENCE = 3.0
"""Seconds to connect, and between two pieces of a response."""

DEADLINE = 6.0
"""Seconds for all of it. nginx waits 10 s for the service that verifies identities."""

LARGEST = 256 * 1024
"""Bytes of a body. GitHub's keys have 6 kB, the largest known sets 100 kB."""

_PIECE = 16_384


class FetchError(Exception):
    """No response in time, or one that is too large. The text names the host, and no query."""


def get(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Return status and body of the response to a GET request.

    Args:
        url: ``https://HOST[:PORT]/PATH[?QUERY]``.
        headers: of the request.

    Raises:
        FetchError: there is no such response.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise FetchError(f"{parts.hostname}: only https URLs are fetched")
    trust = _trust(os.environ.get("AWS_CA_BUNDLE") or TRUST)
    connection = HTTPSConnection(parts.hostname, parts.port, timeout=PATIENCE, context=trust)
    # A limit for the whole: each byte of a slow server would begin PATIENCE anew.
    watch = Timer(DEADLINE, _cut, [connection])
    watch.daemon = True
    watch.start()
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("GET", target, headers={"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        return response.status, _body(response, time.monotonic() + DEADLINE)
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{parts.hostname}: {type(error).__name__}: {error}") from None
    finally:
        watch.cancel()
        connection.close()


@lru_cache
def _trust(file: str) -> ssl.SSLContext:
    """Read the authorities once: that takes longer than all the rest of a login."""
    return ssl.create_default_context(cafile=file)


def _body(response: HTTPResponse, deadline: float) -> bytes:
    body = b""
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > LARGEST or time.monotonic() > deadline:
            raise ValueError(f"more than {LARGEST} bytes, or {DEADLINE:.0f} s")
    if response.length:
        raise ValueError("the response breaks off")
    return body


def _cut(connection: HTTPSConnection) -> None:
    with suppress(OSError, AttributeError):  # it is closed, or not connected yet
        connection.sock.shutdown(socket.SHUT_RDWR)
