"""Storms with some hosts, what the model says of them, and the page about both."""

import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
from pydantic import ValidationError

from integration.bench.machine import describe
from integration.display import Display
from integration.interrupts import ends_on_signals
from integration.messages import run
from integration.storms.measuring import LAYERS, NUMBERS, SERVERS, one_round, parameters
from integration.storms.page import write
from integration.storms.results import NEAR, Measured, Part, Results
from integration.storms.rig import StormRig
from integration.storms.simulations import simulate
from scripts.capacity.figures import Delivery

DIRECTORY, JSON, DOCUMENTS = Path("build/storms"), Path("build/storms.json"), Path("docs")


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option(
    "--delivery",
    "deliveries",
    type=click.Choice(list(NUMBERS)),
    multiple=True,
    help="Measure this way to deliver layers, and leave the others as they were; again for more.",
)
@click.option("--pages", is_flag=True, help="Measure nothing, write the page anew.")
@click.option(
    "--simulations", is_flag=True, help="Measure nothing, simulate anew, and write the page."
)
def storms(rounds: int, deliveries: tuple[Delivery, ...], pages: bool, simulations: bool) -> None:
    """Measure storms with several hosts and ways to deliver layers beside the model.

    Writes build/storms.json, docs/capacity.md and its plots. Ends with an error if a storm that the
    model should know of is further from it than it says that it is.
    """
    with ends_on_signals(), Display() as display:
        results = _read() if deliveries or pages or simulations else _nothing()
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
            results.parts[delivery] = Part(
                started=started.strftime("%Y-%m-%d %H:%M UTC"),
                seconds=round(time.monotonic() - start),
                machine=describe(),
                parameters=known,
                storms=found,
            )
            # After each round: the last may be one that fails.
            _write(results)


def _nothing() -> Results:
    return Results(servers=SERVERS, layers=LAYERS)


def _read() -> Results:
    if not JSON.exists():
        return _nothing()
    try:
        return Results.model_validate_json(JSON.read_text())
    except ValidationError:
        raise click.UsageError(f"{JSON} is of another version; measure all: make storms") from None


def _write(results: Results) -> None:
    JSON.write_text(results.model_dump_json(indent=2))


if __name__ == "__main__":
    sys.exit(run(partial(storms, standalone_mode=False), DIRECTORY / "error.log"))
