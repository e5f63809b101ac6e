"""The registry on this machine: ``python -m integration.local up``, ``status``, ``down``."""

import json
import sys
from functools import partial
from pathlib import Path

import click

from integration.display import Display
from integration.interrupts import ends_on_signals
from integration.local.cloud import LocalCloud
from integration.local.enter import enter, find_host
from integration.local.registry import STANDING, LocalRegistry, deployment, directions, operator
from integration.messages import run

DIRECTORY = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=STANDING,
    show_default=True,
    help="State and logs of the cloud.",
)


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
    with ends_on_signals(), Display() as display:
        registry = LocalRegistry(
            directory,
            hosts=hosts,
            shape={"WHARF_LOAD_BALANCER": load_balancer},
            report=display,
            deploy=display.apply,
        )
        registry.up()
    click.echo(directions(registry.cloud, directory))


@main.command()
@DIRECTORY
@click.option("--json", "as_json", is_flag=True, help="For programs: how to log in.")
def status(directory: Path, as_json: bool) -> None:
    """Show where the registry is and how its hosts are."""
    cloud = LocalCloud.standing(directory)
    if not as_json:
        click.echo(directions(cloud, directory))
        return
    found = deployment(cloud, directory)
    access = {
        "url": found.url,
        "username": found.username,
        "password": found.password,
        "ca": str(found.ca),
        "hosts": len(found.hosts),
        "bucket": cloud.outputs["image_bucket"],
        "environment": operator(cloud.emulator),
    }
    click.echo(json.dumps(access))


@main.command("enter")
@click.argument("host")
@click.argument("container", default="nginx")
@DIRECTORY
def enter_host(host: str, container: str, directory: Path) -> None:
    """Open a shell in a CONTAINER of a HOST: its number, or the beginning of its id."""
    enter(find_host(LocalCloud.standing(directory).hosts, host), container)


@main.command()
@DIRECTORY
def down(directory: Path) -> None:
    """End the registry; leave nothing but its logs."""
    LocalCloud.standing(directory).down()
    click.echo("Nothing is left running")


if __name__ == "__main__":
    sys.exit(run(partial(main, standalone_mode=False), Path("build/error.log")))
