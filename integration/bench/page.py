"""What people read of the results: a page with plots, and the table in the documentation."""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from integration.bench.goals import GOALS
from integration.bench.results import PullFigures, Results
from integration.plots import svg
from integration.templates import templates

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


def page(results: Results) -> str:
    """A page of its own with the goals and plots, in HTML with SVG inside."""
    plots = {"Goals": goals(results)}
    if any(one.pull for one in results.rounds):
        plots["Throughput"] = throughput(results)
        plots["CPU time"] = cpu(results)
    drawn = {title: svg(figure) for title, figure in plots.items()}
    return _TEMPLATES.get_template("page.html.j2").render(**values(results), plots=drawn)


def document(results: Results) -> str:
    """``docs/benchmarks.md``."""
    return _TEMPLATES.get_template("benchmarks.md.j2").render(**values(results))


def values(results: Results) -> dict[str, object]:
    """What the templates show."""
    return {
        "results": results,
        "goals": [
            (goal, results.ratios[goal.name], goal.reached(results.ratios[goal.name]))
            for goal in GOALS
            if goal.name in results.ratios
        ],
        "variants": {
            name: {
                "mb_per_s": medians(results, lambda one: one.mb_per_s)[name],
                "cpu_s_per_gb": medians(results, lambda one: one.cpu_s_per_gb)[name],
                "parts": [f"{used:.2f}" for used in parts(results, name).values()],
                "all": sum(parts(results, name).values()),
            }
            for name in medians(results, lambda one: one.mb_per_s)
        },
        "parts": list(PARTS),
        "pushes": pushes(results),
        "requests": requests(results),
    }


def requests(results: Results) -> dict[str, float]:
    """The median of each figure of the small requests."""
    found = [one.requests.model_dump() for one in results.rounds if one.requests]
    return {name: median(one[name] for one in found) for name in (found[0] if found else ())}


def pushes(results: Results) -> dict[str, dict[str, float]]:
    """For each way to push: the median rate in MB/s, and CPU seconds by what used them."""
    found = [one.push for one in results.rounds if one.push]
    if not found:
        return {}
    rates = {
        "through_nginx": median(one.through_nginx for one in found),
        "direct": median(one.direct for one in found),
    }
    return {
        way: {
            "mb_per_s": rate,
            **{part: median(one.cpu_s_of[way].get(part, 0.0) for one in found) for part in PARTS},
        }
        for way, rate in rates.items()
    }


def medians(results: Results, read: Callable[[PullFigures], float]) -> dict[str, float]:
    """The median over the rounds of a figure of each variant that was pulled from."""
    pulls = [one.pull for one in results.rounds if one.pull]
    names = sorted(pulls[0]) if pulls else []
    return {name: median(read(pull[name]) for pull in pulls) for name in names}


def parts(results: Results, name: str) -> dict[str, float]:
    """The median CPU seconds a GB of a variant by what used them."""
    pulls = [one.pull[name].cpu_s_per_gb_of for one in results.rounds if one.pull]
    return {part: median(pull.get(part, 0.0) for pull in pulls) for part in PARTS}


def goals(results: Results) -> Figure:
    """How far each ratio is from its goal: 1 is the goal, to the right of it is better, up to 2."""
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
    """Throughput of each variant: the median, and every round as a point."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    rates = medians(results, lambda one: one.mb_per_s)
    names = sorted(rates, key=rates.__getitem__, reverse=True)
    axes.barh(
        names,
        [rates[name] for name in names],
        color=[OURS if name in WHARF else THEIRS for name in names],
    )
    for pull in (one.pull for one in results.rounds if one.pull):
        axes.plot([pull[name].mb_per_s for name in names], names, "k.", markersize=4)
    axes.set(xlabel="MB/s, 32 clients pull one 20 MB layer; a point is a round")
    axes.invert_yaxis()
    return figure


def cpu(results: Results) -> Figure:
    """Where the machine's CPU time goes for each variant."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    used: Mapping[str, Mapping[str, float]] = {
        name: parts(results, name) for name in medians(results, lambda one: one.mb_per_s)
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


def write(results: Results, html: Path, markdown: Path) -> None:
    """Write both."""
    html.write_text(page(results))
    markdown.write_text(document(results))
