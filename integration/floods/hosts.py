"""Measurements on the hosts of a local cloud: memory, logs, series of the metrics, cache."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from integration.clients.image_builder import MEGABYTE
from integration.console.processes import family, memory_of
from integration.floods.flood_results import Container, HostFigures
from integration.load.watch import CACHE, CONTAINERS, METRICS_PORT, size_of
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host
from integration.local.network.network import Network

#: Seconds between two looks at the memory.
PAUSE = 1


@dataclass(frozen=True)
class Look:
    """A host at a time; memory in MB, the sizes of its logs in lines and bytes."""

    memory: Mapping[str, float]
    logs: Mapping[str, tuple[int, int]]
    series: frozenset[str]
    cached: int


class Watch:
    """Looks at the hosts before, during and after a flood.

    Args:
        cloud: whose hosts these are; None where there is no local cloud.

    Usage:

        watch = Watch(cloud)
        with watch.peak():
            ...
        watch.figures(30, recover)
    """

    def __init__(self, cloud: LocalCloud | None) -> None:
        self._hosts = [(host, cloud.network) for host in cloud.hosts] if cloud else []
        self._before = [look(host, network) for host, network in self._hosts]
        self._peak = [dict(host.memory) for host in self._before]

    @contextmanager
    def peak(self) -> Iterator[None]:
        """Look at the memory each second meanwhile."""
        over = Event()
        thread = Thread(target=self._follow, args=[over], daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _follow(self, over: Event) -> None:
        while not over.wait(PAUSE):
            for (host, _), peak in zip(self._hosts, self._peak, strict=True):
                # A flood may end a container.
                with suppress(LocalCloudError, psutil.NoSuchProcess):
                    for name, size in memory(host).items():
                        peak[name] = max(peak[name], size)

    def figures(self, settle: float, recover: Callable[[], None]) -> list[HostFigures]:
        """Wait ``settle`` seconds; return what has become of each host.

        Args:
            settle: seconds.
            recover: starts containers that have ended, as ECS does.
        """
        time.sleep(settle)
        ended = [[name for name in CONTAINERS if not host.runs(name)] for host, _ in self._hosts]
        if any(ended):
            recover()
        return [
            compare(before, peak, look(host, network), gone)
            for (host, network), before, peak, gone in zip(
                self._hosts, self._before, self._peak, ended, strict=True
            )
        ]


def look(host: Host, network: Network) -> Look:
    """Return what a host shows now."""
    with network.inside(host.pod):
        metrics = httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=10).text
    return Look(
        memory=memory(host),
        logs={name: size(host.log(name)) for name in CONTAINERS},
        series=series(metrics),
        cached=size_of(Path(f"/proc/{host.pid(CONTAINERS[0])}/root/{CACHE}")),
    )


def compare(
    before: Look, peak: Mapping[str, float], after: Look, ended: Sequence[str]
) -> HostFigures:
    """Return the figures of a host from what it showed before and after."""
    return HostFigures(
        ended=ended,
        containers={
            name: Container(
                before_mb=round(before.memory[name], 1),
                peak_mb=round(max(peak[name], after.memory[name]), 1),
                after_mb=round(after.memory[name], 1),
                log_lines=after.logs[name][0] - before.logs[name][0],
                log_bytes=after.logs[name][1] - before.logs[name][1],
            )
            for name in before.memory
        },
        cached_bytes=after.cached - before.cached,
        series=(len(before.series), len(after.series)),
        lost_series=len(before.series - after.series),
    )


def memory(host: Host) -> dict[str, float]:
    """Return the memory of each container in MB; of shared pages each process has its part."""
    return {name: memory_of(family([host.pid(name)])) / MEGABYTE for name in CONTAINERS}


def size(log: Path) -> tuple[int, int]:
    """Return the lines and bytes of a log."""
    lines = length = 0
    with log.open("rb") as file:
        while piece := file.read(1 << 20):
            lines, length = lines + piece.count(b"\n"), length + len(piece)
    return lines, length


def series(metrics: str) -> frozenset[str]:
    """Return the series of metrics in Prometheus' format: name and labels of each."""
    return frozenset(
        f"{sample.name}{sorted(sample.labels.items())}"
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    )
