"""The registry on this machine: ``python -m integration.local up``, ``status`` and ``down``."""

import sys
from pathlib import Path

import click
from rich.console import Console

from integration.interrupts import ends_on_signals
from integration.local.cloud import LocalCloud
from integration.local.registry import USERNAME, LocalRegistry, deployment
from integration.messages import run

DIRECTORY = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/local"),
    show_default=True,
    help="State and logs of the cloud.",
)
_console = Console(highlight=False, soft_wrap=True)


@click.group()
def main() -> None:
    """Run the whole stack on this machine, on an emulated AWS API."""


@main.command()
@DIRECTORY
@click.option("--hosts", type=click.IntRange(1, 20), default=2, show_default=True)
@click.option(
    "--load-balancer",
    type=click.Choice(["network", "classic"]),
    default="network",
    show_default=True,
)
def up(directory: Path, hosts: int, load_balancer: str) -> None:
    """Deploy the registry and leave it running."""
    with ends_on_signals():
        registry = LocalRegistry(
            directory,
            hosts=hosts,
            shape={"WHARF_LOAD_BALANCER": load_balancer},
            report=_console.print,
        )
        with _console.status("Deploying"):
            registry.up()
    _describe(registry.cloud, directory)


@main.command()
@DIRECTORY
def status(directory: Path) -> None:
    """Show where the registry is and how its hosts are."""
    _describe(LocalCloud.standing(directory, _console.print), directory)


@main.command()
@DIRECTORY
def down(directory: Path) -> None:
    """End the registry; leave nothing but its logs."""
    LocalCloud.standing(directory, _console.print).down()
    _console.print("Nothing is left running")


def _describe(cloud: LocalCloud, directory: Path) -> None:
    found = deployment(cloud, directory)
    _console.print(f"Registry  {found.url} (trust {found.ca})")
    _console.print(f"Log in as {USERNAME}; the password is in {directory / 'password'}")
    health = cloud.balancer.health()
    for host in cloud.hosts:
        _console.print(f"Host      {host.id} at {host.address}: {health.get(host.id, 'unknown')}")
    _console.print(f"AWS API   {cloud.emulator.endpoint}")
    _console.print(f"Logs      {cloud.logs}")


if __name__ == "__main__":
    sys.exit(run(main, Path("build/error.log")))
