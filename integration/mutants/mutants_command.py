"""Trials of deliberate defects, which tests have to catch: ``wharf mutants``."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Column, Table

from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.mutants.defect_trials import Trial, Trials
from integration.mutants.defects import KINDS, REPOSITORY, Defect, DefectError

DIRECTORY = Path("build/mutants")
RESULTS = Path("build/mutants.json")


@click.command()
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    help="Try this defect only; repeat the option for more.",
)
@click.option("--kind", type=click.Choice(KINDS), help="Try defects of this kind only.")
@click.option("--list", "listed", is_flag=True, help="List the defects, and try none.")
def main(only: Sequence[str], kind: str | None, *, listed: bool) -> None:
    """Show that each deliberate defect fails its test.

    Writes build/mutants.json.
    """
    chosen = choose(only, kind)
    with ends_on_signals(), Display() as display:
        if listed:
            display.console.print(table(chosen))
            return
        start = time.monotonic()
        trials = try_all(chosen, display)
        seconds = round(time.monotonic() - start)
        display.console.print(results(trials))
    survived = [trial.defect.name for trial in trials if not trial.caught]
    click.echo(f"{len(trials) - len(survived)} caught, {len(survived)} survived, {seconds} s")
    if survived:
        raise click.ClickException(
            f"Survived: {', '.join(survived)}; each is a missing test "
            f"(logs: {DIRECTORY}, results: {RESULTS})"
        )


def choose(only: Sequence[str], kind: str | None) -> list[Defect]:
    """Return the defects of these names and this kind.

    Raises:
        DefectError: there is none, or one does not apply to its file.
    """
    defects = Defect.all()
    unknown = sorted(set(only) - {defect.name for defect in defects})
    if unknown:
        raise DefectError(f"No defect is called {', '.join(unknown)}; see --list")
    chosen = [
        defect
        for defect in defects
        if (not only or defect.name in only) and kind in (None, defect.kind)
    ]
    if not chosen:
        raise DefectError(f"None of these defects is of the kind {kind}; see --list")
    for defect in chosen:
        defect.applied((REPOSITORY / defect.file).read_text())
    return chosen


def try_all(defects: Sequence[Defect], display: Display) -> list[Trial]:
    """Try each, those that need no cloud first, and those of the stack last."""
    RESULTS.unlink(missing_ok=True)
    start = time.monotonic()
    order = sorted(defects, key=lambda defect: (defect.needs_cloud, defect.shapes_stack))
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
    """Return the defects for people."""
    shown = Table("Kind", "Defect", "Why it matters", "Caught by")
    for defect in defects:
        shown.add_row(*map(escape, (defect.kind, defect.name, defect.why, defect.caught_by)))
    return shown


def results(trials: Sequence[Trial]) -> Table:
    """Return a table of the results for people."""
    shown = Table("", Column("Defect", no_wrap=True), Column("By", overflow="fold"))
    for trial in trials:
        outcome = "[green]caught[/]" if trial.caught else "[red]SURVIVED[/]"
        shown.add_row(outcome, trial.defect.name, escape(trial.defect.caught_by))
    return shown


def write(trials: Sequence[Trial], chosen: int, seconds: int) -> None:
    """Write the results for programs, of so many that were chosen."""
    RESULTS.parent.mkdir(exist_ok=True)
    found = {
        "caught": [trial.defect.name for trial in trials if trial.caught],
        "survived": [trial.defect.name for trial in trials if not trial.caught],
        "not_tried": chosen - len(trials),
        "seconds": seconds,
        "trials": [trial.model_dump() for trial in trials],
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
