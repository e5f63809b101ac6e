"""The flooded registry: a local cloud of its own, or a registry that already runs here."""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.console.display import Display
from integration.floods.flood_results import OTHER, SAME
from integration.floods.job import Job
from integration.local.cloud import LocalCloud, apply_with_progress
from integration.local.errors import LocalCloudError
from integration.local.network.firewall import nft
from integration.local.registry import LocalRegistry

HOSTS = 2
PORT = 443
#: Numbers of the clients' addresses on the network, above the addresses of hosts.
ADDRESSES = {SAME: 250, OTHER: 251}
#: Users for a single login each, and the user of the floods.
USERS = [f"new-{number:04}" for number in range(1500)]
FLOODER = "flooder"
#: The image that good clients pull, and an image that no client has pulled.
IMAGE, UNCACHED = "floods/small:1", "floods/uncached:1"
SMALL, LARGE = [100_000, 1], [5 * MEGABYTE] * 40


class FloodedRegistry(LocalRegistry):
    """A local registry with many users, who have the same password.

    They have the same hash, since hashes for all would take seconds; a host verifies the hash for
    each user all the same.
    """

    def _configuration(self) -> Path:
        directory = super()._configuration()
        file = directory / "nginx.htpasswd"
        hashed = file.read_text().strip().partition(":")[2]
        with file.open("a") as users:
            users.writelines(f"{name}:{hashed}\n" for name in (*USERS, FLOODER))
        return directory


@dataclass(frozen=True)
class Target:
    """A registry, and two addresses of clients.

    Attributes:
        job: the order for all processes.
        flooder: the valid user of floods.
        namespaces: network namespaces (files) by address; empty for this process' own.
        sources: source address by client, where one namespace has both.
        users: for a single login each.
        cloud: whose hosts are sampled; None without a local cloud.
        recover: starts containers that have ended.
    """

    job: Job
    flooder: str
    namespaces: Mapping[str, Path] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    users: Iterator[str] = field(default_factory=lambda: iter(()))
    cloud: LocalCloud | None = None
    recover: Callable[[], None] = lambda: None

    def at(self, place: str, **changes: object) -> Job:
        """Return the job for a process at an address."""
        return self.job.model_copy(update={"source": self.sources.get(place), **changes})

    def command(self, place: str, *command: str) -> list[str]:
        """Return the command that runs a program at an address."""
        namespace = self.namespaces.get(place)
        return [*(["nsenter", f"--net={namespace}"] if namespace else []), *command]


@contextmanager
def local_cloud(directory: Path, balancer: str, display: Display) -> Iterator[Target]:
    """Bring up two hosts behind a load balancer, with clients' addresses of their own.

    The local network load balancer does not keep the address of the client, as that of AWS does. So
    clients connect to the hosts themselves there, in turn; the classic one announces the address.
    """
    with FloodedRegistry(
        directory,
        hosts=HOSTS,
        shape={"WHARF_LOAD_BALANCER": balancer},
        report=display,
        deploy=apply_with_progress(display),
    ) as registry:
        cloud, deployment = registry.cloud, registry.deployment
        pods = {place: f"{cloud.network.cloud}-client-{n}" for place, n in ADDRESSES.items()}
        for place, pod in pods.items():
            cloud.network.create_pod(pod, cloud.network.address(ADDRESSES[place]))
        direct = balancer == "network"

        def recover() -> None:
            cloud.reconcile()
            if direct:
                _admit(cloud)

        recover()
        addresses = [host.address for host in cloud.hosts] if direct else [cloud.balancer.address]
        job = Job(
            name=urlsplit(cloud.outputs["registry_url"]).hostname or "",
            port=PORT,
            addresses=addresses,
            hosts=HOSTS,
            ca=deployment.ca or Path(),
            username=deployment.username,
            password=deployment.password,
        )
        yield Target(
            push(deployment, job, display),
            FLOODER,
            {place: Path(f"/proc/{cloud.network.pid(pod)}/ns/net") for place, pod in pods.items()},
            users=iter(USERS),
            cloud=cloud,
            recover=recover,
        )


def given(
    deployment: Deployment, other: str, users: Sequence[str], directory: Path, display: Display
) -> Target:
    """Return a registry that runs on this machine.

    Args:
        deployment: at a private address.
        other: a second address of this machine, for clients.
        users: for a single login each, with the same password.
        directory: for files.
        display: gets a line for each step.

    Raises:
        LocalCloudError: the registry is not on a private network.
    """
    url = urlsplit(deployment.url)
    name = url.hostname or ""
    try:
        private = ipaddress.ip_address(name).is_private
    except ValueError:
        private = False
    if not private or deployment.ca is None:
        raise LocalCloudError(
            f"{deployment.url} is not flooded: give the private address of a registry of your own "
            "and its certificate with --ca"
        )
    directory.mkdir(parents=True, exist_ok=True)
    job = Job(
        name=name,
        port=url.port or PORT,
        addresses=[name],
        ca=deployment.ca,
        username=deployment.username,
        password=deployment.password,
    )
    job = push(deployment, job, display)
    return Target(job, deployment.username, sources={OTHER: other}, users=iter(users))


def push(deployment: Deployment, job: Job, report: Callable[[str], None]) -> Job:
    """Push the images; return the job with the image to pull and the layers not in a cache."""
    report("Pushing the images")
    for image, sizes in ((IMAGE, SMALL), (UNCACHED, LARGE)):
        # New images: a registry that was flooded before may have the old ones in its cache.
        deployment.push_image(image, sizes)
    repository, _, tag = UNCACHED.partition(":")
    with deployment.repository(repository) as client:
        manifest = json.loads(client.manifest(tag))
    layers = [f"{client.path}/blobs/{layer['digest']}" for layer in manifest["layers"]]
    return job.model_copy(update={"image": IMAGE, "layers": layers})


def _admit(cloud: LocalCloud) -> None:
    """Let the clients' addresses reach the hosts, as the load balancer would."""
    sources = ", ".join(cloud.network.address(number) for number in ADDRESSES.values())
    rule = f"ip saddr {{ {sources} }} meta l4proto tcp ct original proto-dst {PORT} accept"
    for host in cloud.hosts:
        nft(cloud.network.pid(host.pod), f"insert rule inet wharf incoming {rule}\n")
