"""The registry of the storms: its hosts send at a limited rate."""

import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from integration.bench.object_store import BUCKET
from integration.bench.rig import Rig, registry_version
from integration.clients.deployment import Deployment
from integration.console.processes import cpu_seconds
from integration.load.watch import CONTAINERS
from integration.local.hosts.host import Host
from integration.local.network.s3_log import S3Log
from integration.local.registry import LocalRegistry
from scripts.capacity.figures import Delivery

#: Bytes of the queue of a host, and of a turn of its traffic class (man 8 tc-htb).
QUEUE, QUANTUM = "2mb", "60000"
#: Seconds that a command may take.
PATIENCE = 60


class StormRig(Rig):
    """A Wharf on this machine, and an S3 of its own.

    Args:
        directory: of all files.
        report: gets a line for each step.
        delivery: value of ``blob_delivery``.

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
            variables={"aws_registry_bucket": BUCKET},
            report=self._report,
            stores={BUCKET: store.address},
        )
        self._stack.callback(self._registry.cloud.down)
        self._registry.up()

    @property
    def deployment(self) -> Deployment:
        """The registry as clients reach it."""
        return self._registry.deployment

    @property
    def hosts(self) -> list[Host]:
        """The hosts that serve now."""
        return self._registry.cloud.hosts

    def cpu(self) -> float:
        """Return the CPU seconds that the containers of all hosts have used so far."""
        return cpu_seconds(host.pid(name) for host in self.hosts for name in CONTAINERS)

    @property
    def s3_log(self) -> S3Log:
        """The requests to S3."""
        return self._registry.cloud.endpoints.s3_log

    def slow_s3(self, milliseconds: int) -> AbstractContextManager[None]:
        """Let S3 wait so long before each response."""
        return self._registry.cloud.endpoints.slow(milliseconds)

    @property
    def version(self) -> str:
        """The version of distribution that is measured."""
        return registry_version(self.hosts[0])

    def s3_requests(self) -> Counter[str]:
        """Return the number of requests for images so far, by the method or ``LIST``."""
        return self.s3_log.count()

    def scale(self, hosts: int) -> None:
        """Change the number of hosts, and return when all are healthy."""
        cloud = self._registry.cloud
        groups = cloud.session.client("autoscaling")
        (group,) = groups.describe_auto_scaling_groups()["AutoScalingGroups"]
        groups.update_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            MinSize=hosts,
            MaxSize=hosts,
            DesiredCapacity=hosts,
        )
        cloud.reconcile()

    def shape(self, rate: int) -> None:
        """Limit the bytes a second that each host sends to clients, headers included.

        Requests to S3 have no limit: they are small, and on a real host the kernel's fair queueing
        lets them pass the layers, but not every kernel has it. The limit of a host is set once.
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

    def _tc(self, host: Host, kind: str, *options: str) -> None:
        namespace = f"--net=/proc/{self._registry.cloud.network.pid(host.pod)}/ns/net"
        subprocess.run(
            ["nsenter", namespace, "tc", kind, "add", "dev", "eth0", *options],
            check=True,
            timeout=PATIENCE,
        )

    def push(self, layers: Sequence[int]) -> str:
        """Push a new image with layers of these sizes in bytes; return ``repository:tag``."""
        self._pushed += 1
        image = f"storms/image-{self._pushed}:new"
        self.deployment.push_image(image, layers, seed=self._pushed)
        return image
