"""Results of a run: kept as JSON, judged, and shown."""

import csv
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from integration.clients.image_builder import MEGABYTE

#: What a client wants done: Locust's method of them, the others are requests.
OPERATIONS = ("PULL", "PUSH")
#: Names of operations that came to their end and that did not, and of the requests whose bytes are
#: throughput as it happens: redirected ones end at another host than the registry's.
WHOLE, UNFINISHED = ("image",), "unfinished"
CONTENT = ("layer", "config", "redirected layer", "redirected config")
#: What runs that are compared with each other have in common.
KIND = {
    *("workload", "target", "users", "scale", "images", "workers", "remote_workers", "hosts"),
    *("wanted_seconds", "kill_host", "scale_out"),
}


class Figures(BaseModel):
    """Requests or operations of one kind."""

    count: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float
    bytes: int
    #: Milliseconds, rounded to two digits, and how many took so long.
    distribution: dict[int, int]


class Moment(BaseModel):
    """A second of a run."""

    #: Since the epoch.
    time: float
    users: int
    operations_per_s: float
    failures_per_s: float
    mb_per_s: float
    #: Of the operations of the ten seconds before, where there were any.
    p50_ms: float | None
    p95_ms: float | None


class Event(BaseModel):
    """Something that was done to the registry during a run."""

    time: float
    description: str
    #: How many hosts more serve from then on; -1 is one fewer.
    hosts: int = 0


class HostSample(BaseModel):
    """Sample of a host at one time; a value that could not be read is None."""

    time: float
    host: str
    sent_bytes: float
    requests: float
    memory_bytes: int | None = None
    open_files: int | None = None
    disk_bytes: int | None = None


class Run(BaseModel):
    """One run of a workload."""

    started: float
    workload: str
    #: ``local``, or the name or URL of a live registry.
    target: str
    users: int
    scale: float
    images: int
    workers: int
    remote_workers: int
    #: When it began.
    hosts: int
    #: What it was to last, and when a host was to be killed or added, if it was.
    wanted_seconds: float
    kill_host: float | None
    scale_out: float | None
    #: From the first request to the last.
    seconds: float
    #: By method and name, such as ``PULL image``.
    figures: dict[str, Figures]
    moments: list[Moment]
    events: list[Event] = []
    samples: list[HostSample] = []
    #: Requests of the registry to S3 by method; None where nobody counts them.
    s3_requests: dict[str, int] | None = None
    #: What it did not keep, a line each; None before it is judged.
    broken: list[str] | None = None

    @property
    def kind(self) -> dict[str, object]:
        """The parameters of the run: runs with equal parameters can be compared."""
        return self.model_dump(include=KIND)

    @property
    def operations(self) -> dict[str, Figures]:
        """Pulls and pushes that came to their end."""
        return {name: figures for name, figures in self.figures.items() if name.endswith(WHOLE)}

    @property
    def unfinished(self) -> int:
        """Pulls and pushes that did not, though the run waited for them."""
        return sum(
            figures.count for name, figures in self.figures.items() if name.endswith(UNFINISHED)
        )

    @property
    def failed_percent(self) -> float:
        """Failed operations, those that came to no end among them, in percent of all."""
        count = sum(figures.count for figures in self.operations.values()) + self.unfinished
        failed = sum(figures.failed for figures in self.operations.values()) + self.unfinished
        return 100 * failed / max(count, 1)

    @property
    def mb_per_s_per_host(self) -> float:
        """Megabytes that clients moved, for each second that a host was there."""
        moved = sum(figures.bytes for figures in self.operations.values())
        return moved / MEGABYTE / max(self.host_seconds, 0.001)

    @property
    def host_seconds(self) -> float:
        """Seconds that hosts were there, together."""
        end = self.started + self.seconds
        more = (event.hosts * min(max(end - event.time, 0), self.seconds) for event in self.events)
        return self.hosts * self.seconds + sum(more)


def figures(file: Path) -> tuple[dict[str, Figures], float, float]:
    """Read Locust's JSON file: figures, and when the first and last request were.

    Raises:
        ValueError: it has no request.
    """
    entries: list[dict[str, Any]] = [
        entry for entry in json.loads(file.read_text()) if entry["method"]
    ]
    if not any(entry["num_requests"] for entry in entries):
        raise ValueError(f"{file}: no request has ended")
    found = {f"{entry['method']} {entry['name']}": _figures(entry) for entry in entries}
    first = min(entry["start_time"] for entry in entries)
    last = max(entry["last_request_timestamp"] or first for entry in entries)
    return found, first, last


def _figures(entry: dict[str, Any]) -> Figures:
    times = {round(float(ms)): count for ms, count in entry["response_times"].items()}
    return Figures(
        count=entry["num_requests"],
        failed=entry["num_failures"],
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        p99_ms=percentile(times, 0.99),
        slowest_ms=entry["max_response_time"],
        bytes=entry["total_content_length"],
        distribution=times,
    )


def percentile(times: dict[int, int], part: float) -> float:
    """Return the time that ``part`` of all do not exceed, of times and how often each was."""
    left = part * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 1e-9:
            return time
    return 0.0


def moments(file: Path) -> list[Moment]:
    """Read Locust's history, a CSV file with a row a second for each kind of request."""
    rows: dict[float, list[dict[str, str]]] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["Name"] in WHOLE + CONTENT:
                rows.setdefault(float(row["Timestamp"]), []).append(row)
    return [
        _moment(time, rows[time], rows[before], time - before)
        for before, time in pairwise(sorted(rows))
    ]


def _moment(
    time: float, now: list[dict[str, str]], before: list[dict[str, str]], seconds: float
) -> Moment:
    def rate(names: Sequence[str], *columns: str) -> float:
        # A kind that is new in this second has no row before.
        return max(0.0, _total(now, names, *columns) - _total(before, names, *columns)) / seconds

    return Moment(
        time=time,
        users=int(now[0]["User Count"]),
        operations_per_s=rate(WHOLE, "Total Request Count"),
        failures_per_s=rate(WHOLE, "Total Failure Count"),
        mb_per_s=rate(CONTENT, "Total Request Count", "Total Average Content Size") / MEGABYTE,
        p50_ms=_highest(now, "50%"),
        p95_ms=_highest(now, "95%"),
    )


def _total(rows: Iterable[dict[str, str]], names: Sequence[str], *columns: str) -> float:
    total = 0.0
    for row in (row for row in rows if row["Name"] in names):
        product = 1.0
        for column in columns:
            product *= float(row[column])
        total += product
    return total


def _highest(rows: Iterable[dict[str, str]], column: str) -> float | None:
    """Return the maximum of the pulls, or of the pushes if nothing was pulled."""
    found = {
        row["Type"]: float(row[column])
        for row in rows
        if row["Type"] in OPERATIONS and row[column] != "N/A"
    }
    return found.get("PULL", found.get("PUSH"))
