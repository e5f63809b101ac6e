"""Storms with 1, 2 and 4 hosts, what the model says of them, and the page about both."""

import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from integration.bench.machine import describe
from integration.display import Display
from integration.interrupts import ends_on_signals
from integration.messages import run
from integration.storms.measuring import LAYERS, SERVERS, one_round, parameters
from integration.storms.page import write
from integration.storms.results import Measured, Results
from integration.storms.rig import StormRig
from integration.storms.simulations import simulate

DIRECTORY, JSON, DOCUMENTS = Path("build/storms"), Path("build/storms.json"), Path("docs")


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--pages", is_flag=True, help="Measure nothing, write the page anew.")
@click.option(
    "--simulations", is_flag=True, help="Measure nothing, simulate anew, and write the page."
)
def storms(rounds: int, pages: bool, simulations: bool) -> None:
    """Measure storms with 1, 2 and 4 hosts, and compare them with the model.

    Writes build/storms.json, docs/capacity.md and its plots.
    """
    with ends_on_signals(), Display() as display:
        if not pages and not simulations:
            _measure(rounds, display)
        if not JSON.exists():
            raise click.UsageError(f"{JSON} is not there; measure first, without --pages")
        results = Results.model_validate_json(JSON.read_text())
        if not pages:
            results.simulations = simulate(display)
            JSON.write_text(results.model_dump_json(indent=2))
        if not results.simulations:
            raise click.UsageError(f"{JSON} has no simulations yet; take --simulations")
        write(results, DOCUMENTS)
        display(f"Wrote {JSON} and {DOCUMENTS}/capacity.md")


def _measure(rounds: int, display: Display) -> None:
    started, start = datetime.now(UTC), time.monotonic()
    with StormRig(DIRECTORY, display) as rig:
        display("Measuring what the model has to know")
        known = parameters(rig, os.cpu_count() or 1)
        found: list[Measured] = []
        for turn in range(rounds):
            found += one_round(rig, turn, SERVERS, LAYERS, display)
            results = Results(
                started=started.strftime("%Y-%m-%d %H:%M UTC"),
                seconds=round(time.monotonic() - start),
                machine=describe(),
                servers=SERVERS,
                layers=LAYERS,
                parameters=known,
                storms=found,
            )
            # After each round: the last may be one that fails.
            JSON.write_text(results.model_dump_json(indent=2))


if __name__ == "__main__":
    sys.exit(run(partial(storms, standalone_mode=False), DIRECTORY / "error.log"))
