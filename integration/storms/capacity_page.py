"""docs/capacity.md and its plots: the model, what was measured, and answers as they are printed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from click.testing import CliRunner
from matplotlib.figure import Figure

from integration.console.templates import templates
from integration.storms.storm_results import BUSY, NEAR, Results
from scripts.capacity.capacity_command import capacity
from scripts.capacity.figures import (
    DELIVERIES,
    Delivery,
    Figures,
    InstanceType,
    Prices,
    Requests,
)
from scripts.capacity.model import MOST_HOSTS, Model
from scripts.capacity.plan import Plan, Planner
from scripts.capacity.storm import Host, Storm

#: Inches, and colours: what was measured or simulated, and the model.
SIZE = (7.5, 3.4)
SEEN, MODEL = "#e08e45", "#0b6e99"
COLOURS = {"redirect": "#7a9a3a", "cache": MODEL, "proxy": SEEN}
#: The type that the plot of hosts is for.
TYPE = "c7gn.2xlarge"
#: What people ask, by the name under which the template shows the answer.
QUESTIONS = {
    "first": "--servers 500 --image-size 2GB --within 60s",
    "cache": "--servers 500 --image-size 2GB --within 60s --delivery cache --peak --simulate",
    "hosts": "--servers 100 --image-size 500MB --hosts 2 --instance-type t3.medium --peak",
}

_TEMPLATES = templates("integration.storms")


def write(results: Results, directory: Path) -> None:
    """Write the page and its plots."""
    # The same results make the same files.
    with mpl.rc_context({"svg.hashsalt": "wharf"}):
        for name, figure in {
            "capacity-storms": storms(results),
            "capacity-simulation": simulations(results),
            "capacity-hosts": hosts(),
        }.items():
            figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
    text = _TEMPLATES.get_template("capacity.md.j2").render(
        results=results,
        figures=Figures.read(),
        prices=Prices.read(),
        answers={name: (question, ask(question)) for name, question in QUESTIONS.items()},
        deliveries=table(),
        compared=before_and_after(),
        near=NEAR,
        limit_of_busy=BUSY,
        median=median,
    )
    (directory / "capacity.md").write_text(text)


def ask(question: str) -> str:
    """Return the text that the program prints.

    Raises:
        RuntimeError: it failed.
    """
    done = CliRunner(env={"COLUMNS": "100"}).invoke(capacity, question.split())
    if done.exit_code:
        raise RuntimeError(done.output)
    return "\n".join(line.rstrip() for line in done.output.splitlines())


def table() -> Sequence[tuple[int, str, dict[str, str]]]:
    """Return the hosts of one type for several storms of a 2 GB image, by delivery."""
    return [
        (
            servers,
            f"{seconds} s",
            {delivery: _hosts(servers, seconds, delivery) for delivery in DELIVERIES},
        )
        for servers, seconds in ((50, 60), (200, 60), (500, 60), (500, 300), (2000, 300))
    ]


def before_and_after() -> Mapping[str, Sequence[Plan]]:
    """Return the cheapest hosts for 500 servers, 2 GB and a minute, by delivery.

    When the registry responded to each request, with figures of 2026-11-28; today; and with checks
    that serve the requests of 5 s.
    """
    today = Figures.read()
    before = today.model_copy(
        update={
            "pull": dict.fromkeys(DELIVERIES, Requests(cpu=0.02, get=8, list=6, steps=14)),
            "layer": dict.fromkeys(DELIVERIES, Requests(cpu=0.008, get=3, list=4, steps=7)),
            # Layers were fetched whole.
            "slice": 10**12,
        }
    )
    kept = today.model_copy(update={"check_seconds": 5})
    return {
        delivery: [_cheapest(delivery, known) for known in (before, today, kept)]
        for delivery in DELIVERIES
    }


def _cheapest(delivery: Delivery, figures: Figures) -> Plan:
    planner = Planner(Storm(500, 2e9, 10), figures, Prices.read(), peak=False)
    plan = planner.cheapest(delivery, InstanceType.all(), 60)
    assert plan  # noqa: S101  (some hosts are enough)
    return plan


def _hosts(servers: int, seconds: int, delivery: str) -> str:
    host = Host.of(InstanceType.all()[TYPE])
    known = next(known_delivery for known_delivery in DELIVERIES if known_delivery == delivery)
    found = Model(Figures.read()).hosts(Storm(servers, 2e9, 10), host, known, seconds)
    return "none is enough" if found is None else str(found)


def storms(results: Results) -> Figure:
    """Plot the storms' durations and the model's predictions."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    rows = results.comparisons
    places = range(len(rows))
    axes.bar(
        places,
        [2 * NEAR * row.model.seconds for row in rows],
        bottom=[(1 - NEAR) * row.model.seconds for row in rows],
        color=MODEL,
        alpha=0.15,
        label=f"within {NEAR:.0%} of it",
    )
    model = [row.model.seconds for row in rows]
    left, right = ([place + side for place in places] for side in (-0.4, 0.4))
    axes.hlines(model, left, right, color=MODEL, label="model")
    points = [(place, last) for place, row in enumerate(rows) for last in row.last]
    axes.plot(*zip(*points, strict=True), ".", color=SEEN, markersize=9, label="a round")
    axes.set(
        xlabel="distribution, delivery, hosts",
        ylabel="seconds until the last server has it",
        ylim=(0, None),
    )
    axes.set_xticks(places, [f"{row.registry}\n{row.delivery}\n{row.hosts}" for row in rows])
    axes.legend()
    return figure


def simulations(results: Results) -> Figure:
    """Plot the formula's distance from the simulation."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.axhspan(-NEAR * 100, NEAR * 100, color=MODEL, alpha=0.1, linewidth=0)
    axes.axhline(0, color="0.7", linewidth=1)
    for delivery, colour in COLOURS.items():
        chosen = [case for case in results.simulations if case.delivery == delivery]
        axes.scatter(
            [case.servers for case in chosen],
            [case.difference * 100 for case in chosen],
            color=colour,
            label=delivery,
        )
    axes.set(
        xlabel="servers",
        ylabel="formula is longer by, %",
        xscale="log",
        ylim=(-2 * NEAR * 100, 2 * NEAR * 100),
    )
    axes.legend()
    return figure


def hosts() -> Figure:
    """Plot the hosts needed for 2 GB in a minute, by servers and delivery mode."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    host, model = Host.of(InstanceType.all()[TYPE]), Model(Figures.read())
    numbers = [10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000]
    for delivery in DELIVERIES:
        found = [model.hosts(Storm(number, 2e9, 10), host, delivery, 60) for number in numbers]
        points = [(x, y) for x, y in zip(numbers, found, strict=True) if y is not None]
        if points:
            axes.plot(
                *zip(*points, strict=True), color=COLOURS[delivery], marker=".", label=delivery
            )
    axes.set(
        xlabel=f"servers; 2 GB in 10 layers, within a minute, baseline bandwidth of {TYPE}",
        ylabel=f"hosts (at most {MOST_HOSTS})",
        xscale="log",
        yscale="log",
    )
    axes.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
    axes.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axes.minorticks_off()
    axes.legend()
    return figure
