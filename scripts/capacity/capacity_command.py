"""Number of hosts for a deployment, its duration and its cost: ``wharf capacity``."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from wharf_proxy.errors import ConfigurationError

from modules.settings.settings import Settings
from scripts.capacity.figures import DELIVERIES, PRICES, Delivery, Figures, InstanceType, Prices
from scripts.capacity.model import MOST_HOSTS
from scripts.capacity.plan import Plan, Planner, cache_needed
from scripts.capacity.plan_text import print_plan
from scripts.capacity.storm import Host, Storm
from scripts.errors import one_line_errors
from scripts.options import RATE, SIZE, TIME

if TYPE_CHECKING:
    from scripts.capacity.simulation import Simulated

#: Maximum of the setting cache_size in GiB.
MOST_CACHE = 16_000


@click.command()
@click.option(
    "--servers",
    type=click.IntRange(1, 1_000_000),
    required=True,
    help="Number of servers that pull the image.",
)
@click.option("--image-size", type=SIZE, required=True, help="Compressed size of all layers: 2GB.")
@click.option("--within", type=TIME, help="Time in which all servers have the image: 60s, 2m.")
@click.option(
    "--layers",
    type=click.IntRange(1, 127),
    default=10,
    show_default=True,
    help="Number of layers in the image.",
)
@click.option("--server-rate", type=RATE, help="Maximum download rate of one server: 100MB/s.")
@click.option(
    "--delivery",
    type=click.Choice(DELIVERIES),
    help="Consider this value of the setting blob_delivery only.",
)
@click.option(
    "--cache-size",
    type=click.IntRange(1, MOST_CACHE),
    default=Settings.model_fields["cache_size"].default,
    show_default=True,
    help="Value of the setting cache_size: GiB for layers on the disk of each host.",
)
@click.option("--instance-type", help="Consider this EC2 instance type only.")
@click.option(
    "--hosts",
    type=click.IntRange(1, MOST_HOSTS),
    help="Number of hosts for which the duration is calculated, instead of --within.",
)
@click.option(
    "--peak", is_flag=True, help="Use the peak bandwidth of the instances instead of the baseline."
)
@click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with prices that replace those of scripts/capacity/prices.toml.",
)
@click.option(
    "--simulate",
    is_flag=True,
    help="Simulate the result, too; 100,000 servers take minutes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@one_line_errors()
def capacity(
    servers: int,
    image_size: float,
    within: float | None,
    layers: int,
    server_rate: float | None,
    delivery: Delivery | None,
    cache_size: int,
    instance_type: str | None,
    hosts: int | None,
    peak: bool,
    prices: Path | None,
    simulate: bool,
    as_json: bool,
) -> None:
    """Calculate how many hosts a deployment needs.

    With --within: the number of hosts with which all servers have the image in that time. With
    --hosts: the time that these hosts take. docs/capacity.md describes the model, and how far it
    is from measurements.
    """
    if (within is None) == (hosts is None):
        raise click.UsageError("give either --within (how many hosts?) or --hosts (how long?)")
    storm = Storm(servers, image_size, layers, server_rate or math.inf)
    known = _prices(prices or PRICES)
    types = _types(instance_type, known)
    planner = Planner(storm, Figures.read(), known, peak=peak)
    needed = cache_needed(storm, Figures.read())
    deliveries = _deliveries(delivery, cache_size, needed)
    if within is None:
        plans = [planner.fastest([each], types, hosts or 1) for each in deliveries]
        plans.sort(key=lambda plan: plan.prediction.seconds)
    else:
        plans = _cheapest(planner, deliveries, types, within)
    best = plans[0]
    kind = types[best.instance_type]
    simulated = _simulate(storm, kind, best, peak) if simulate else None
    if as_json:
        answers = {
            "plan": best.json(),
            "others": [plan.json() for plan in plans[1:]],
            "cache_size": {"given": cache_size, "needed": needed},
        }
        if simulated:
            answers["simulated"] = dataclasses.asdict(simulated)
        click.echo(json.dumps(answers, indent=2))
        return
    holds = f"holds this image, which takes {needed}"
    lacks = f"is too small for this image, which takes {needed}: cache is left out"
    cache = f"cache_size {cache_size} (GiB) {holds if needed <= cache_size else lacks}"
    print_plan(Console(highlight=False), plans, simulated, known, peak=peak, cache=cache)


def _deliveries(wanted: Delivery | None, cache_size: int, needed: int) -> list[Delivery]:
    """Return the possible values: ``cache`` only if hosts can keep the image."""
    if needed <= cache_size:
        return [wanted] if wanted else list(DELIVERIES)
    if wanted == "cache":
        more = f"--cache-size {needed} (volume_size has to be 10 more)"
        raise click.BadParameter(
            f"cache with --cache-size {cache_size}: hosts do not keep this image; a layer may take "
            "a quarter of the cache, the image all of it; take "
            f"{more + ' or ' if needed <= MOST_CACHE else ''}--delivery proxy",
            param_hint="--delivery",
        )
    return [wanted] if wanted else [each for each in DELIVERIES if each != "cache"]


def _cheapest(
    planner: Planner,
    deliveries: Sequence[Delivery],
    types: Mapping[str, InstanceType],
    within: float,
) -> list[Plan]:
    found = [planner.cheapest(each, types, within) for each in deliveries]
    plans = [plan for plan in found if plan]
    if not plans:
        best = planner.fastest(deliveries, types, MOST_HOSTS)
        raise click.ClickException(
            f"--within {within:g}s: {MOST_HOSTS} hosts, the maximum, take "
            f"{best.prediction.seconds:.0f}s at least ({best.instance_type}, {best.delivery}; "
            f"limit: {best.prediction.limit}); allow more time or change --delivery"
        )
    return sorted(plans, key=lambda plan: plan.cost.hosts_a_month)


def _types(wanted: str | None, prices: Prices) -> Mapping[str, InstanceType]:
    types = {
        name: kind for name, kind in InstanceType.all().items() if name in prices.instance_hour
    }
    if wanted is None:
        return types
    if wanted not in types:
        raise click.BadParameter(
            f"{wanted} is unknown or has no price; known are {', '.join(types)}",
            param_hint="--instance-type",
        )
    return {wanted: types[wanted]}


def _prices(file: Path) -> Prices:
    prices = Prices.read(file)
    types = InstanceType.all()
    for name in sorted(prices.instance_hour.keys() - types.keys()):
        raise ConfigurationError(
            f"{file}: instance_hour.{name} = {prices.instance_hour[name]}: unknown type; remove "
            "the price, or describe the type in scripts/capacity/instances.toml, which has "
            f"{', '.join(types)}"
        )
    return prices


def _simulate(storm: Storm, kind: InstanceType, plan: Plan, peak: bool) -> "Simulated":
    try:
        from scripts.capacity.simulation import Simulation
    except ModuleNotFoundError:
        raise ConfigurationError(
            "--simulate: SimPy is not installed; install the development packages with "
            "`scripts/setup --development`, or omit --simulate"
        ) from None
    host = Host.of(kind, peak=peak)
    return Simulation(Figures.read(), storm, host, plan.hosts, plan.delivery).run()
