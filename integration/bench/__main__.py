"""The benchmark of the proxy: rounds of every workload, and what they say together."""

import sys
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from integration.bench import results, workloads
from integration.bench.blobs import new_blob, verify
from integration.bench.machine import describe
from integration.bench.page import write
from integration.bench.push import Layer
from integration.bench.results import LARGE, SMALL, Results, Round
from integration.bench.rig import BenchRig
from integration.bench.variant import MEGABYTE
from integration.bench.workloads import Extent
from integration.display import Display
from integration.interrupts import ends_on_signals
from integration.messages import run

DIRECTORY = Path("build/bench")
JSON, HTML, MARKDOWN = (
    Path("build/bench.json"),
    Path("build/bench.html"),
    Path("docs/benchmarks.md"),
)
WORKLOADS = ("pull", "cold_fetches", "requests", "push", "nginx_memory")
#: A run that only shows that everything works.
QUICK = Extent(pulls_each=1, seconds=2, crowd_seconds=15, layer_bytes=30 * MEGABYTE)


class Bench:
    """The rounds on one rig.

    Args:
        rig: one that stands.
        extent: how much is moved.
        wanted: the workloads.
        report: gets a line for each step.
    """

    def __init__(
        self, rig: BenchRig, extent: Extent, wanted: Collection[str], report: Callable[[str], None]
    ) -> None:
        self._rig = rig
        self._report = report
        self._layer = Layer(rig.static / "layer", extent.layer_bytes)
        self._blob = new_blob(rig, workloads.BLOB)
        self._sizes = {size: new_blob(rig, int(size) * MEGABYTE) for size in (SMALL, LARGE)}
        every: dict[str, Callable[[int], object]] = {
            "pull": lambda turn: workloads.pulls(rig, self._blob, extent, turn),
            "cold_fetches": lambda _: workloads.cold_fetches(rig),
            "requests": lambda turn: workloads.requests(rig, extent, turn),
            "push": lambda turn: workloads.pushes(rig, self._layer, turn),
            "nginx_memory": lambda turn: workloads.nginx_memory(rig, self._sizes, extent, turn),
        }
        self._workloads = {name: every[name] for name in every if name in wanted}

    def prepare(self) -> None:
        """See that each variant serves the right bytes, which also warms the caches.

        Raises:
            LocalCloudError: one does not.
        """
        for name in workloads.PULLED:
            verify(self._rig.variants[name], self._blob)

    def round(self, turn: int) -> Round:
        """Measure everything once."""
        found = {}
        for name, measure in self._workloads.items():
            if name == "nginx_memory" and turn >= len(workloads.THROUGH_NGINX):
                continue
            start = time.monotonic()
            found[name] = measure(turn)
            self._report(f"Round {turn + 1}: {name} took {time.monotonic() - start:.0f} s")
        return Round.model_validate(found)


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--quick", is_flag=True, help="One small round, to see that everything works.")
@click.option(
    "--only", type=click.Choice(WORKLOADS), multiple=True, help="Only this; may be given again."
)
@click.option("--pages", is_flag=True, help="Measure nothing, write the pages anew.")
def bench(rounds: int, quick: bool, only: tuple[str, ...], pages: bool) -> None:
    """Measure Wharf's proxy and what it is compared with, in turn.

    Writes build/bench.json and build/bench.html, and docs/benchmarks.md if nothing was left out.
    """
    if pages:
        write(Results.model_validate_json(JSON.read_text()), HTML, MARKDOWN)
        return
    extent, rounds = (QUICK, 1) if quick else (Extent(), rounds)
    started, start = datetime.now(UTC), time.monotonic()
    with ends_on_signals(), Display() as display:
        with BenchRig(DIRECTORY, display) as rig:
            measuring = Bench(rig, extent, only or WORKLOADS, display)
            measuring.prepare()
            found: list[Round] = []
            for turn in range(rounds):
                found.append(measuring.round(turn))
                summary = Results(
                    started=started.strftime("%Y-%m-%d %H:%M UTC"),
                    seconds=round(time.monotonic() - start),
                    machine=describe(),
                    rounds=found,
                    ratios=results.ratios(found),
                    nginx_memory_mb=results.memory(found),
                )
                # After each round: the last may be one that fails.
                JSON.write_text(summary.model_dump_json(indent=2))
        # A run that is not whole must not replace the figures that the documentation shows.
        markdown = DIRECTORY / MARKDOWN.name if quick or only else MARKDOWN
        write(summary, HTML, markdown)
        display(f"Wrote {JSON}, {HTML} and {markdown}")
    display.console.print_json(data=summary.ratios)


if __name__ == "__main__":
    sys.exit(run(partial(bench, standalone_mode=False), DIRECTORY / "error.log"))
