"""Storms of pulls, the model of capacity, and the page about both: ``wharf storms``."""

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import ValidationError

from integration.bench.machine_facts import describe
from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.storms.capacity_page import write
from integration.storms.shaped_registry import StormRig
from integration.storms.simulations import simulate
from integration.storms.storm_results import NEAR, Measured, Part, Results
from integration.storms.storm_rounds import LAYERS, NUMBERS, SERVERS, one_round, parameters
from scripts.capacity.figures import Delivery

DIRECTORY, JSON, DOCUMENTS = Path("build/storms"), Path("build/storms.json"), Path("docs")


@click.command()
@click.option(
    "--rounds",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="Number of times that each storm is measured.",
)
@click.option(
    "--delivery",
    "deliveries",
    type=click.Choice(list(NUMBERS)),
    multiple=True,
    help="Measure this blob_delivery only, and keep earlier results of the others; repeat the "
    "option for more.",
)
@click.option(
    "--pages", is_flag=True, help="Write the page from earlier results, and measure nothing."
)
@click.option(
    "--simulations",
    is_flag=True,
    help="Simulate again and write the page, and measure nothing.",
)
def storms(rounds: int, deliveries: tuple[Delivery, ...], pages: bool, simulations: bool) -> None:
    """Measure storms of pulls beside the model of capacity.

    Writes build/storms.json, docs/capacity.md and its plots. Earlier results of other versions of
    the registry are kept. Fails if a measured storm is further from the model than the page says.
    """
    with ends_on_signals(), Display() as display:
        results = _read(needed=bool(deliveries or pages or simulations))
        if not pages and not simulations:
            for delivery in deliveries or NUMBERS:
                _measure(delivery, rounds, results, display)
        if not results.parts:
            raise click.UsageError(f"{JSON} has no storms; measure first, without --pages")
        if not pages and not deliveries:
            results.simulations = simulate(display)
            _write(results)
        if not results.simulations:
            raise click.UsageError(f"{JSON} has no simulations yet; take --simulations")
        write(results, DOCUMENTS)
        display(f"Wrote {JSON} and {DOCUMENTS}/capacity.md")
        for row in results.comparisons:
            if not row.counts:
                display(f"{row.name} does not count: the machine was busy to {row.busy:.0%}")
    if faults := results.faults():
        raise click.ClickException(
            f"not within {NEAR:.0%} of the model: {'; '.join(faults)}. Repeat it on a machine that "
            "does nothing else; if that is no better, scripts/capacity/model.py lacks something"
        )


def _measure(delivery: Delivery, rounds: int, results: Results, display: Display) -> None:
    started, start = datetime.now(UTC), time.monotonic()
    with StormRig(DIRECTORY, display, delivery) as rig:
        display(f"Measuring what the model has to know of {delivery}")
        known = parameters(rig, os.cpu_count() or 1)
        found: list[Measured] = []
        for turn in range(rounds):
            found += one_round(rig, known, turn, display)
            results.put(
                Part(
                    delivery=delivery,
                    registry=rig.version,
                    started=started.strftime("%Y-%m-%d %H:%M UTC"),
                    seconds=round(time.monotonic() - start),
                    machine=describe(),
                    parameters=known,
                    storms=found,
                )
            )
            # After each round: the last may be one that fails.
            _write(results)


def _read(needed: bool) -> Results:
    """Return earlier results; none if there are none, or if none are needed and they do not fit."""
    nothing = Results(servers=SERVERS, layers=LAYERS)
    if not JSON.exists():
        return nothing
    with suppress(ValidationError):
        known = Results.model_validate_json(JSON.read_text())
        if (known.servers, known.layers) == (SERVERS, LAYERS):
            return known
    if needed:
        raise click.UsageError(f"{JSON} is of another version; measure all with `wharf storms`")
    return nothing


def _write(results: Results) -> None:
    JSON.write_text(results.model_dump_json(indent=2))
