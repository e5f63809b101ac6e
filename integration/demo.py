"""The demonstration: one client pushes through the load balancer, another pulls elsewhere."""

import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from integration.deployment import Deployment
from integration.images import MEGABYTE, digest_of, make_image
from integration.interrupts import ends_on_signals
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry
from integration.messages import run

DIRECTORY = Path("build/demo")
IMAGE = "demo/hello:1"
LAYERS = [20 * MEGABYTE, 5 * MEGABYTE, 100_000]

_console = Console(highlight=False, soft_wrap=True)


class Steps:
    """Prints each step with the seconds since the beginning."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, line: str) -> None:
        """Say what begins now."""
        _console.print(f"{time.monotonic() - self._start:5.0f} s  {line}")


def push_and_pull(deployment: Deployment, report: Steps) -> None:
    """Push an image through the load balancer and pull it through every host.

    Raises:
        LocalCloudError: an image came back with another digest.
        ClientError: a client failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory) / "image"
        pushed = make_image(image, LAYERS)
        deployment.skopeo().push(image, IMAGE)
        report(f"Pushed through the load balancer {deployment.url}: {pushed}")
        for number, host in enumerate(deployment.hosts, start=1):
            layout = Path(directory) / f"pulled-{number}"
            deployment.skopeo(host).pull(IMAGE, layout)
            pulled = digest_of(layout)
            if pulled != pushed:
                raise LocalCloudError(f"Host {number} gave {pulled} instead of {pushed}")
            report(f"Pulled through host {number} alone ({host}): {pulled}")


def demonstrate() -> None:
    """Bring a registry up, use it, and take it down."""
    report = Steps()
    with ends_on_signals(), _console.status("Working"):
        with LocalRegistry(DIRECTORY, hosts=2, report=report) as registry:
            push_and_pull(registry.deployment, report)
            report("Taking everything down")
        report("Done: the same digest everywhere. make up leaves a registry running")


if __name__ == "__main__":
    sys.exit(run(demonstrate, DIRECTORY / "error.log"))
