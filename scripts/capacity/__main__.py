"""How many hosts does a deployment take, how long does it last, and what does it cost?

python -m scripts.capacity --servers 500 --image-size 2GB --within 60s
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from pydantic import ValidationError
from rich.console import Console

from modules.settings import Settings
from scripts.capacity.answer import answer
from scripts.capacity.figures import DELIVERIES, Delivery, Figures, InstanceType, Prices
from scripts.capacity.model import MOST_HOSTS, Host, Storm
from scripts.capacity.plan import Plan, Planner, cache_needed
from scripts.capacity.quantities import RATE, SIZE, TIME
from scripts.capacity.simulation import Simulated, Simulation
from scripts.errors import one_line_errors

#: GiB; the setting cache_size allows no more.
MOST_CACHE = 16_000


@click.command()
@click.option("--servers", type=click.IntRange(1, 1_000_000), required=True, help="That pull.")
@click.option("--image-size", type=SIZE, required=True, help="Of all layers, compressed: 2GB.")
@click.option("--within", type=TIME, help="Time in which all have it: 60s, 2m.")
@click.option(
    "--layers", type=click.IntRange(1, 127), default=10, show_default=True, help="Of the image."
)
@click.option("--server-rate", type=RATE, help="Most that one server can download: 100MB/s.")
@click.option("--delivery", type=click.Choice(DELIVERIES), help="Only this blob_delivery.")
@click.option(
    "--cache-size",
    type=click.IntRange(1, MOST_CACHE),
    default=Settings.model_fields["cache_size"].default,
    show_default=True,
    help="The setting cache_size: GiB of each host's disk for layers.",
)
@click.option("--instance-type", help="Only this EC2 instance type.")
@click.option(
    "--hosts",
    type=click.IntRange(1, MOST_HOSTS),
    help="So many hosts: how long does it take? Instead of --within.",
)
@click.option("--peak", is_flag=True, help="Count on the instances' peak bandwidth, not baseline.")
@click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file like scripts/capacity/prices.toml, which need not have all of it.",
)
@click.option(
    "--simulate", is_flag=True, help="Simulate the answer, too; 100,000 servers take minutes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    """Say how many hosts it takes until a storm of servers has a new image, or how long with some.

    docs/capacity.md has the model, and how far it is from what was measured.
    """
    if (within is None) == (hosts is None):
        raise click.UsageError("give either --within (how many hosts?) or --hosts (how long?)")
    storm = Storm(servers, image_size, layers, server_rate or math.inf)
    known = _prices(prices)
    types = _types(instance_type, known)
    planner = Planner(storm, Figures.read(), known, peak=peak)
    needed = cache_needed(storm, Figures.read())
    deliveries = _deliveries(delivery, cache_size, needed)
    if within is None:
        plans = [planner.fastest([one], types, hosts or 1) for one in deliveries]
        plans.sort(key=lambda plan: plan.prediction.seconds)
    else:
        plans = _cheapest(planner, deliveries, types, within)
    best = plans[0]
    kind = types[best.instance_type]
    simulated = _simulate(storm, kind, best, peak) if simulate else None
    if as_json:
        answers = {
            "answer": best.json(),
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
    answer(Console(highlight=False), plans, simulated, known, peak=peak, cache=cache)


def _deliveries(wanted: Delivery | None, cache_size: int, needed: int) -> list[Delivery]:
    """Those that there are to choose from: ``cache`` only if hosts keep the image."""
    if needed <= cache_size:
        return [wanted] if wanted else list(DELIVERIES)
    if wanted == "cache":
        more = f"--cache-size {needed} (volume_size has to be 10 more)"
        raise click.BadParameter(
            f"cache with --cache-size {cache_size}: hosts do not keep this image, whose layers may "
            "take a quarter of that each, and all of it together; take "
            f"{more + ' or ' if needed <= MOST_CACHE else ''}--delivery proxy",
            param_hint="--delivery",
        )
    return [wanted] if wanted else [one for one in DELIVERIES if one != "cache"]


def _cheapest(
    planner: Planner,
    deliveries: Sequence[Delivery],
    types: Mapping[str, InstanceType],
    within: float,
) -> list[Plan]:
    found = [planner.cheapest(one, types, within) for one in deliveries]
    plans = [plan for plan in found if plan]
    if not plans:
        best = planner.fastest(deliveries, types, MOST_HOSTS)
        raise click.ClickException(
            f"--within {within:g}s: {MOST_HOSTS} hosts, the most that there can be, take "
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
            f"{wanted} is not in the table; it has {', '.join(types)}", param_hint="--instance-type"
        )
    return {wanted: types[wanted]}


def _prices(file: Path | None) -> Prices:
    try:
        prices = Prices.read(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{file}: no TOML: {error}", param_hint="--prices") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise click.BadParameter(
            f"{file}: {field} = {first['input']!r}: {first['msg']}; "
            "write it as scripts/capacity/prices.toml does",
            param_hint="--prices",
        ) from None
    types = InstanceType.all()
    for name in sorted(prices.instance_hour.keys() - types.keys()):
        raise click.BadParameter(
            f"{file}: instance_hour.{name} = {prices.instance_hour[name]}: nothing is known of "
            "this type; take its price away, or describe it in scripts/capacity/instances.toml, "
            f"which has {', '.join(types)}",
            param_hint="--prices",
        )
    return prices


def _simulate(storm: Storm, kind: InstanceType, plan: Plan, peak: bool) -> Simulated:
    host = Host.of(kind, peak=peak)
    return Simulation(Figures.read(), storm, host, plan.hosts, plan.delivery).run()


if __name__ == "__main__":
    capacity(prog_name="python -m scripts.capacity")
