"""The private network of a local cloud, and the pods on it: each has an address of its own."""

import ipaddress
import json
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from pyroute2 import netns
from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException, NoSuchContainer

from integration.local.errors import LocalCloudError

LABEL = "wharf.cloud"
POD = "wharf.pod"


class Network:
    """A bridge that podman makes; every pod on it carries the cloud's name as a label.

    The bridge, and with it the address of this machine on it, exists only while a container is
    attached.
    """

    def __init__(self, podman: DockerClient, cloud: str) -> None:
        self._podman = podman
        self.cloud = cloud

    @property
    def exists(self) -> bool:
        """Return whether podman knows the network."""
        return bool(self._podman.network.exists(self.cloud))

    def create(self) -> None:
        """Make the network, on addresses that nothing here uses."""
        self._podman.network.create(self.cloud, labels={LABEL: self.cloud})

    @cached_property
    def _described(self) -> dict[str, Any]:
        # python-on-whales reads Docker's form of the answer, which podman's is not.
        described: dict[str, Any] = _podman("network", "inspect", self.cloud)[0]
        return described

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """The addresses of the network."""
        return ipaddress.IPv4Network(self._described["subnets"][0]["subnet"])

    @property
    def gateway(self) -> str:
        """The address of this machine on the network."""
        return str(self.subnet[1])

    @property
    def bridge_address(self) -> str:
        """The MAC under which containers find this machine."""
        bridge = str(self._described["network_interface"])
        return Path("/sys/class/net", bridge, "address").read_text().strip()

    def address(self, number: int) -> str:
        """Return the address with this number, from 2; 1 is the gateway's."""
        return str(self.subnet[number])

    def create_pod(
        self,
        name: str,
        address: str,
        names: Sequence[tuple[str, str]] = (),
        labels: dict[str, str] | None = None,
    ) -> None:
        """Make a pod at an address, with further ``names`` (name, address) for its hosts file."""
        self._podman.pod.create(
            name,
            infra_name=_infra(name),
            networks=[self.cloud],
            ip=address,
            mac_address=_mac(address),
            add_hosts=list(names),
            labels={LABEL: self.cloud, **(labels or {})},
        )
        self._podman.pod.start(name)
        self._keep_bridge_address()

    def _keep_bridge_address(self) -> None:
        """Give the bridge a MAC of its own: by itself it takes the lowest of those attached.

        That changes as hosts come and go, and this machine with the emulator was then seen to be
        out of the containers' reach for 40 s.
        """
        bridge = self._described["network_interface"]
        subprocess.run(
            ["ip", "link", "set", "dev", bridge, "address", _mac(self.gateway)], check=True
        )

    def volume(self, pod: str, name: str) -> str:
        """Return the volume of a pod with this name; make it at first use, for the pod's life."""
        volume = f"{pod}-{name}"
        if not self._podman.volume.exists(volume):
            self._podman.volume.create(volume, labels={POD: pod})
        return volume

    def pods(self) -> dict[str, dict[str, str]]:
        """Return the names of the cloud's pods with their labels."""
        # python-on-whales would inspect each pod for these.
        pods = _podman("pod", "ps", "--filter", f"label={LABEL}={self.cloud}", "--format", "json")
        return {pod["Name"]: pod["Labels"] or {} for pod in pods}

    def has_pod(self, name: str) -> bool:
        """Return whether the pod exists."""
        done = subprocess.run(["podman", "pod", "exists", name], capture_output=True, check=False)
        return done.returncode == 0

    def pid(self, pod: str) -> int:
        """Return a process in the pod's network namespace."""
        pid: int | None = None
        with suppress(NoSuchContainer):  # its host may be ending
            pid = self._podman.container.inspect(_infra(pod)).state.pid
        if not pid:
            raise LocalCloudError(f"Pod {pod} does not run; take the cloud down and up again")
        return pid

    def reaches(self, address: str, port: int, pod: str | None = None) -> bool:
        """Return whether a TCP connection to an address opens, from a pod or this machine."""
        try:
            with self.inside(pod) if pod else nullcontext():
                socket.create_connection((address, port), timeout=1).close()
        except OSError:
            return False
        return True

    def connections(self, pod: str, ports: Iterable[int]) -> int:
        """Return the number of TCP connections to the ports of a pod; 0 if the pod is absent."""
        wanted = " or ".join(f"sport = :{port}" for port in ports)
        # A host that never ran a task has no ports.
        if not wanted:
            return 0
        command = ["ss", "--no-header", "--tcp", "--numeric", "state", "established"]
        try:
            with self.inside(pod):
                listed = subprocess.check_output([*command, f"( {wanted} )"], text=True)
        except LocalCloudError:
            if self.has_pod(pod):
                raise
            return 0
        return len(listed.splitlines())

    @contextmanager
    def inside(self, pod: str) -> Iterator[None]:
        """Enter a pod's network: sockets that this thread makes have its loopback and firewall."""
        netns.pushns(f"/proc/{self.pid(pod)}/ns/net")
        try:
            yield
        finally:
            netns.popns()

    def remove_pod(self, name: str) -> None:
        """Kill a pod at once, as a host dies, and remove it; a pod that is gone is no error."""
        if not self.has_pod(name):
            return
        with suppress(DockerException):  # nothing in it runs any more
            self._podman.pod.kill(name)
        self._podman.pod.remove(name, force=True)
        for volume in self._podman.volume.list(filters=[("label", f"{POD}={name}")]):
            self._podman.volume.remove(volume)

    def remove(self) -> None:
        """Remove all pods and the network."""
        for pod in self.pods():
            self.remove_pod(pod)
        if self.exists:
            self._podman.network.remove(self.cloud)


def _infra(pod: str) -> str:
    """Return podman's name of the container that holds a pod's network namespace."""
    return f"infra-{pod}"


def described_pod(name: str) -> dict[str, Any]:
    """Return what podman knows about a pod.

    python-on-whales 0.81 reads podman 4 only, which returns an object; podman 5 returns a list.

    Raises:
        CalledProcessError: the pod does not exist.
    """
    described: Any = _podman("pod", "inspect", name)
    return dict(described[0] if isinstance(described, list) else described)


def container_states(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the states of containers in the order of their names, by one call of podman.

    Raises:
        CalledProcessError: a container does not exist.
    """
    return [container["State"] for container in _podman("container", "inspect", *names)]


def _podman(*arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _mac(address: str) -> str:
    """Return the MAC of an address on the network, always the same one.

    An address that comes back under another one is unreachable until its neighbours' ARP entries
    expire.
    """
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
