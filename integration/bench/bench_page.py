"""Pages of the results: a page with plots, and the table in the documentation."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from integration.bench.goals import GOALS
from integration.bench.measurements import PullFigures, Results, Runs
from integration.console.plots import svg
from integration.console.templates import templates

#: Inches, and the colours of Wharf's variants and of those that they are compared with.
SIZE = (7.5, 3.2)
OURS, THEIRS = "#0b6e99", "#b4b4b4"
#: Where the scale of the goals ends: twice as good as wanted is good enough.
BEST = 2.0
WHARF = ("cache", "proxy", "redirect")
#: What runs on the hosts, then the rest of the machine.
PARTS = {
    "nginx": "#0b6e99",
    "registry": "#e08e45",
    "balancer": "#9a9a9a",
    "s3": "#c7b299",
    "client": "#dddddd",
}

_TEMPLATES = templates("integration.bench")


def page(runs: Runs) -> str:
    """Return a page of its own with the goals and plots of each run, in HTML with SVG inside."""
    plots = {}
    for version, results in runs.root.items():
        plots[f"Goals, distribution {version}"] = goals(results)
        if figures_of(results, "pull"):
            plots[f"Throughput, distribution {version}"] = throughput(results)
            plots[f"CPU time, distribution {version}"] = cpu(results)
    drawn = {title: svg(figure) for title, figure in plots.items()}
    return _TEMPLATES.get_template("page.html.j2").render(**values(runs), plots=drawn)


def document(runs: Runs) -> str:
    """Return ``docs/benchmarks.md``."""
    return _TEMPLATES.get_template("benchmarks.md.j2").render(**values(runs))


def values(runs: Runs) -> dict[str, object]:
    """Return the values of the templates."""
    measured = {name for run in runs.root.values() for name in run.ratios}
    return {
        "runs": runs.root,
        "details": {version: details(results) for version, results in runs.root.items()},
        "goals": [
            (
                goal,
                [
                    (run.ratios[goal.name], goal.reached(run.ratios[goal.name]))
                    if goal.name in run.ratios
                    else None
                    for run in runs.root.values()
                ],
            )
            for goal in GOALS
            if goal.name in measured
        ],
        "missing": [goal.name for goal in GOALS if goal.name not in measured],
        "parts": list(PARTS),
    }


def details(results: Results) -> dict[str, object]:
    """Return the values of the templates for one run."""
    cpu_s_per_gb = medians(results, lambda variant: variant.cpu_s_per_gb)
    storms = figures_of(results, "storms")
    return {
        "variants": {
            name: {
                "mb_per_s": rate,
                "cpu_s_per_gb": cpu_s_per_gb[name],
                "parts": [f"{used:.2f}" for used in parts(results, name).values()],
                "all": sum(parts(results, name).values()),
            }
            for name, rate in medians(results, lambda variant: variant.mb_per_s).items()
        },
        "pushes": pushes(results),
        "requests": each_median(figures_of(results, "requests")),
        "proofs": each_median(figures_of(results, "proofs")),
        "small_image": each_median(figures_of(results, "small_image")),
        "storms": {
            name: each_median([storm[name] for storm in storms])
            for name in (storms[0] if storms else ())
        },
        "ranges": each_median(figures_of(results, "ranges")),
    }


def figures_of(results: Results, workload: str) -> list[Any]:
    """Return the figures of a workload from each round that measured the workload."""
    return [found for round_ in results.rounds if (found := getattr(round_, workload))]


def each_median(found: Sequence[Any]) -> dict[str, float]:
    """Return the median of each figure of models or tables."""
    tables = [dict(table) for table in found]
    return {name: median(table[name] for table in tables) for name in (tables[0] if tables else ())}


def pushes(results: Results) -> dict[str, dict[str, float]]:
    """Return for each way to push the median rate in MB/s, and the CPU seconds of each program."""
    found = figures_of(results, "push")
    if not found:
        return {}
    rates = {
        "through_nginx": median(push.through_nginx for push in found),
        "direct": median(push.direct for push in found),
    }
    return {
        way: {
            "mb_per_s": rate,
            **{part: median(push.cpu_s_of[way].get(part, 0.0) for push in found) for part in PARTS},
        }
        for way, rate in rates.items()
    }


def medians(results: Results, read: Callable[[PullFigures], float]) -> dict[str, float]:
    """Return the median over the rounds of a figure of each variant that was pulled from."""
    pulls = figures_of(results, "pull")
    names = sorted(pulls[0]) if pulls else []
    return {name: median(read(pull[name]) for pull in pulls) for name in names}


def parts(results: Results, name: str) -> dict[str, float]:
    """Return the median CPU seconds a GB of a variant for each program."""
    pulls = [pull[name].cpu_s_per_gb_of for pull in figures_of(results, "pull")]
    return {part: median(pull.get(part, 0.0) for pull in pulls) for part in PARTS}


def goals(results: Results) -> Figure:
    """Plot each ratio over its goal: 1 is the goal, larger is better, up to 2."""
    shown = [(goal, results.ratios[goal.name]) for goal in GOALS if goal.name in results.ratios]
    figure = Figure(figsize=(SIZE[0], 0.5 + 0.32 * len(shown)), layout="constrained")
    axes = figure.subplots()
    scores = [
        min(value / goal.bound if goal.sign == ">=" else goal.bound / max(value, 1e-9), BEST)
        for goal, value in shown
    ]
    colours = [OURS if goal.reached(value) else "#c0392b" for goal, value in shown]
    bars = axes.barh([goal.name for goal, _ in shown], scores, color=colours)
    axes.bar_label(
        bars, [f"{value:g} ({goal.sign} {goal.bound:g})" for goal, value in shown], padding=3
    )
    axes.axvline(1, color="0.7", linewidth=1, zorder=0)
    axes.set(xlabel="goal = 1, better to the right", xlim=(0, max([*scores, 1]) * 1.35))
    axes.invert_yaxis()
    return figure


def throughput(results: Results) -> Figure:
    """Plot the throughput of each variant: the median, and every round as a point."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    rates = medians(results, lambda variant: variant.mb_per_s)
    names = sorted(rates, key=rates.__getitem__, reverse=True)
    axes.barh(
        names,
        [rates[name] for name in names],
        color=[OURS if name in WHARF else THEIRS for name in names],
    )
    for pull in figures_of(results, "pull"):
        axes.plot([pull[name].mb_per_s for name in names], names, "k.", markersize=4)
    axes.set(xlabel="MB/s, 32 clients pull one 20 MB layer; a point is a round")
    axes.invert_yaxis()
    return figure


def cpu(results: Results) -> Figure:
    """Plot the CPU time of each program for each variant."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    used: Mapping[str, Mapping[str, float]] = {
        name: parts(results, name) for name in medians(results, lambda variant: variant.mb_per_s)
    }
    names = sorted(used, key=lambda name: sum(used[name].values()))
    left = [0.0] * len(names)
    for part, colour in PARTS.items():
        widths = [used[name][part] for name in names]
        axes.barh(names, widths, left=left, color=colour, label=part)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set(xlabel="CPU seconds a GB (hosts: nginx and registry)")
    axes.legend()
    axes.invert_yaxis()
    return figure


def write(runs: Runs, html: Path, markdown: Path) -> None:
    """Write both."""
    html.write_text(page(runs))
    markdown.write_text(document(runs))
