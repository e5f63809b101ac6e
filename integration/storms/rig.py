"""What storms are measured on: a registry whose hosts send no faster than they are told to."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from integration.bench.variant import cpu_seconds
from integration.deployment import Deployment
from integration.images import make_image
from integration.local.host import Host
from integration.local.registry import LocalRegistry
from integration.rig import Rig
from integration.store import BUCKET
from scripts.capacity.figures import Delivery

#: Most hosts that a storm is measured with.
HOSTS = 4
#: What runs on each of them.
CONTAINERS = ("nginx", "registry")
#: Bytes that may wait for their turn to leave a host, and that leave it at once (man 8 tc-htb).
QUEUE, QUANTUM = "2mb", "60000"
#: Seconds that a command may take.
PATIENCE = 60


class StormRig(Rig):
    """A Wharf on this machine, and an S3 of its own.

    Args:
        directory: for everything that it writes.
        report: gets a line for each step.
        delivery: its blob_delivery.

    Usage:

        with StormRig(Path("build/storms"), print, "cache") as rig:
            rig.scale(2)
            rig.shape(15)
    """

    def __init__(self, directory: Path, report: Callable[[str], None], delivery: Delivery) -> None:
        super().__init__(directory, report)
        self.delivery: Delivery = delivery
        self._pushed = 0
        self._shaped: set[str] = set()

    def _start(self) -> None:
        client, _ = self._prepare("cloud")
        store = self._serve_images(client, "storms")
        self._registry = LocalRegistry(
            self._directory / "cloud",
            hosts=1,
            shape={"WHARF_BLOB_DELIVERY": self.delivery},
            variables={"aws_registry_bucket": BUCKET, "maximum_hosts": HOSTS},
            report=self._report,
            stores={BUCKET: store.address},
        )
        self._stack.callback(self._registry.cloud.down)
        self._registry.up()

    @property
    def deployment(self) -> Deployment:
        """How to reach the registry."""
        return self._registry.deployment

    @property
    def hosts(self) -> list[Host]:
        """The hosts that serve now."""
        return self._registry.cloud.hosts

    def cpu(self) -> float:
        """CPU seconds that all that runs on the hosts has used so far."""
        return cpu_seconds(host.pid(name) for host in self.hosts for name in CONTAINERS)

    def s3_requests(self) -> dict[str, int]:
        """How many requests for images S3 has got so far: ``get``, ``list`` and ``other``."""
        log = self._registry.cloud.logs / "endpoints" / "haproxy.log"
        return count(log.read_text().splitlines())

    def scale(self, hosts: int) -> None:
        """Let so many hosts serve, and return when they are healthy."""
        cloud = self._registry.cloud
        groups = cloud.session.client("autoscaling")
        (group,) = groups.describe_auto_scaling_groups()["AutoScalingGroups"]
        groups.update_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            MinSize=hosts,
            DesiredCapacity=hosts,
        )
        cloud.reconcile()

    def shape(self, rate: int) -> None:
        """Let each host send so many bytes a second to clients, headers included, and no more.

        What it asks of S3 is not slowed down: it is little, and on a real host the kernel's fair
        queueing lets it pass the layers, which not every kernel has. A host stays as it is once
        it was slowed down.
        """
        balancer = f"{self._registry.cloud.balancer.address}/32"
        for host in self.hosts:
            if host.id in self._shaped:
                continue
            self._shaped.add(host.id)
            self._tc(host, "qdisc", "root", "handle", "1:", "htb")
            bucket = ("htb", "rate", f"{rate}bps", "quantum", QUANTUM)
            self._tc(host, "class", "parent", "1:", "classid", "1:1", *bucket)
            self._tc(host, "qdisc", "parent", "1:1", "handle", "2:", "bfifo", "limit", QUEUE)
            match = ("match", "ip", "dst", balancer)
            self._tc(host, "filter", "parent", "1:", "prio", "1", "u32", *match, "flowid", "1:1")

    def _tc(self, host: Host, kind: str, *what: str) -> None:
        namespace = f"--net=/proc/{self._registry.cloud.network.pid(host.pod)}/ns/net"
        subprocess.run(
            ["nsenter", namespace, "tc", kind, "add", "dev", "eth0", *what],
            check=True,
            timeout=PATIENCE,
        )

    def push(self, layers: Sequence[int]) -> str:
        """Push an image that no host has seen, with layers of these sizes in bytes; name it."""
        self._pushed += 1
        image = f"storms/image-{self._pushed}:new"
        layout = self._directory / f"image-{self._pushed}"
        try:
            make_image(layout, layers, seed=self._pushed)
            self.deployment.skopeo().push(layout, image)
        finally:
            shutil.rmtree(layout, ignore_errors=True)
        return image


def count(log: Iterable[str]) -> dict[str, int]:
    """How many requests for images the log of the TLS front tells of, by what S3 charges for."""
    found = {"get": 0, "list": 0, "other": 0}
    for line in log:
        if f" {BUCKET}/" not in line:
            continue
        reads = '"GET ' in line or '"HEAD ' in line
        found["list" if '"GET /?' in line else "get" if reads else "other"] += 1
    return found
