"""The benchmark of the proxy: rounds of every workload, and what they say together."""

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import click

from integration.bench import measurements as results
from integration.bench import s3_workloads, workloads
from integration.bench.bench_page import write
from integration.bench.blobs import new_blob, verify
from integration.bench.extent import QUICK, Extent
from integration.bench.lists import list_requests
from integration.bench.machine_facts import describe
from integration.bench.measurements import LARGE, SMALL, Results, Round, Runs
from integration.bench.proofs import proof_login
from integration.bench.push import Layer
from integration.bench.variants import BenchRig
from integration.clients.image_builder import MEGABYTE
from integration.console.display import Display
from integration.console.signals import ends_on_signals

DIRECTORY = Path("build/bench")
JSON, HTML, MARKDOWN = (
    Path("build/bench.json"),
    Path("build/bench.html"),
    Path("docs/benchmarks.md"),
)
WORKLOADS = (
    *("s3_requests", "lists", "storms", "small_image", "ranges"),
    *("pull", "cold_fetches", "requests", "proofs", "push", "nginx_memory"),
)


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
            "s3_requests": lambda _: s3_workloads.s3_requests(rig),
            "lists": lambda _: list_requests(),
            "storms": lambda _: s3_workloads.storm_reads(rig, extent),
            "small_image": lambda _: s3_workloads.small_image(rig),
            "ranges": lambda _: s3_workloads.ranges(rig, extent),
            "pull": lambda turn: workloads.pulls(rig, self._blob, extent, turn),
            "cold_fetches": lambda _: workloads.cold_fetches(rig),
            "requests": lambda turn: workloads.requests(rig, extent, turn),
            "proofs": lambda turn: workloads.requests(rig, extent, turn, proof_login(rig.registry)),
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
@click.option(
    "--rounds",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="Number of times that each workload is measured.",
)
@click.option("--quick", is_flag=True, help="Run one small round, to see that everything works.")
@click.option(
    "--only",
    type=click.Choice(WORKLOADS),
    multiple=True,
    help="Measure this workload only; repeat the option for more.",
)
@click.option(
    "--pages", is_flag=True, help="Write the pages from earlier results, and measure nothing."
)
def bench(rounds: int, quick: bool, only: tuple[str, ...], pages: bool) -> None:
    """Benchmark the proxy beside its alternatives.

    Writes build/bench.json, build/bench.html, and docs/benchmarks.md. Earlier results of other
    versions of the registry are kept; with --only also those of other workloads.
    """
    runs = Runs.model_validate_json(JSON.read_text()) if JSON.exists() else Runs({})
    if pages:
        write(runs, HTML, MARKDOWN)
        return
    extent, rounds = (QUICK, 1) if quick else (Extent(), rounds)
    # What shows that everything works must not replace figures.
    files = [DIRECTORY / file.name if quick else file for file in (JSON, HTML, MARKDOWN)]
    started, start = datetime.now(UTC), time.monotonic()
    with ends_on_signals(), Display() as display:
        with BenchRig(DIRECTORY, display) as rig:
            earlier = runs.root.get(rig.version) if only and not quick else None
            measuring = Bench(rig, extent, only or WORKLOADS, display)
            measuring.prepare()
            found: list[Round] = []
            for turn in range(rounds):
                found.append(measuring.round(turn))
                merged = results.merge(earlier.rounds if earlier else [], found)
                runs.root[rig.version] = summary = Results(
                    started=started.strftime("%Y-%m-%d %H:%M UTC"),
                    seconds=round(time.monotonic() - start + (earlier.seconds if earlier else 0)),
                    machine=describe(),
                    rounds=merged,
                    ratios=results.ratios(merged),
                    nginx_memory_mb=results.memory(merged),
                )
                # After each round: the last may be one that fails.
                files[0].write_text(runs.model_dump_json(indent=2, exclude_unset=True))
        write(runs, *files[1:])
        display(f"Wrote {', '.join(map(str, files))}")
    display.console.print_json(data=summary.ratios)
