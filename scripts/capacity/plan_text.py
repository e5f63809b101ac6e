"""The text of a plan for users."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import humanfriendly
from rich.console import Console
from rich.table import Table

from scripts.capacity.figures import Figures, Prices
from scripts.capacity.plan import Cost, Plan

if TYPE_CHECKING:
    from scripts.capacity.simulation import Simulated

#: USD; costs below half a cent are not shown.
CENT = 0.01
#: Requirement of each delivery on the servers.
REQUIREMENTS = {
    "redirect": "servers must reach S3",
    "cache": "servers need only reach the load balancer",
    "proxy": "servers need only reach the load balancer",
}


def print_plan(
    console: Console,
    plans: Sequence[Plan],
    simulated: "Simulated | None",
    prices: Prices,
    *,
    peak: bool,
    cache: str,
) -> None:
    """Print the first plan in detail with the line ``cache``, and the others as a table."""
    figures = Figures.read()
    best, cost = plans[0], plans[0].cost
    predicted = best.prediction
    table = Table.grid(padding=(0, 2))
    rows = {
        "Delivery": f"{best.delivery} ({REQUIREMENTS[best.delivery]})",
        "Hosts": f"{best.hosts} x {best.instance_type}, {'peak' if peak else 'baseline'} bandwidth",
        "Time": f"{predicted.seconds:.1f} s until the last server has the image",
        "": f"{predicted.start:.1f} s until layers are requested, then {predicted.waves} waves",
        "Cache": cache,
        "Limit": predicted.limit,
        "At peak": f"{best.peak_seconds:.1f} s, while bandwidth above the baseline lasts",
        "S3 reads": f"up to {predicted.s3_peak:.0f}/s of {figures.s3_reads_per_second:.0f}/s"
        f" for one prefix; {predicted.gets:.0f} GET, {predicted.lists:.0f} LIST",
        "S3 writes": f"{best.pushes} for the push before, of {figures.s3_writes_per_second:.0f}/s",
        "Storm": ": ".join(part for part in (f"${cost.storm:.2f}", _parts(cost)) if part),
        "Month": f"${cost.hosts_a_month:.2f} for the hosts, if they always run",
    }
    if predicted.s3_peak > figures.s3_reads_per_second:
        rows["Warning"] = (
            "S3 may refuse (503) requests above its limit: start the servers in groups"
        )
    if simulated:
        rows["Simulated"] = f"{simulated.seconds:.1f} s, half of the servers {simulated.half:.1f} s"
    for name, text in rows.items():
        table.add_row(name, text)
    console.print(table)
    if len(plans) > 1:
        console.print(_others(plans[1:]))
    console.print(
        f"Prices: {prices.region}, {prices.as_of}; without tax, disks and the balancer's hours."
    )


def _parts(cost: Cost) -> str:
    parts = {
        "hosts": cost.hosts,
        "S3 requests": cost.s3_requests,
        "traffic": cost.traffic,
        "load balancer": cost.balancer,
        "between zones": cost.zones,
    }
    return ", ".join(f"{name} {price:.2f}" for name, price in parts.items() if price >= CENT / 2)


def _others(plans: Sequence[Plan]) -> Table:
    table = Table(title="Otherwise", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("Delivery", "Hosts", "Time", "Limit", "Storm", "Month"):
        table.add_column(column)
    for plan in plans:
        table.add_row(
            plan.delivery,
            f"{plan.hosts} x {plan.instance_type}",
            humanfriendly.format_timespan(round(plan.prediction.seconds)),
            plan.prediction.limit,
            f"${plan.cost.storm:.2f}",
            f"${plan.cost.hosts_a_month:.2f}",
        )
    return table
