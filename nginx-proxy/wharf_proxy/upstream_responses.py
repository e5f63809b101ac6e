"""What an upstream sends: its failures, and the bodies of its responses."""

import json
import re
import time
from typing import Any

import urllib3

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""The types of manifests that the registry serves."""

PAUSE = 10.0
"""Seconds without requests after the upstream was not reached, or had too many requests without
saying for how long."""

PATIENCE, SLOWEST = 60.0, 50_000
"""Seconds that a body may take, and the bytes that each further second must bring."""

_UNUSUAL = re.compile(r"[^!-~]+")


class Absent(Exception):
    """The upstream does not have what was requested."""


class Failed(Exception):
    """The upstream cannot be used now. The text has no part of a login, of a token or a query.

    Attributes:
        seconds: after which another request may do better.
        limited: whether the upstream said that it had too many requests.
    """

    def __init__(self, why: str, *, seconds: float = PAUSE, limited: bool = False) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.limited = limited


class Refused(Failed):
    """The upstream works, but does not serve this: Docker Hub says so of an absent repository."""


class Body:
    """The bytes of a response. A sender that is too slow fails, so that it holds nobody up.

    Args:
        response: of urllib3, not read yet.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._start = time.monotonic()
        self._size = 0

    def read(self, size: int) -> bytes:
        """Return as many bytes, fewer at the end only.

        Raises:
            Failed: the response broke off, or is too slow.
        """
        pieces: list[bytes] = []
        left = size
        while left > 0 and (piece := self._piece(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        try:
            piece = bytes(self._response.read1(size, decode_content=False))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Failed(f"a response broke off: {type(error).__name__}") from None
        self._size += len(piece)
        if time.monotonic() - self._start > PATIENCE + self._size / SLOWEST:
            raise Failed(f"a response brings less than {SLOWEST} bytes in a second")
        return piece


def whole(response: Any, largest: int) -> bytes:
    """Return the body of a response, and close it.

    Raises:
        Failed: it broke off, is too slow, or has more bytes than ``largest``.
    """
    try:
        content = Body(response).read(largest + 1)
    finally:
        response.close()
    if len(content) > largest:
        raise Failed(f"a response of more than {largest} bytes")
    return content


def check_manifest(content: bytes, kind: str) -> None:
    """Check that the registry can serve a manifest.

    Args:
        content: the manifest.
        kind: its type, as the header of the response says.

    Raises:
        Refused: it has a type that the registry does not serve, such as schema 1.
        Failed: it is no manifest, such as the page of a portal.
    """
    if kind not in MANIFESTS:
        plain = _UNUSUAL.sub(" ", kind)[:80]
        raise Refused(f"a manifest of type {plain!r}, which this registry does not serve")
    try:
        manifest = json.loads(content)
        right = manifest["schemaVersion"] == 2 and manifest.get("mediaType", kind) == kind
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        right = False
    if not right:
        raise Failed(f"a response of type {kind} that is no such manifest")
