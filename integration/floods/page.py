"""The figures as a table in Markdown, for docs/security.md."""

from collections.abc import Callable

from integration.floods.results import (
    LOGIN,
    OTHER,
    PULL,
    SAME,
    Container,
    FloodFigures,
    Results,
)
from integration.images import MEGABYTE


def _clients(flood: FloodFigures, place: str, kind: str) -> str:
    found = flood.clients.get(place, {}).get(kind)
    return str(found) if found else ""


def _memory(flood: FloodFigures, name: str) -> str:
    """Of the host with the highest peak: before, peak, after."""
    worst = max((one.containers[name] for one in flood.hosts), key=_peak, default=None)
    if worst is None:
        return ""
    ended = sum(name in one.ended for one in flood.hosts)
    told = f", ended on {ended}" if ended else ""
    return f"{worst.before_mb:.0f} → {worst.peak_mb:.0f} → {worst.after_mb:.0f}{told}"


def _peak(container: Container) -> float:
    return container.peak_mb


def _log(flood: FloodFigures, name: str) -> str:
    if not flood.hosts:
        return ""
    found = [one.containers[name] for one in flood.hosts]
    lines, size = sum(one.log_lines for one in found), sum(one.log_bytes for one in found)
    return f"{lines:,} lines, {size / MEGABYTE:.1f} MB"


def _cached(flood: FloodFigures) -> str:
    return f"{sum(one.cached_bytes for one in flood.hosts) / MEGABYTE:.0f}" if flood.hosts else ""


def _series(flood: FloodFigures) -> str:
    """Of the host that lost most of its series, or has most of them."""
    worst = max(flood.hosts, key=lambda one: (one.lost_series, one.series[1]), default=None)
    if worst is None:
        return ""
    lost = f", {worst.lost_series} lost" if worst.lost_series else ""
    return f"{worst.series[0]} → {worst.series[1]}{lost}"


def _answers(flood: FloodFigures) -> str:
    sent = flood.sent
    parts = [f"{status}: {count:,}" for status, count in sorted(sent.answers.items())]
    parts += [f"{kind} user {ms:.1f} ms" for kind, ms in sent.median_ms.items()]
    return ", ".join(parts) or (f"{sent.opened:,} connections" if sent.opened else "")


#: Headings, and the cell of a flood.
COLUMNS: dict[str, Callable[[FloodFigures], str]] = {
    "Flood": lambda flood: f"`{flood.name}`",
    "Pulls, same address": lambda flood: _clients(flood, SAME, PULL),
    "New logins, same address": lambda flood: _clients(flood, SAME, LOGIN),
    "Pulls, another address": lambda flood: _clients(flood, OTHER, PULL),
    "New logins, another address": lambda flood: _clients(flood, OTHER, LOGIN),
    "nginx, MB": lambda flood: _memory(flood, "nginx"),
    "Registry, MB": lambda flood: _memory(flood, "registry"),
    "nginx log": lambda flood: _log(flood, "nginx"),
    "Registry log": lambda flood: _log(flood, "registry"),
    "Cache, MB": _cached,
    "Series": _series,
    "Responses to the flood": _answers,
}


def table(results: Results) -> str:
    """Return the table: a row for each flood, the first without one."""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS)]
    rows += [[cell(flood) for cell in COLUMNS.values()] for flood in results.floods]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
