"""What is flooded: a local cloud of its own, or a registry that runs on this machine already."""

import ipaddress
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from integration.deployment import Deployment
from integration.display import Display
from integration.floods.job import Job
from integration.floods.results import OTHER, SAME
from integration.images import MEGABYTE, make_image
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry

HOSTS = 2
PORT = 443
#: Numbers of the clients' addresses on the network; those of hosts end before.
ADDRESSES = {SAME: 250, OTHER: 251}
#: Users that are there for one login each, and the one that floods use.
USERS = [f"new-{number:04}" for number in range(1500)]
FLOODER = "flooder"
#: What good clients pull, and what nobody has pulled yet.
IMAGE, UNCACHED = "floods/small:1", "floods/uncached:1"
SMALL, LARGE = [100_000, 1], [5 * MEGABYTE] * 40


class FloodedRegistry(LocalRegistry):
    """A local registry with many users, who have the same password.

    They have the same hash, too, which would cost seconds to make anew for each; a host verifies it
    for each of them all the same.
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
    """A registry, and two addresses to come from.

    Attributes:
        job: what all processes are told.
        flooder: the valid user of floods.
        namespaces: network namespaces (files) by address; empty for this process' own.
        sources: by address, where one namespace has both.
        users: for one login each.
        cloud: whose hosts are looked at; None where there is no local cloud.
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
        deploy=display.apply,
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
            push(deployment, job, directory, display),
            FLOODER,
            {place: Path(f"/proc/{cloud.network.pid(pod)}/ns/net") for place, pod in pods.items()},
            users=iter(USERS),
            cloud=cloud,
            recover=recover,
        )


def given(
    deployment: Deployment, other: str, users: Sequence[str], directory: Path, display: Display
) -> Target:
    """Take a registry on this machine.

    Args:
        deployment: at a private address.
        other: a second address of this machine to come from.
        users: for one login each, with the same password.
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
    job = push(deployment, job, directory, display)
    return Target(job, deployment.username, sources={OTHER: other}, users=iter(users))


def push(deployment: Deployment, job: Job, directory: Path, report: Callable[[str], None]) -> Job:
    """Push what clients pull, and layers that nobody has pulled; return the job with both."""
    report("Pushing the images")
    for image, sizes in ((IMAGE, SMALL), (UNCACHED, LARGE)):
        # New ones: a registry that was flooded before may have these in its cache.
        layout = directory / "images" / image.partition(":")[0]
        shutil.rmtree(layout, ignore_errors=True)
        make_image(layout, sizes)
        deployment.skopeo().push(layout, image)
    repository, _, tag = UNCACHED.partition(":")
    with deployment.client() as client:
        manifest = client.get(f"/v2/{repository}/manifests/{tag}").raise_for_status().json()
    layers = [f"/v2/{repository}/blobs/{one['digest']}" for one in manifest["layers"]]
    return job.model_copy(update={"image": IMAGE, "layers": layers})


def _admit(cloud: LocalCloud) -> None:
    """Let the clients' addresses reach the hosts, as the load balancer would."""
    sources = ", ".join(cloud.network.address(number) for number in ADDRESSES.values())
    rule = f"ip saddr {{ {sources} }} meta l4proto tcp ct original proto-dst {PORT} accept"
    for host in cloud.hosts:
        subprocess.run(
            ["nsenter", f"--net=/proc/{cloud.network.pid(host.pod)}/ns/net", "nft", "--file", "-"],
            input=f"insert rule inet wharf incoming {rule}\n",
            text=True,
            check=True,
        )
