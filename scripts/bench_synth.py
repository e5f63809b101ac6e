"""Measure how long the synthesis of the stack takes: ``python -m scripts.bench_synth``.

Whole processes with warm caches, against the least that CDKTF can do (``scripts/synth_floor.py``)
and against the other bindings, one after the other in each round.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.progress import track

REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "build" / "bench-synth.json"
STACK = Path("stacks/wharf/cdk.tf.json")
#: Seconds for one synthesis; 2 are usual, with cold caches 30.
TIMEOUT = 300


@dataclass(frozen=True)
class Program:
    """What is measured, and what it took: seconds of the clock, and of all processors together."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True)
def bench_synth(rounds: int) -> None:
    """Measure, and write build/bench-synth.json."""
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
    """The programs, each run once, so that all caches are warm."""
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
    """Run a program once more, and keep what it took."""
    cpu, start = _cpu_of_children(), time.perf_counter()
    run(program, directory)
    program.seconds.append(round(time.perf_counter() - start, 3))
    program.cpu_seconds.append(round(_cpu_of_children() - cpu, 3))


def run(program: Program, directory: Path) -> None:
    """Run a program with settings of nobody's.

    Raises:
        click.ClickException: it failed; the text is what it said last.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    outdir = {"CDKTF_OUTDIR": str(directory), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        program.command,
        cwd=directory,
        env={**others, **outdir, **program.environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise click.ClickException(f"{' '.join(program.command[1:])}: {said[-1]}")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def summary(programs: Mapping[str, Program]) -> dict[str, object]:
    """The medians' ratios, and every value they come from."""
    stack, floor = programs["stack"], programs["floor"]

    def ratio(one: list[float], other: list[float]) -> float:
        return round(statistics.median(one) / statistics.median(other), 3)

    return {
        "ratio_to_floor": ratio(stack.seconds, floor.seconds),
        "cpu_ratio_to_floor": ratio(stack.cpu_seconds, floor.cpu_seconds),
        "seconds": {name: program.seconds for name, program in programs.items()},
        "cpu_seconds": {name: program.cpu_seconds for name, program in programs.items()},
    }


if __name__ == "__main__":
    bench_synth(prog_name="python -m scripts.bench_synth")
