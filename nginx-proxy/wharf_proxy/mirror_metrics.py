"""Metrics of the registries that are mirrored, in a file that nginx adds to its own /metrics."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, write_to_textfile

from wharf_proxy.upstream import Response

METRICS = "mirrors.prom"
"""In the folder of the proxy; nginx adds it to its own metrics."""


class MirrorMetrics:
    """The metrics of the upstreams.

    Args:
        directory: the proxy's own.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / METRICS
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "wharf_mirror_upstream_requests_total",
            "Requests to the registries that are mirrored; status 0 without a response.",
            ["mirror", "kind", "status"],
            registry=self._registry,
        )
        self._bytes = Counter(
            "wharf_mirror_fetched_bytes_total",
            "Bytes of layers that were fetched.",
            ["mirror"],
            registry=self._registry,
        )
        self._remaining = Gauge(
            "wharf_mirror_upstream_remaining",
            "Pulls that the upstream still allows, as it has said last.",
            ["mirror"],
            registry=self._registry,
        )

    def count(self, mirror: str, response: Response) -> None:
        """Count a request to an upstream."""
        self._requests.labels(mirror, response.kind, response.status).inc()
        if response.remaining is not None:
            self._remaining.labels(mirror).set(int(response.remaining))

    def add(self, mirror: str, size: int) -> None:
        """Count the bytes of a layer."""
        self._bytes.labels(mirror).inc(size)

    def write(self) -> None:
        """Write the file with the current values."""
        write_to_textfile(str(self._file), self._registry)
