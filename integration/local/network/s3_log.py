"""The requests for the registry's objects that the TLS front of S3 has logged."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: A line of HAProxy's log: podman writes the timestamp of its end, HAProxy the rest.
#: https://docs.haproxy.org/2.6/configuration.html#8.2.3
_LINE = re.compile(
    r"^(\S+) \S+ \S+ ([\d.]+):\d+ \[([^]]+)\] \S+ \S+ \S+/([-\d]+) [-\d]+ (\d+) "
    r'.*"([A-Z]+) (\S*(?:docker|\?delete)\S*) HTTP'
)
_BEGIN = "%d/%b/%Y:%H:%M:%S.%f"
#: Milliseconds that a request may begin before the end of the one that it waited for, by rounding.
ROUNDING = 5


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        ended: timestamp of the log line.
        begin, end: milliseconds, by the clock of HAProxy.
        client: address of the client.
        method: of HTTP.
        path: with the query.
        bytes: sent to the client, headers included.
    """

    ended: float
    begin: float
    end: float
    client: str
    method: str
    path: str
    bytes: int


def steps(requests: Iterable[Request]) -> int:
    """Return the largest number of requests of which each began after the end of the one before."""
    found, free = 0, 0.0
    for request in sorted(requests, key=lambda request: request.end):
        if request.begin >= free - ROUNDING:
            found, free = found + 1, request.end
    return found


class S3Log:
    """The log of the TLS front.

    Args:
        file: the log of HAProxy.
        begin: its first byte that counts.
    """

    def __init__(self, file: Path, begin: int = 0) -> None:
        self._file = file
        self._begin = begin

    def from_now(self) -> "S3Log":
        """Return the same log without the requests so far."""
        return S3Log(self._file, self._file.stat().st_size)

    def count(self, since: float = 0) -> Counter[str]:
        """Return the number of requests that ended since a timestamp, by method or as ``LIST``.

        S3 has a price of its own for lists, and none for deletions of several objects.
        """
        return Counter(
            # Only a list names keys in its query.
            "LIST" if request.method == "GET" and "prefix=" in request.path else request.method
            for request in self
            if request.ended >= since and "?delete" not in request.path
        )

    def requests(self, address: str) -> list[str]:
        """Return the requests of a host, each as method and path."""
        return [f"{request.method} {request.path}" for request in self if request.client == address]

    def reads(self, address: str, key: str) -> int:
        """Return how often a host has read an object, by the end of the object's key."""
        return sum(
            request.partition("?")[0].endswith(key)
            for request in self.requests(address)
            if request.startswith("GET ")
        )

    def __iter__(self) -> Iterator[Request]:
        """Yield each request, in the order of their ends."""
        with self._file.open(errors="replace") as log:
            log.seek(self._begin)
            for match in filter(None, map(_LINE.match, log)):
                ended, client, begin, lasted, size, method, path = match.groups()
                start = datetime.strptime(begin, _BEGIN).timestamp() * 1000
                yield Request(
                    datetime.fromisoformat(ended).timestamp(),
                    start,
                    start + int(lasted),
                    client,
                    method,
                    path,
                    int(size),
                )
