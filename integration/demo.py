"""The demonstration: push an image, kill the host that took it, pull the image from others."""

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from pydantic import BaseModel
from rich.table import Table

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, layout_digest, make_image
from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.local.cloud import LocalCloud, apply_with_progress
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host
from integration.local.registry import STANDING, LocalRegistry, directions

FACTS = Path("build/demo.json")
REPOSITORY, TAG = "demo/hello", "1"
#: Bytes. S3 moves a layer above 32 MB to its final key by several copies.
LAYERS = (40 * MEGABYTE, 5 * MEGABYTE, 100_000)
#: The registry's own port, which no client may reach.
REGISTRY_PORT = 5000


class Facts(BaseModel):
    """The results of the demonstration."""

    url: str
    #: The image behind each image name of the task definition.
    images: dict[str, str]
    layers_bytes: tuple[int, ...] = LAYERS
    digest: str
    #: Duration of each step.
    seconds: dict[str, float]
    #: Each claim, and whether it holds.
    checks: dict[str, bool]


class Demonstration:
    """A client's use of a registry on this machine.

    Args:
        registry: a registry that is up.
        report: gets a line for each step.
    """

    def __init__(self, registry: LocalRegistry, report: Callable[[str], None]) -> None:
        self._registry = registry
        self._report = report
        self._seconds: dict[str, float] = {}
        self._checks: dict[str, bool] = {}

    def run(self) -> Facts:
        """Use the registry.

        Raises:
            LocalCloudError: a killed host got no replacement.
            ClientError: a push or a pull failed.
        """
        with tempfile.TemporaryDirectory() as directory:
            digest = self._push_kill_pull(Path(directory))
        self._knock()
        return Facts(
            url=self._registry.deployment.url,
            images=dict(self._registry.cloud.images),
            digest=digest,
            seconds=self._seconds,
            checks=self._checks,
        )

    def _push_kill_pull(self, directory: Path) -> str:
        cloud, client = self._registry.cloud, self._registry.deployment.skopeo()
        digest = make_image(directory / "image", LAYERS)
        image = f"{REPOSITORY}:{TAG}"
        self._timed("push", lambda: client.push(directory / "image", image))
        before = {host.id for host in cloud.hosts}
        took = pushing_host(cloud)
        self._report(f"Pushed {digest} through the load balancer; host {took.id} took it")
        start = time.monotonic()
        cloud.kill_host(took.id)
        self._report(f"Killed host {took.id}")
        self._timed("pull after the kill", lambda: client.pull(image, directory / "left"))
        self._compare("from the host that is left", directory / "left", digest)
        cloud.reconcile()
        self._seconds["host replaced"] = round(time.monotonic() - start, 1)
        (new,) = (host for host in cloud.hosts if host.id not in before)
        door = f"https://{cloud.balancer.door(new.address)}"
        self._registry.deployment.skopeo(door).pull(image, directory / "new")
        self._compare("from the host that took its place", directory / "new", digest)
        return digest

    def _compare(self, where: str, layout: Path, digest: str) -> None:
        pulled = layout_digest(layout)
        self._report(f"Pulled {pulled} {where}")
        self._checks[f"the same digest {where}"] = pulled == digest

    def _knock(self) -> None:
        """Send requests that must be refused."""
        cloud, deployment = self._registry.cloud, self._registry.deployment
        wrong = dataclasses.replace(deployment, password="wrong")  # noqa: S106
        self._checks["refused without a password"] = status(deployment, anonymous=True) == 401
        self._checks["refused with a wrong password"] = status(wrong) == 401
        self._checks[f"port {REGISTRY_PORT} of every host closed"] = not any(
            cloud.network.reaches(host.address, REGISTRY_PORT, pod=place)
            for host in cloud.hosts
            for place in (None, cloud.balancer.name)
        )

    def _timed(self, step: str, do: Callable[[], None]) -> None:
        start = time.monotonic()
        do()
        self._seconds[step] = round(time.monotonic() - start, 1)


def pushing_host(cloud: LocalCloud) -> Host:
    """Return the host that received the manifest, the last request of the push.

    Raises:
        LocalCloudError: no host has logged the request.
    """
    request = f'"method":"PUT","uri":"/v2/{REPOSITORY}/manifests/{TAG}"'
    for host in cloud.hosts:
        if request in host.log("nginx").read_text():
            return host
    raise LocalCloudError(f"No host has logged the push of {REPOSITORY}:{TAG} (logs: {cloud.logs})")


def status(deployment: Deployment, *, anonymous: bool = False) -> int:
    """Return the status of the registry's response."""
    with deployment.client(anonymous=anonymous) as client:
        return client.get("/v2/").status_code


def summary(facts: Facts) -> Table:
    """Return the facts as a table."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for claim, holds in facts.checks.items():
        table.add_row("[green]yes[/]" if holds else "[red]NO[/]", claim)
    for step, seconds in facts.seconds.items():
        table.add_row(f"{seconds:.1f} s", step)
    return table


@click.command()
def demo() -> None:
    """Push, kill a host, and pull from the others.

    The registry stays up: `wharf local status` shows its address, `wharf local down` ends it. If a
    check fails, nothing is left running.
    """
    FACTS.unlink(missing_ok=True)
    with ends_on_signals(), Display() as display:
        LocalCloud.end_standing(STANDING, display)
        registry = LocalRegistry(STANDING, report=display, deploy=apply_with_progress(display))
        start = time.monotonic()
        registry.up()
        ready = round(time.monotonic() - start, 1)
        try:
            facts = Demonstration(registry, display).run()
            facts.seconds = {"registry ready": ready, **facts.seconds}
            FACTS.write_text(facts.model_dump_json(indent=2))
            failed = [claim for claim, holds in facts.checks.items() if not holds]
            if failed:
                raise LocalCloudError(f"checks failed: {'; '.join(failed)} (facts: {FACTS})")
        except BaseException:
            registry.cloud.down()
            raise
    registry.cloud.emulator.leave()
    display.console.print(summary(facts))
    display.console.print(directions(registry.cloud, STANDING))
