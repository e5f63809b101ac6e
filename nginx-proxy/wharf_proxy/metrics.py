"""Metrics beside those of nginx, in a file that nginx adds to its own /metrics."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, write_to_textfile

FILE = "metrics.prom"


class Metrics:
    """The metrics; ``write`` publishes them.

    Args:
        directory: the proxy's own, where nginx looks for the file.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE
        self._registry = CollectorRegistry()
        self.certificate_expiry = self._gauge(
            "wharf_certificate_expiry_timestamp_seconds", "When the certificate expires."
        )
        self.last_check = self._gauge(
            "wharf_configuration_check_timestamp_seconds",
            "When the configuration bucket was last looked at with success.",
        )
        self.refused = self._gauge(
            "wharf_configuration_refused", "1 while what is in the bucket cannot be used."
        )
        self.cache_free = self._gauge("wharf_cache_free_bytes", "Bytes free on the cache's disk.")
        self.renewals = Counter(
            "wharf_configuration_renewals_total",
            "How often changed files came into force.",
            registry=self._registry,
        )
        self.refusals = Counter(
            "wharf_configuration_refusals_total",
            "How often changed files were refused.",
            registry=self._registry,
        )

    def _gauge(self, name: str, help: str) -> Gauge:
        return Gauge(name, help, registry=self._registry)

    def write(self) -> None:
        """Write the file with the current values.

        Raises:
            OSError: the directory cannot be written to.
        """
        write_to_textfile(str(self._file), self._registry)
