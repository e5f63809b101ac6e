"""Target of the load: a registry on this machine, or a live one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.clients.deployment import Deployment
from integration.load.watch import LiveWatch, LocalWatch, Watch
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.local.saved import SavedCloud


@dataclass(frozen=True)
class Target:
    """A registry under load.

    Attributes:
        name: ``local``, or its URL, or the name that it was given.
        deployment: how to log in.
        hosts: how many serve it.
        watch: looks at them.
        cloud: what controls them, on this machine.
    """

    name: str
    deployment: Deployment
    hosts: int
    watch: Watch
    cloud: LocalCloud | None = None


@contextmanager
def local(directory: Path, hosts: int, report: Callable[[str], None]) -> Iterator[Target]:
    """Yield the registry that stands in a directory, or bring one up for the time of the load.

    Raises:
        LocalCloudError: it could not be brought up; nothing is left running.
    """
    if SavedCloud.stands(directory):
        report(f"Using the registry that stands in {directory}")
        yield _local(LocalRegistry.standing(directory, report))
        return
    with LocalRegistry(directory, hosts=hosts, report=report) as registry:
        yield _local(registry)


def _local(registry: LocalRegistry) -> Target:
    cloud = registry.cloud
    return Target("local", registry.deployment, len(cloud.hosts), LocalWatch(cloud), cloud)


def live(deployment: Deployment, name: str | None, hosts: int, metrics: tuple[str, ...]) -> Target:
    """Return a live registry; ``metrics`` are the URLs of its hosts' metrics, if known."""
    return Target(name or deployment.url, deployment, hosts, LiveWatch(metrics))
