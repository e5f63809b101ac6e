"""The plots of the report."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from integration.clients.image_builder import MEGABYTE
from integration.load.run_results import HostSample, Run

#: Inches, and the colours: of pulls, of pushes, of what went wrong, of times.
WIDTH = 9.0
PULL, PUSH, WRONG, TIME = "#0b6e99", "#e08e45", "#c0392b", "#5b4b8a"
HOSTS = ("#0b6e99", "#e08e45", "#5b9e6f", "#5b4b8a", "#b5651d", "#7f8c8d")


def over_time(run: Run) -> Figure:
    """Plot throughput, operations and latency by second, with the events on hosts."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    traffic, counts, times = figure.subplots(3, sharex=True)

    def series(name: str) -> list[Any]:
        return [getattr(moment, name) for moment in run.moments]

    at = [moment.time - run.started for moment in run.moments]
    traffic.fill_between(at, series("mb_per_s"), color=PULL, alpha=0.7, lw=0)
    traffic.set(ylabel="MB/s", ylim=(0, None))
    counts.plot(at, series("operations_per_s"), color=PUSH, label="operations")
    counts.plot(at, series("failures_per_s"), color=WRONG, label="failed")
    counts.set(ylabel="a second", ylim=(0, None))
    counts.legend(loc="upper right", frameon=False)
    for name, style in (("p50_ms", "-"), ("p95_ms", "--")):
        seconds = [float("nan") if ms is None else ms / 1000 for ms in series(name)]
        times.plot(at, seconds, style, color=TIME, label=name.removesuffix("_ms"))
    times.set(ylabel="s, last 10 s", xlabel="seconds since the first request", ylim=(0, None))
    times.legend(loc="upper right", frameon=False)
    for axes in (traffic, counts, times):
        _plain(axes)
        for event in run.events:
            axes.axvline(event.time - run.started, color=WRONG, lw=1, ls=":")
    for event in run.events:
        traffic.annotate(
            event.description,
            (event.time - run.started, 1),
            xycoords=("data", "axes fraction"),
            rotation=30,
            fontsize=8,
            color=WRONG,
        )
    return figure


def distribution(run: Run) -> Figure:
    """Plot the part of pulls and pushes that had ended, by seconds."""
    figure = Figure(figsize=(WIDTH, 3), layout="constrained")
    axes = figure.subplots()
    for name, colour in (("PULL image", PULL), ("PUSH image", PUSH)):
        figures = run.figures.get(name)
        if figures is None or not figures.distribution:
            continue
        total, done, at, parts = sum(figures.distribution.values()), 0, [], []
        for ms in sorted(figures.distribution):
            done += figures.distribution[ms]
            at.append(max(ms, 1) / 1000)
            parts.append(100 * done / total)
        axes.step([at[0], *at], [0.0, *parts], where="post", color=colour, label=name.lower())
        for part in (figures.p50_ms, figures.p95_ms, figures.p99_ms):
            axes.axvline(max(part, 1) / 1000, color=colour, lw=0.8, ls=":")
    axes.set(xlabel="seconds; dotted: 50 %, 95 %, 99 %", ylabel="% done", ylim=(0, 102))
    axes.legend(loc="lower right", frameon=False)
    _plain(axes)
    return figure


def shares(run: Run) -> Figure:
    """Plot the bytes that each host sent to clients."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    left = 0.0
    sent = sent_by_host(run.samples)
    for (host, count), colour in zip(sent.items(), HOSTS * (1 + len(sent)), strict=False):
        part = 100 * count / max(sum(sent.values()), 1)
        axes.barh([0], [part], left=left, color=colour, label=f"{host}: {part:.0f} %")
        left += part
    axes.set(xlabel="% of the bytes sent", yticks=[], xlim=(0, 100))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35), ncol=2, frameon=False)
    _plain(axes)
    return figure


def sent_by_host(samples: Sequence[HostSample]) -> dict[str, float]:
    """Return the bytes that each host has sent between its first and its last sample."""
    found: dict[str, list[float]] = {}
    for sample in samples:
        found.setdefault(sample.host, []).append(sample.sent_bytes)
    return {host: values[-1] - values[0] for host, values in sorted(found.items())}


def s3(run: Run) -> Figure:
    """Plot the registry's requests to S3."""
    figure = Figure(figsize=(WIDTH, 2.2), layout="constrained")
    axes = figure.subplots()
    counts = dict(sorted((run.s3_requests or {}).items(), key=lambda item: item[1]))
    bars = axes.barh(list(counts), list(counts.values()), color=PULL)
    axes.bar_label(bars, padding=3)
    axes.set(xlabel="requests", xlim=(0, 1.12 * max([*counts.values(), 1])))
    _plain(axes)
    return figure


def resources(run: Run) -> Figure:
    """Plot memory, open files and disk of each host."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    hosts = sorted({sample.host for sample in run.samples})
    wanted = (("memory_bytes", "memory, MB"), ("open_files", "open files"), ("disk_bytes", "MB"))
    for axes, (name, label) in zip(figure.subplots(3, sharex=True), wanted, strict=True):
        unit = MEGABYTE if name.endswith("bytes") else 1
        for host, colour in zip(hosts, HOSTS * (1 + len(hosts)), strict=False):
            values = {
                sample.time - run.started: value / unit
                for sample in run.samples
                if sample.host == host and (value := getattr(sample, name))
            }
            axes.plot(list(values), list(values.values()), color=colour, label=host)
        axes.set(ylabel="cache, MB" if name == "disk_bytes" else label, ylim=(0, None))
        _plain(axes)
    return figure


def history(runs: Sequence[Run]) -> Figure:
    """Plot runs of the same kind, the last run to the right."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    times, traffic = figure.subplots(2, sharex=True)
    at = list(range(1 - len(runs), 1))
    for name, colour in (("p50_ms", PULL), ("p95_ms", TIME), ("p99_ms", WRONG)):
        values = [getattr(run.figures.get("PULL image"), name, float("nan")) for run in runs]
        label = name.removesuffix("_ms")
        times.plot(at, [value / 1000 for value in values], ".-", color=colour, label=label)
    times.set(ylabel="pull, s", ylim=(0, None))
    times.legend(loc="upper left", frameon=False, ncol=3)
    traffic.plot(at, [run.mb_per_s_per_host for run in runs], ".-", color=PULL)
    failed = {x: run.mb_per_s_per_host for x, run in zip(at, runs, strict=True) if run.broken}
    if failed:
        traffic.plot(list(failed), list(failed.values()), "x", color=WRONG, label="failed")
        traffic.legend(loc="upper left", frameon=False)
    traffic.set(ylabel="MB/s a host", xlabel="runs before this one", ylim=(0, None))
    for axes in (times, traffic):
        _plain(axes)
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
