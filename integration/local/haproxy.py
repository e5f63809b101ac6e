"""A pod that runs HAProxy with one configuration file, reloaded without losing a connection."""

import socket
from pathlib import Path
from typing import Self

from python_on_whales import DockerClient

from integration.local.errors import LocalCloudError
from integration.local.machine import file_limit, ulimits
from integration.local.network import Network

#: Two sockets a connection, and some for checks, logs and listeners.
CONNECTIONS = max((file_limit() - 100) // 2, 100)

IMAGE = "localhost/wharf/haproxy"
CONFIGURATION = "haproxy.cfg"


class HaProxy:
    """HAProxy at an address of its own.

    Args:
        podman: the container engine.
        network: the network that it joins.
        name: of the pod; the container's has ``-haproxy`` after it.
        address: the pod's.
        directory: what the container sees as ``/etc/haproxy``; its log and statistics socket go
            there, too.
    """

    def __init__(
        self, podman: DockerClient, network: Network, name: str, address: str, directory: Path
    ) -> None:
        self._podman = podman
        self._network = network
        self.name = name
        self.address = address
        self.directory = directory
        self.log = directory / "haproxy.log"

    @classmethod
    def named(
        cls, podman: DockerClient, network: Network, name: str, number: int, logs: Path
    ) -> Self:
        """HAProxy under a name in the cloud, at the address with a number, its files in logs."""
        return cls(podman, network, f"{network.cloud}-{name}", network.address(number), logs / name)

    @property
    def gateway(self) -> str:
        """The address of this machine on the network, from where clients come."""
        return self._network.gateway

    @property
    def statistics(self) -> Path:
        """The socket that answers HTTP requests for statistics."""
        return self.directory / "run" / "statistics.sock"

    def command(self, text: str) -> None:
        """Tell the HAProxy that runs to change; it forgets that when it gets a new configuration.

        https://docs.haproxy.org/2.6/management.html#9.3

        Raises:
            LocalCloudError: it says anything but that it has done so.
        """
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(5)
            admin.connect(str(self.directory / "run" / "admin.sock"))
            admin.sendall(f"{text}\n".encode())
            said = admin.makefile().read().strip()
        if said:
            raise LocalCloudError(f"HAProxy {self.name} does not do {text!r}: {said}")

    def configure(self, text: str) -> None:
        """Start HAProxy with the configuration, or reload it where it changed."""
        file = self.directory / CONFIGURATION
        running = self._network.has_pod(self.name)
        changed = not file.exists() or file.read_text() != text
        if not running:
            self._start(file, text)
        elif changed:
            file.write_text(text)
            self._podman.container.kill(f"{self.name}-haproxy", signal="USR2")

    def _start(self, file: Path, text: str) -> None:
        (self.directory / "run").mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self._network.create_pod(self.name, self.address)
        self._podman.container.run(
            IMAGE,
            # A master process, which SIGUSR2 tells to start workers with the new file.
            ["haproxy", "-W", "-db", "-f", f"/etc/haproxy/{CONFIGURATION}"],
            name=f"{self.name}-haproxy",
            pod=self.name,
            detach=True,
            ulimit=ulimits(),
            log_driver="k8s-file",
            log_options=[f"path={self.log}"],
            volumes=[
                (self.directory, "/etc/haproxy", "ro"),
                (self.directory / "run", "/run/haproxy"),
            ],
        )
