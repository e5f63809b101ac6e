"""Samples of the hosts under load: traffic, memory, open files, disk; and requests to S3."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from integration.console.processes import family, memory_of
from integration.load.run_results import HostSample
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host

METRICS_PORT = 9113
CONTAINERS = ("nginx", "registry")
#: Where nginx keeps layers.
CACHE = "var/cache/wharf"


class Watch(Protocol):
    """A source of samples."""

    def look(self) -> list[HostSample]:
        """Return a sample of each host that responds."""

    def s3_requests(self, since: float) -> dict[str, int] | None:
        """Return the requests to S3 since a timestamp by kind; None where they are not counted."""


class LiveWatch:
    """Hosts of a live registry, as far as their metrics show them.

    Args:
        urls: of each host's metrics, ``http://10.0.1.5:9113``.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls

    def look(self) -> list[HostSample]:
        """Return samples of the traffic: the metrics have neither memory nor open files."""
        found = []
        for url in self._urls:
            with suppress(httpx.HTTPError):
                text = httpx.get(f"{url.rstrip('/')}/metrics", timeout=5).raise_for_status().text
                found.append(sample(url, text))
        return found

    def s3_requests(self, since: float) -> dict[str, int] | None:  # noqa: ARG002
        """Return None: S3 counts requests only for a price of its own."""
        return None


class LocalWatch:
    """Hosts of a local cloud.

    Args:
        cloud: a cloud that is up.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._s3_log = cloud.endpoints.s3_log.from_now()

    def look(self) -> list[HostSample]:
        """Return complete samples, without hosts that end meanwhile."""
        found = []
        for host in self._cloud.hosts:
            gone = (LocalCloudError, httpx.HTTPError, psutil.NoSuchProcess, FileNotFoundError)
            with suppress(*gone):
                found.append(self._look_at(host))
        return found

    def _look_at(self, host: Host) -> HostSample:
        pids = [host.pid(name) for name in CONTAINERS]
        with self._cloud.network.inside(host.pod):
            text = httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=5).text
        processes = family(pids)
        files = 0
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                files += process.num_fds()
        return sample(host.id, text).model_copy(
            update={
                "memory_bytes": memory_of(processes),
                "open_files": files,
                "disk_bytes": size_of(Path(f"/proc/{pids[0]}/root/{CACHE}")),
            }
        )

    def s3_requests(self, since: float) -> dict[str, int] | None:
        """Return the requests that the TLS front of S3 has logged."""
        return dict(self._s3_log.count(since))


def sample(host: str, text: str) -> HostSample:
    """Return a sample from metrics in Prometheus' format."""
    sums: Counter[str] = Counter()
    for metrics in text_string_to_metric_families(text):
        for metric in metrics.samples:
            sums[metric.name] += metric.value  # type: ignore[assignment]
    return HostSample(
        time=time.time(),
        host=host,
        sent_bytes=sums["wharf_sent_bytes_total"],
        requests=sums["wharf_requests_total"],
    )


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder, without files that are deleted meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).lstat().st_size
    return total
