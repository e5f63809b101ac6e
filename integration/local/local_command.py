"""The registry on this machine: ``wharf local up``, ``status``, ``enter``, ``down``."""

import json
from pathlib import Path

import click

from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.local.cloud import LocalCloud, apply_with_progress
from integration.local.hosts.enter import enter, find_host
from integration.local.registry import STANDING, LocalRegistry, deployment, directions, operator

DIRECTORY = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=STANDING,
    show_default=True,
    help="Folder for state and logs of the cloud.",
)


@click.group()
def main() -> None:
    """Run the whole stack on an emulated AWS API."""


@main.command()
@DIRECTORY
@click.option(
    "--hosts",
    type=click.IntRange(1, 20),
    default=2,
    show_default=True,
    help="Number of hosts.",
)
@click.option(
    "--load-balancer",
    type=click.Choice(["network", "classic"]),
    default="network",
    show_default=True,
    help="Kind of load balancer.",
)
def up(directory: Path, hosts: int, load_balancer: str) -> None:
    """Deploy the registry and leave it running."""
    with ends_on_signals(), Display() as display:
        registry = LocalRegistry(
            directory,
            hosts=hosts,
            shape={"WHARF_LOAD_BALANCER": load_balancer},
            report=display,
            deploy=apply_with_progress(display),
        )
        registry.up()
    registry.cloud.emulator.leave()
    click.echo(directions(registry.cloud, directory))


@main.command()
@DIRECTORY
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print address, login and bucket as JSON, with the password.",
)
def status(directory: Path, as_json: bool) -> None:
    """Show the address of the registry and the health of its hosts."""
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
    """Open a shell in a container of a host.

    HOST is the number of a host, or the beginning of its ID. CONTAINER is nginx or registry.
    """
    enter(find_host(LocalCloud.standing(directory).hosts, host), container)


@main.command()
@DIRECTORY
def down(directory: Path) -> None:
    """End the registry, and keep only its logs."""
    LocalCloud.standing(directory).down()
    click.echo("Nothing is left running")
