"""Floods and what well-behaved clients notice: ``wharf floods --balancer classic``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from integration.bench.machine_facts import describe
from integration.clients.deployment import Deployment
from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.floods.flood_results import FloodFigures, Results
from integration.floods.flood_rounds import SETTLE, Measuring
from integration.floods.flood_table import table
from integration.floods.flooded_registry import Target, given, local_cloud
from integration.floods.floods import FLOODS
from scripts.options import Finite

DIRECTORY, JSON = Path("build/floods"), Path("build/floods.json")


@click.command()
@click.option(
    "--balancer",
    type=click.Choice(["network", "classic"]),
    default="network",
    show_default=True,
    help="Kind of load balancer of the local cloud.",
)
@click.option(
    "--only",
    type=click.Choice(list(FLOODS)),
    multiple=True,
    help="Measure this flood only; repeat the option for more.",
)
@click.option(
    "--settle",
    type=Finite(min=0, max=600),
    default=SETTLE,
    show_default=True,
    help="Seconds between the end of a flood and the second measurement of memory.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DIRECTORY,
    show_default=True,
    help="Folder for state and logs of the local cloud.",
)
@click.option(
    "--registry",
    metavar="URL",
    help="URL of a registry on this machine, such as https://127.0.0.1:8443, to flood instead of a "
    "local cloud. The password is taken from REGISTRY_PASSWORD.",
)
@click.option("--username", default="", help="User of that registry.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="PEM file with its CA.")
@click.option("--other", default="127.0.0.2", help="Another address of this machine.")
@click.option(
    "--users",
    type=click.File(),
    help="File with names of users, one per line, who log in once with the same password.",
)
def floods(
    balancer: str, only: tuple[str, ...], settle: float, directory: Path, **options: Any
) -> None:
    """Flood a registry and measure well-behaved clients.

    Floods come from one address; clients are measured there and at another address. Writes
    build/floods.json and prints a table. Fails if a client at another address fails more often
    than without a flood.
    """
    if options["registry"] and not os.environ.get("REGISTRY_PASSWORD"):
        raise click.UsageError("--registry needs the password in REGISTRY_PASSWORD")
    JSON.unlink(missing_ok=True)
    kind = "given" if options["registry"] else balancer
    results = Results(
        started=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        balancer=kind,
        machine=describe(),
    )
    with (
        ends_on_signals(),
        Display() as display,
        _target(balancer, directory, display, **options) as target,
    ):
        measuring = Measuring(target, directory, settle)
        display("Good clients without a flood")
        _keep(results, measuring.calm())
        for name in only or FLOODS:
            display(f"{name}: {FLOODS[name].description}")
            _keep(results, measuring.flood(name))
    click.echo(table(results))
    if complaints := results.complaints():
        raise click.ClickException(
            f"clients failed more often than without a flood: {'; '.join(complaints)} ({JSON})"
        )


def _keep(results: Results, figures: FloodFigures) -> None:
    """Write the results after each flood: an interrupted run keeps what there is."""
    results.floods.append(figures)
    JSON.write_text(results.model_dump_json(indent=2) + "\n")


@contextmanager
def _target(
    balancer: str,
    directory: Path,
    display: Display,
    *,
    registry: str | None,
    username: str,
    ca: Path | None,
    other: str,
    users: TextIO | None,
) -> Iterator[Target]:
    if not registry:
        with local_cloud(directory, balancer, display) as target:
            yield target
        return
    password = os.environ["REGISTRY_PASSWORD"]
    names = users.read().split() if users else []
    yield given(Deployment(registry, username, password, ca), other, names, directory, display)
