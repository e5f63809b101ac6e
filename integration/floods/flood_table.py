"""The figures as a table in Markdown, for docs/security.md."""

from collections.abc import Callable

from integration.clients.image_builder import MEGABYTE
from integration.floods.flood_results import (
    LOGIN,
    OTHER,
    PULL,
    SAME,
    Container,
    FloodFigures,
    Results,
)


def _clients(flood: FloodFigures, place: str, kind: str) -> str:
    found = flood.clients.get(place, {}).get(kind)
    return str(found) if found else ""


def _memory(flood: FloodFigures, name: str) -> str:
    """Return memory of the host with the highest peak: before, peak, after."""
    worst = max((host.containers[name] for host in flood.hosts), key=_peak, default=None)
    if worst is None:
        return ""
    ended = sum(name in host.ended for host in flood.hosts)
    told = f", ended on {ended}" if ended else ""
    return f"{worst.before_mb:.0f} → {worst.peak_mb:.0f} → {worst.after_mb:.0f}{told}"


def _peak(container: Container) -> float:
    return container.peak_mb


def _log(flood: FloodFigures, name: str) -> str:
    if not flood.hosts:
        return ""
    found = [host.containers[name] for host in flood.hosts]
    lines = sum(container.log_lines for container in found)
    size = sum(container.log_bytes for container in found)
    return f"{lines:,} lines, {size / MEGABYTE:.1f} MB"


def _cached(flood: FloodFigures) -> str:
    return f"{sum(host.cached_bytes for host in flood.hosts) / MEGABYTE:.0f}" if flood.hosts else ""


def _series(flood: FloodFigures) -> str:
    """Return the series of the host that lost most of them, or has most of them."""
    worst = max(flood.hosts, key=lambda host: (host.lost_series, host.series[1]), default=None)
    if worst is None:
        return ""
    lost = f", {worst.lost_series} lost" if worst.lost_series else ""
    return f"{worst.series[0]} → {worst.series[1]}{lost}"


def _answers(flood: FloodFigures) -> str:
    sent = flood.sent
    parts = [f"{status}: {count:,}" for status, count in sorted(sent.responses.items())]
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
