"""The private network of a local cloud, and the pods on it: each has an address of its own."""

import ipaddress
import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from integration.local.errors import LocalCloudError

LABEL = "wharf.cloud"


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
        """Whether podman knows the network."""
        return bool(self._podman.network.exists(self.cloud))

    def create(self) -> None:
        """Make the network, on addresses that nothing here uses."""
        self._podman.network.create(self.cloud, labels={LABEL: self.cloud})

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """The addresses of the network."""
        # python-on-whales reads Docker's form of the answer, which podman's is not.
        answer = subprocess.run(
            ["podman", "network", "inspect", self.cloud], capture_output=True, text=True, check=True
        )
        return ipaddress.IPv4Network(json.loads(answer.stdout)[0]["subnets"][0]["subnet"])

    @property
    def gateway(self) -> str:
        """The address of this machine on the network."""
        return str(self.subnet[1])

    def address(self, number: int) -> str:
        """The address with this number, from 2; 1 is the gateway's."""
        return str(self.subnet[number])

    def create_pod(
        self,
        name: str,
        address: str,
        names: Sequence[tuple[str, str]] = (),
        labels: dict[str, str] | None = None,
    ) -> None:
        """Make a pod at an address, with further ``names`` (name, address) for its hosts file."""
        # An address that comes back under another MAC is unreachable until the neighbours'
        # ARP entries expire.
        mac = "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
        self._podman.pod.create(
            name,
            networks=[self.cloud],
            ip=address,
            mac_address=mac,
            add_hosts=list(names),
            labels={LABEL: self.cloud, **(labels or {})},
        )
        self._podman.pod.start(name)

    def pods(self) -> dict[str, dict[str, str]]:
        """The names of the cloud's pods with their labels."""
        pods = self._podman.pod.list(filters=[("label", f"{LABEL}={self.cloud}")])
        return {pod.name: dict(pod.labels or {}) for pod in pods}

    def has_pod(self, name: str) -> bool:
        """Whether the pod exists."""
        return bool(self._podman.pod.exists(name))

    def pid(self, pod: str) -> int:
        """A process in the pod's network namespace."""
        infra = self._podman.pod.inspect(pod).infra_container_id
        pid = self._podman.container.inspect(infra).state.pid if infra else None
        if not pid:
            raise LocalCloudError(f"Pod {pod} does not run; take the cloud down and up again")
        return pid

    def remove_pod(self, name: str) -> None:
        """Kill a pod at once, as a host dies, and remove it; a pod that is gone is no error."""
        if not self.has_pod(name):
            return
        with suppress(DockerException):  # nothing in it runs any more
            self._podman.pod.kill(name)
        self._podman.pod.remove(name, force=True)

    def remove(self) -> None:
        """Remove all pods and the network."""
        for pod in self.pods():
            self.remove_pod(pod)
        if self.exists:
            self._podman.network.remove(self.cloud)
