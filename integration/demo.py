"""The demonstration: push an image, end the host that took it, pull the image from the others."""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from pydantic import BaseModel
from rich.table import Table

from integration.deployment import Deployment
from integration.display import Display
from integration.images import MEGABYTE, digest_of, make_image
from integration.interrupts import ends_on_signals
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.host import Host
from integration.local.registry import STANDING, LocalRegistry, directions
from integration.messages import run

FACTS = Path("build/demo.json")
REPOSITORY, TAG = "demo/hello", "1"
#: Bytes. A layer above 32 MB is put in its place by S3 in several copies.
LAYERS = (40 * MEGABYTE, 5 * MEGABYTE, 100_000)
#: The registry's own port, which nobody may reach.
REGISTRY_PORT = 5000


class Facts(BaseModel):
    """What the demonstration has found."""

    url: str
    #: What stands behind the name of each image that the hosts run.
    images: dict[str, str]
    layers_bytes: tuple[int, ...] = LAYERS
    digest: str
    #: How long each step took.
    seconds: dict[str, float]
    #: What has to be so, and whether it was.
    checks: dict[str, bool]


class Demonstration:
    """A client's morning with a registry on this machine.

    Args:
        registry: one that is up.
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
        pulled = digest_of(layout)
        self._report(f"Pulled {pulled} {where}")
        self._checks[f"the same digest {where}"] = pulled == digest

    def _knock(self) -> None:
        """Try what must be refused."""
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
    """The host through which the image's manifest, the last piece of a push, has come.

    Raises:
        LocalCloudError: none has logged it.
    """
    request = f'"method":"PUT","uri":"/v2/{REPOSITORY}/manifests/{TAG}"'
    for host in cloud.hosts:
        if request in host.log("nginx").read_text():
            return host
    raise LocalCloudError(f"No host has logged the push of {REPOSITORY}:{TAG} (logs: {cloud.logs})")


def status(deployment: Deployment, *, anonymous: bool = False) -> int:
    """The status with which the registry answers."""
    with deployment.client(anonymous=anonymous) as client:
        return client.get("/v2/").status_code


def summary(facts: Facts) -> Table:
    """The facts for people."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for claim, holds in facts.checks.items():
        table.add_row("[green]yes[/]" if holds else "[red]NO[/]", claim)
    for step, seconds in facts.seconds.items():
        table.add_row(f"{seconds:.1f} s", step)
    return table


@click.command()
def demonstrate() -> None:
    """Show that the registry works, and leave it standing.

    If something that has to be so is not, nothing is left running.
    """
    FACTS.unlink(missing_ok=True)
    with ends_on_signals(), Display() as display:
        LocalCloud.end_standing(STANDING, display)
        registry = LocalRegistry(STANDING, report=display, deploy=display.apply)
        start = time.monotonic()
        registry.up()
        ready = round(time.monotonic() - start, 1)
        try:
            facts = Demonstration(registry, display).run()
            facts.seconds = {"registry ready": ready, **facts.seconds}
            FACTS.write_text(facts.model_dump_json(indent=2))
            failed = [claim for claim, holds in facts.checks.items() if not holds]
            if failed:
                raise LocalCloudError(f"Not so: {'; '.join(failed)} (facts: {FACTS})")
        except BaseException:
            registry.cloud.down()
            raise
    display.console.print(summary(facts))
    display.console.print(directions(registry.cloud, STANDING))


if __name__ == "__main__":
    sys.exit(run(partial(demonstrate, standalone_mode=False), STANDING / "error.log"))
