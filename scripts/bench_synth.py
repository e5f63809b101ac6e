"""Duration of the synthesis of the stack: ``wharf bench-synth``.

Whole processes with warm caches are compared with the minimum work of CDKTF
(``scripts/synth_floor.py``) and with the other bindings, one after the other in each round.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.progress import track

from scripts.programs import children_cpu, output_of

REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "build" / "bench-synth.json"
STACK = Path("stacks/wharf/cdk.tf.json")
#: Limit in seconds for a synthesis, which takes 2, with cold caches 30.
TIMEOUT = 300


@dataclass(frozen=True)
class Program:
    """A measured program, with its seconds of wall time and of CPU time in each round."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


@click.command()
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=7,
    show_default=True,
    help="Number of times that each program runs.",
)
def bench_synth(rounds: int) -> None:
    """Measure how long synthesis takes.

    Writes build/bench-synth.json.
    """
    with tempfile.TemporaryDirectory() as directory:
        programs = prepared(Path(directory))
        runs = [program for _ in range(rounds) for program in programs.values()]
        for program in track(runs, description="Synthesizing"):
            measure(program, Path(directory))
    result = {"rounds": rounds, **summary(programs)}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for name, program in programs.items():
        click.echo(
            f"{name:6} {statistics.median(program.seconds):6.2f} s,"
            f" {statistics.median(program.cpu_seconds):5.2f} s of CPU time (medians)"
        )
    click.echo(f"{result['ratio_to_floor']:.2f} times the floor; {RESULT.relative_to(REPOSITORY)}")


def prepared(directory: Path) -> dict[str, Program]:
    """Return the programs, after a run of each that warms the caches."""
    main = (sys.executable, str(REPOSITORY / "main.py"))
    programs = {
        "stack": Program(main),
        "floor": Program((sys.executable, "-m", "scripts.synth_floor", str(directory / STACK))),
        "cdktn": Program(main, {"CDKTF_BINDINGS": "cdktn"}),
    }
    for program in programs.values():
        run(program, directory)
    return programs


def measure(program: Program, directory: Path) -> None:
    """Run a program, and record its times."""
    cpu, start = children_cpu(), time.perf_counter()
    run(program, directory)
    program.seconds.append(round(time.perf_counter() - start, 3))
    program.cpu_seconds.append(round(children_cpu() - cpu, 3))


def run(program: Program, directory: Path) -> None:
    """Run a program with default settings.

    Raises:
        click.ClickException: the program failed; the text is its last line.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    outdir = {"CDKTF_OUTDIR": str(directory), "PYTHONPATH": str(REPOSITORY)}
    output_of(
        " ".join(program.command[1:]),
        program.command,
        click.ClickException,
        cwd=directory,
        env={**others, **outdir, **program.environment},
        timeout=TIMEOUT,
    )


def summary(programs: Mapping[str, Program]) -> dict[str, object]:
    """Return the ratios of the medians, and all values."""
    stack, floor = programs["stack"], programs["floor"]

    def ratio(first: list[float], second: list[float]) -> float:
        return round(statistics.median(first) / statistics.median(second), 3)

    return {
        "ratio_to_floor": ratio(stack.seconds, floor.seconds),
        "cpu_ratio_to_floor": ratio(stack.cpu_seconds, floor.cpu_seconds),
        "seconds": {name: program.seconds for name, program in programs.items()},
        "cpu_seconds": {name: program.cpu_seconds for name, program in programs.items()},
    }
