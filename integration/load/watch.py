"""What the hosts show while clients use them: traffic, memory, open files, disk, requests to S3."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from integration.load.results import HostSample
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.host import Host

METRICS_PORT = 9113
CONTAINERS = ("nginx", "registry")
#: Where nginx keeps layers.
CACHE = "var/cache/wharf"
#: A request in HAProxy's log whose path is one of the registry's keys; podman says when it ended.
S3_REQUEST = re.compile(r'^(\S+) .*"([A-Z]+) (\S*docker\S*) HTTP')


class Watch(Protocol):
    """Looks at the hosts."""

    def look(self) -> list[HostSample]:
        """How they are now; those that do not answer are left out."""

    def s3_requests(self, since: float) -> dict[str, int] | None:
        """Requests to S3 since a time by method; None where nobody counts them."""


class LiveWatch:
    """Hosts of a live registry, as far as their metrics tell.

    Args:
        urls: of each host's metrics, ``http://10.0.1.5:9113``.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls

    def look(self) -> list[HostSample]:
        """Traffic only: metrics tell neither memory nor open files."""
        found = []
        for url in self._urls:
            with suppress(httpx.HTTPError):
                text = httpx.get(f"{url.rstrip('/')}/metrics", timeout=5).raise_for_status().text
                found.append(sample(url, text))
        return found

    def s3_requests(self, since: float) -> dict[str, int] | None:  # noqa: ARG002
        """Unknown: S3 counts them at a price of its own."""
        return None


class LocalWatch:
    """Hosts of a local cloud.

    Args:
        cloud: one that stands.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._log = cloud.logs / "endpoints" / "haproxy.log"
        self._begin = self._log.stat().st_size

    def look(self) -> list[HostSample]:
        """Everything; a host that ends meanwhile is left out."""
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
        processes = [one for pid in pids for one in family(pid)]
        memory = files = 0
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                # What processes share, such as nginx's sessions and counts, is there once.
                memory += process.memory_full_info().pss
                files += process.num_fds()
        return sample(host.id, text).model_copy(
            update={
                "memory_bytes": memory,
                "open_files": files,
                "disk_bytes": size_of(Path(f"/proc/{pids[0]}/root/{CACHE}")),
            }
        )

    def s3_requests(self, since: float) -> dict[str, int] | None:
        """What the TLS front of S3 has logged."""
        with self._log.open(errors="replace") as log:
            log.seek(self._begin)
            return count_s3(log, since)


def sample(host: str, text: str) -> HostSample:
    """What metrics in Prometheus' format tell of a host."""
    sums: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            sums[one.name] += one.value  # type: ignore[assignment]
    return HostSample(
        time=time.time(),
        host=host,
        sent_bytes=sums["wharf_sent_bytes_total"],
        requests=sums["wharf_requests_total"],
    )


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder; those that go meanwhile are left out."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).lstat().st_size
    return total


def count_s3(lines: Iterable[str], since: float) -> dict[str, int]:
    """Requests to S3 since a time, by what their price goes by: the method, or LIST."""
    found: Counter[str] = Counter()
    for line in lines:
        if request := S3_REQUEST.match(line):
            ended, method, path = request.groups()
            if datetime.fromisoformat(ended).timestamp() < since:
                continue
            lists = method == "GET" and ("prefix=" in path or "list-type" in path)
            found["LIST" if lists else method] += 1
    return dict(found)
