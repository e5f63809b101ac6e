"""Floods and what good clients notice: ``python -m integration.floods --balancer classic``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click

from integration.bench.machine import describe
from integration.deployment import Deployment
from integration.display import Display
from integration.floods.floods import FLOODS
from integration.floods.measuring import SETTLE, Measuring
from integration.floods.page import table
from integration.floods.results import FloodFigures, Results
from integration.floods.target import Target, given, local_cloud
from integration.interrupts import ends_on_signals
from integration.messages import run
from scripts.finite import Finite

DIRECTORY, JSON = Path("build/floods"), Path("build/floods.json")


@click.command()
@click.option(
    "--balancer",
    type=click.Choice(["network", "classic"]),
    default="network",
    show_default=True,
    help="Load balancer of the local cloud.",
)
@click.option(
    "--only",
    type=click.Choice(list(FLOODS)),
    multiple=True,
    help="Measure this flood only; again for more.",
)
@click.option(
    "--settle",
    type=Finite(min=0, max=600),
    default=SETTLE,
    show_default=True,
    help="Seconds after each flood until the memory is looked at again.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DIRECTORY,
    show_default=True,
    help="State and logs of the local cloud.",
)
@click.option(
    "--registry",
    metavar="URL",
    help="Flood a registry that runs on this machine, https://127.0.0.1:8443, in place of a local "
    "cloud. The password is taken from REGISTRY_PASSWORD.",
)
@click.option("--username", default="", help="User of that registry.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="Its certificate (PEM).")
@click.option("--other", default="127.0.0.2", help="Another address of this machine.")
@click.option(
    "--users",
    type=click.File(),
    help="Names of users for one login each, a line each, with the same password.",
)
def floods(
    balancer: str, only: tuple[str, ...], settle: float, directory: Path, **options: Any
) -> None:
    """Flood a registry from one address, and measure good clients there and at another.

    Writes build/floods.json and prints a table. Ends with an error if a client at another address
    fails more often than without a flood.
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
            display(f"{name}: {FLOODS[name].what}")
            _keep(results, measuring.flood(name))
    click.echo(table(results))
    if complaints := results.complaints():
        raise click.ClickException(f"Not as without a flood: {'; '.join(complaints)} ({JSON})")


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


if __name__ == "__main__":
    sys.exit(run(partial(floods, standalone_mode=False), DIRECTORY / "error.log"))
