"""Does the suite have teeth? ``python -m integration.mutants`` (``make mutants``)."""

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Column, Table

from integration.display import Display
from integration.interrupts import ends_on_signals
from integration.messages import run
from integration.mutants.defects import KINDS, REPOSITORY, Defect, DefectError
from integration.mutants.trials import Trial, Trials

DIRECTORY = Path("build/mutants")
RESULTS = Path("build/mutants.json")


@click.command()
@click.option("--only", metavar="NAME", multiple=True, help="Only this defect; may be repeated.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--list", "listed", is_flag=True, help="Show the defects, and try none.")
def main(only: Sequence[str], kind: str | None, *, listed: bool) -> None:
    """Apply each of the deliberate defects alone, and see that the named test fails."""
    try:
        _main(only, kind, listed=listed)
    except DefectError as error:
        raise click.ClickException(str(error)) from None


def _main(only: Sequence[str], kind: str | None, *, listed: bool) -> None:
    chosen = choose(only, kind)
    with ends_on_signals(), Display() as display:
        if listed:
            display.console.print(table(chosen))
            return
        start = time.monotonic()
        trials = try_all(chosen, display)
        seconds = round(time.monotonic() - start)
        display.console.print(results(trials))
    survived = [one.defect.name for one in trials if not one.caught]
    click.echo(f"{len(trials) - len(survived)} caught, {len(survived)} survived, {seconds} s")
    if survived:
        raise click.ClickException(
            f"Survived: {', '.join(survived)}; each is a missing test "
            f"(logs: {DIRECTORY}, results: {RESULTS})"
        )


def choose(only: Sequence[str], kind: str | None) -> list[Defect]:
    """The defects of these names and this kind.

    Raises:
        DefectError: there is none, or one does not apply to its file.
    """
    defects = Defect.all()
    unknown = sorted(set(only) - {one.name for one in defects})
    if unknown:
        raise DefectError(f"No defect is called {', '.join(unknown)}; see --list")
    chosen = [one for one in defects if (not only or one.name in only) and kind in (None, one.kind)]
    if not chosen:
        raise DefectError(f"None of these defects is of the kind {kind}; see --list")
    for one in chosen:
        one.applied((REPOSITORY / one.file).read_text())
    return chosen


def try_all(defects: Sequence[Defect], display: Display) -> list[Trial]:
    """Try each, those that need no cloud first, and those of the stack last."""
    RESULTS.unlink(missing_ok=True)
    start = time.monotonic()
    order = sorted(defects, key=lambda one: (one.needs_cloud, one.shapes_stack))
    done = []
    with Trials(DIRECTORY, display) as trials:
        display(f"Running the tests that shall catch {len(order)} defects, without any defect")
        trials.unchanged(order)
        for number, defect in enumerate(order, start=1):
            trial = trials.one(defect)
            outcome = "caught" if trial.caught else "SURVIVED"
            display(f"{number} of {len(order)}  {outcome} in {trial.seconds} s: {defect.name}")
            if not trial.caught:
                wanted = f"{defect.caught_by} should have said {defect.says!r}"
                display(escape(f"{wanted}; what was said: {trial.said}"))
            done.append(trial)
            # Each time: who interrupts it keeps what there is.
            write(done, len(order), round(time.monotonic() - start))
    return done


def table(defects: Sequence[Defect]) -> Table:
    """The defects for people."""
    shown = Table("Kind", "Defect", "Why it matters", "Caught by")
    for one in defects:
        shown.add_row(*map(escape, (one.kind, one.name, one.why, one.caught_by)))
    return shown


def results(trials: Sequence[Trial]) -> Table:
    """What became of them, for people."""
    shown = Table("", Column("Defect", no_wrap=True), Column("By", overflow="fold"))
    for one in trials:
        outcome = "[green]caught[/]" if one.caught else "[red]SURVIVED[/]"
        shown.add_row(outcome, one.defect.name, escape(one.defect.caught_by))
    return shown


def write(trials: Sequence[Trial], chosen: int, seconds: int) -> None:
    """Write the results for programs, of so many that were chosen."""
    RESULTS.parent.mkdir(exist_ok=True)
    found = {
        "caught": [one.defect.name for one in trials if one.caught],
        "survived": [one.defect.name for one in trials if not one.caught],
        "not_tried": chosen - len(trials),
        "seconds": seconds,
        "trials": [one.model_dump() for one in trials],
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(run(partial(main, standalone_mode=False), Path("build/error.log")))
