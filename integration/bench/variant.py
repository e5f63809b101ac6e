"""A variant: a way to serve a registry, on two hosts behind a balancer of its own."""

import base64
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from python_on_whales import DockerClient

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.console.processes import cpu_seconds, family, memory_of
from integration.local.hosts.host import Host


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

    @property
    def deployment(self) -> Deployment:
        """The registry as clients reach it."""
        pair = base64.b64decode(self.authorization.removeprefix("Basic ")).decode()
        username, _, password = pair.partition(":")
        return Deployment(self.url, username, password, self.trust, names=self.names)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that its processes have used so far, by kind of process."""
        on_hosts = {
            container: [host.pid(container) for host in self.hosts] for container in self.containers
        }
        return {name: cpu_seconds(pids) for name, pids in {**on_hosts, **self.others}.items()}

    def renew_workers(self) -> None:
        """Reload nginx on each host, as after each renewal of its files."""
        for host in self.hosts:
            for child in psutil.Process(host.pid("nginx")).children():
                if child.name() == "nginx":
                    child.send_signal(signal.SIGHUP)

    def nginx_memory(self) -> float:
        """Return the megabytes of the nginx processes of all hosts, shared pages divided."""
        processes = family(host.pid("nginx") for host in self.hosts)
        return memory_of(each for each in processes if each.name() == "nginx") / MEGABYTE


def basic(login: str) -> str:
    """Return the header for ``user:password``."""
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def process(podman: DockerClient, container: str) -> int:
    """Return the first process of a container, as this machine knows it."""
    pid: int | None = podman.container.inspect(container).state.pid
    assert pid  # noqa: S101  (what is measured runs)
    return pid
