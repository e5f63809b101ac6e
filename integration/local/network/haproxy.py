"""A pod that runs HAProxy with one configuration file, reloaded without losing a connection."""

import hashlib
import socket
from pathlib import Path
from typing import Self

from python_on_whales import DockerClient

from integration.console.waiting import wait_until
from integration.local.errors import LocalCloudError
from integration.local.machine import file_limit, ulimits
from integration.local.network.network import Network

#: Two sockets a connection, and some for checks, logs and listeners.
CONNECTIONS = max((file_limit() - 100) // 2, 100)

IMAGE = "localhost/wharf/haproxy"
CONFIGURATION = "haproxy.cfg"
#: Seconds until a new configuration is in force, on a busy machine.
IN_FORCE = 60
#: Signals to reload within that time.
TRIES = 4


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
        """Return the HAProxy with a name, at the address with a number; its files are in logs."""
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
        """Send a command to the running HAProxy; a new configuration undoes the command.

        https://docs.haproxy.org/2.6/management.html#9.3

        Raises:
            LocalCloudError: it says anything but that it has done so.
        """
        said = self._ask(text)
        if said:
            raise LocalCloudError(f"HAProxy {self.name} does not do {text!r}: {said}")

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(5)
            admin.connect(str(self.directory / "run" / "admin.sock"))
            admin.sendall(f"{command}\n".encode())
            return admin.makefile().read().strip()

    def configure(self, text: str) -> None:
        """Start HAProxy with the configuration, or reload it where it changed.

        It is in force when this returns: a host that took the address of one that has ended would
        get the identity of that one from the configuration before.

        Raises:
            LocalCloudError: it is not in force after ``IN_FORCE`` seconds.
        """
        revision = hashlib.sha256(text.encode()).hexdigest()
        text = f"global\n  node {revision}\n\n{text}"
        file = self.directory / CONFIGURATION
        if not self._network.has_pod(self.name):
            self._start(file, text)
            self._await(revision, IN_FORCE)
        elif not file.exists() or file.read_text() != text:
            file.write_text(text)
            self._reload(revision)

    def _reload(self, revision: str) -> None:
        for tries_left in range(TRIES - 1, -1, -1):
            self._podman.container.kill(f"{self.name}-haproxy", signal="USR2")
            try:
                self._await(revision, IN_FORCE / TRIES)
            except LocalCloudError:
                # HAProxy 3.0 was seen to miss a signal.
                if not tries_left:
                    raise
            else:
                return

    def _await(self, revision: str, seconds: float) -> None:
        try:
            wait_until(
                f"the new configuration of {self.name} to be in force (log: {self.log})",
                self._revision,
                revision,
                seconds,
            )
        except AssertionError as error:
            raise LocalCloudError(str(error)) from None

    def _revision(self) -> str:
        try:
            rows = self._ask("show info").splitlines()
        except OSError:  # between two processes
            return ""
        return next((row.removeprefix("node: ") for row in rows if row.startswith("node:")), "")

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
