"""What is measured: some way to serve a registry, on two hosts behind a balancer of its own."""

import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from python_on_whales import DockerClient

from integration.local.host import Host

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Variant:
    """A way to serve the registry's blobs.

    Attributes:
        name: as the results call it.
        url: of its load balancer.
        trust: the certificates that a client has to trust, a PEM file.
        authorization: the header that clients send.
        hosts: the hosts behind the balancer.
        containers: what runs on each of them.
        others: processes that work for it elsewhere, by what they are.
        names: names and addresses that a client has to know.
    """

    name: str
    url: str
    trust: Path
    authorization: str = field(repr=False)
    hosts: Sequence[Host]
    containers: Sequence[str]
    others: Mapping[str, Sequence[int]] = field(default_factory=dict)
    names: Sequence[tuple[str, str]] = ()

    def cpu(self) -> dict[str, float]:
        """CPU seconds that its processes have used so far, by what they are."""
        on_hosts = {
            container: [host.pid(container) for host in self.hosts] for container in self.containers
        }
        return {name: cpu_seconds(pids) for name, pids in {**on_hosts, **self.others}.items()}

    def renew_workers(self) -> None:
        """Let nginx go on with new workers, as after each renewal of its files."""
        for host in self.hosts:
            for child in psutil.Process(host.pid("nginx")).children():
                if child.name() == "nginx":
                    child.send_signal(signal.SIGHUP)

    def nginx_memory(self) -> float:
        """Megabytes of the nginx processes of all hosts; of shared pages each its part."""
        pids = [host.pid("nginx") for host in self.hosts]
        return (
            sum(one.memory_full_info().pss for one in _family(pids) if one.name() == "nginx")
            / MEGABYTE
        )


def process(podman: DockerClient, container: str) -> int:
    """The first process of a container, as this machine knows it."""
    pid: int | None = podman.container.inspect(container).state.pid
    assert pid  # noqa: S101  (what is measured runs)
    return pid


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU seconds that processes and all below them have used so far."""
    times = [one.cpu_times() for one in _family(pids)]
    return float(sum(time.user + time.system for time in times))


def _family(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and all below them."""
    roots = [psutil.Process(pid) for pid in pids]
    return roots + [child for root in roots for child in root.children(recursive=True)]
