"""Verdict about a run: by fixed thresholds, and in comparison with earlier runs."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from integration.load.run_results import Figures, HostSample, Run
from integration.local.errors import LocalCloudError
from scripts.toml_file import read_toml

FILE = Path(__file__).resolve().parent / "thresholds.toml"
#: Bytes and files below which growth is none: a cache that fills, a log that begins.
FLOORS = {"memory": 50_000_000, "open_files": 50, "disk": 50_000_000}
#: Remedy when growth has too few samples.
UNREAD = (
    "growth_percent; it takes a registry on this machine, without --registry, and more --seconds"
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Growth(_Strict):
    """Percent by which each may grow."""

    memory: float = Field(ge=0)
    open_files: float = Field(ge=0)
    disk: float = Field(ge=0)


class Limits(_Strict):
    """The thresholds of a workload; what is None is not limited."""

    failed_percent: float = Field(ge=0)
    p50_ms: float | None = Field(None, gt=0)
    p95_ms: float | None = Field(None, gt=0)
    p99_ms: float | None = Field(None, gt=0)
    mb_per_s_per_host: float | None = Field(None, ge=0)
    growth_percent: Growth | None = None


class Past(_Strict):
    """Parameters of the comparison with earlier runs."""

    runs: int = Field(ge=1)
    least: int = Field(ge=1)
    times: float = Field(gt=1)


class Thresholds(_Strict):
    """The file."""

    history: Past
    storm: Limits
    mixed: Limits
    production: Limits
    soak: Limits


class Judgement(BaseModel):
    """One figure, and what it is held to."""

    figure: str
    value: float
    sign: str
    bound: float
    #: Where the bound comes from.
    source: str

    @property
    def holds(self) -> bool:
        """Return whether a value keeps the threshold."""
        return self.value <= self.bound if self.sign == "<=" else self.value >= self.bound

    def __str__(self) -> str:
        return (
            f"{self.figure} is {self.value:.4g}, not {self.sign} {self.bound:.4g} ({self.source})"
        )


def load(file: Path = FILE) -> Thresholds:
    """Read the thresholds.

    Raises:
        LocalCloudError: the file is invalid; the text has a line for each error.
    """
    return read_toml(file, Thresholds, LocalCloudError)


def judge(run: Run, past: Sequence[Run], thresholds: Thresholds) -> list[Judgement]:
    """Hold a run to the thresholds of its workload, and to the runs before it."""
    limits: Limits = getattr(thresholds, run.workload)
    return [*_fixed(run, limits), *_growth(run, limits), *_history(run, past, thresholds.history)]


def _fixed(run: Run, limits: Limits) -> list[Judgement]:
    found = [
        _pulled(run),
        _judgement("failed_percent", run.failed_percent, "<=", limits.failed_percent),
    ]
    for name, value in latencies(run).items():
        bound = getattr(limits, name)
        if bound is not None:
            found.append(_judgement(name, value, "<=", bound))
    if limits.mb_per_s_per_host is not None:
        # Small layers are mostly waiting.
        bound = limits.mb_per_s_per_host * min(run.scale, 1)
        found.append(_judgement("mb_per_s_per_host", run.mb_per_s_per_host, ">=", bound))
    return found


def _pulled(run: Run) -> Judgement:
    pulls = run.figures.get("PULL image")
    good = pulls.count - pulls.failed if pulls else 0
    if run.workload != "storm":
        # Of nothing, nothing fails.
        return _judgement("pulls", good, ">=", 1)
    # The slowest of those that came through says nothing of those that did not.
    return Judgement(
        figure="servers that have the image",
        value=good,
        sign=">=",
        bound=run.users,
        source="--users",
    )


def _judgement(figure: str, value: float, sign: str, bound: float) -> Judgement:
    return Judgement(figure=figure, value=value, sign=sign, bound=bound, source="thresholds")


def latencies(run: Run) -> dict[str, float]:
    """Return the percentiles of the pulls that thresholds are about."""
    pulls: Figures | None = run.figures.get("PULL image")
    names = ("p50_ms", "p95_ms", "p99_ms")
    return {name: getattr(pulls, name) for name in names} if pulls else {}


def _history(run: Run, past: Sequence[Run], how: Past) -> list[Judgement]:
    # Failed requests would raise the usual duration while a fault lasts.
    held = [earlier for earlier in past if earlier.kind == run.kind and earlier.broken == []]
    same = held[-how.runs :]
    if len(same) < how.least:
        return []
    source = f"{how.times:g} times as bad as the median of the last {len(same)} that held"
    found = [
        Judgement(
            figure=name,
            value=value,
            sign="<=",
            bound=median(latencies(earlier)[name] for earlier in same) * how.times,
            source=source,
        )
        for name, value in latencies(run).items()
        if all(name in latencies(earlier) for earlier in same)
    ]
    usual = median(earlier.mb_per_s_per_host for earlier in same)
    found.append(
        Judgement(
            figure="mb_per_s_per_host",
            value=run.mb_per_s_per_host,
            sign=">=",
            bound=usual / how.times,
            source=source,
        )
    )
    return found


def _growth(run: Run, limits: Limits) -> list[Judgement]:
    if limits.growth_percent is None:
        return []
    found = []
    for host in sorted({sample.host for sample in run.samples}):
        samples = [sample for sample in run.samples if sample.host == host]
        for name, unit in (("memory", "_bytes"), ("open_files", ""), ("disk", "_bytes")):
            value = growth(samples, f"{name}{unit}", FLOORS[name])
            bound = getattr(limits.growth_percent, name)
            if value is not None:
                found.append(_judgement(f"growth of {name} of {host} in %", value, "<=", bound))
    return found or [
        Judgement(figure="figures of growth", value=0, sign=">=", bound=1, source=UNREAD)
    ]


def growth(samples: Sequence[HostSample], name: str, floor: float) -> float | None:
    """Return the percent by which the last quarter of a figure is above its second quarter.

    What is below the floor counts as the floor. None where too little was read.
    """
    values = [getattr(sample, name) for sample in samples if getattr(sample, name) is not None]
    quarter = len(values) // 4
    if quarter < 1:
        return None
    early: float = max(floor, median(values[quarter : 2 * quarter]))
    late: float = max(floor, median(values[-quarter:]))
    return 100 * (late / early - 1)
