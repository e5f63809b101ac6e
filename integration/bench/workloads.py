"""The workloads of a round, each on every variant that it compares, in an order that turns."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
from pydantic import BaseModel

from integration.bench.blobs import Blob, new_blob
from integration.bench.client import Crowd, Load, children_cpu, load, pull, slowest_health
from integration.bench.push import Layer
from integration.bench.results import (
    LARGE,
    SMALL,
    PullFigures,
    PushFigures,
    RequestFigures,
)
from integration.bench.rig import BenchRig
from integration.bench.sockets import narrow
from integration.bench.variant import MEGABYTE, Variant

PULLED = ("cache", "proxy", "redirect", "nginx_recipe", "registry_tls", "static")
#: Those of Wharf in which layers pass its nginx.
THROUGH_NGINX = ("cache", "proxy")
CLIENTS = 32
BLOB = 20 * MEGABYTE
#: Connections of the small requests, of the flood of wrong passwords, and for nginx's memory.
CONNECTIONS, FLOODERS, CROWD = 8, 8, 500
SMALL_REQUEST = "/v2/"
#: Bytes a second of each client of the crowd, so that all are there at the same time.
CROWD_RATE = 25_000
#: Seconds between two looks at memory, and until new workers are there.
SAMPLING, RELOAD = 0.5, 3
GIGABYTE = 1000 * MEGABYTE


class Extent(BaseModel):
    """How much is moved; the defaults are what the figures in the documentation come from."""

    pulls_each: int = 2
    #: Seconds of small requests, and of the crowd for which nginx needs memory.
    seconds: int = 5
    crowd_seconds: int = 40
    layer_bytes: int = 300 * MEGABYTE


def turned(names: Sequence[str], turn: int) -> list[str]:
    """The names, beginning with another one each turn."""
    first = turn % len(names)
    return [*names[first:], *names[:first]]


def pulls(rig: BenchRig, blob: Blob, extent: Extent, turn: int) -> dict[str, PullFigures]:
    """Many clients pull one blob, which every cache has."""
    found = {}
    for name in turned(PULLED, turn):
        variant = rig.variants[name]
        # A host of Wharf verifies a password once a minute: not by chance within a measurement.
        pull(variant, blob.path, blob.size, clients=len(variant.hosts), each=1)
        before = variant.cpu()
        psutil.cpu_percent()
        pulled = pull(variant, blob.path, blob.size, clients=CLIENTS, each=extent.pulls_each)
        busy = psutil.cpu_percent()
        used = {of: after - before[of] for of, after in variant.cpu().items()}
        used["client"] = pulled.cpu
        gigabytes = pulled.bytes / GIGABYTE
        found[name] = PullFigures(
            mb_per_s=round(pulled.rate, 1),
            cpu_s_per_gb=round(sum(used[of] for of in variant.containers) / gigabytes, 4),
            cpu_s_per_gb_of={of: round(cpu / gigabytes, 4) for of, cpu in used.items()},
            busy=round(busy / 100, 3),
        )
    return found


def cold_fetches(rig: BenchRig) -> list[int]:
    """Many clients pull a blob that no host has; how often each host then fetched it from S3."""
    blob = new_blob(rig, BLOB)
    pull(rig.variants["cache"], blob.path, blob.size, clients=CLIENTS, each=1)
    return rig.fetches(blob.digest)


def requests(rig: BenchRig, extent: Extent, turn: int) -> RequestFigures:
    """Small requests: with passwords, without, and with passwords while others guess."""
    wharf, seconds = rig.variants["cache"], extent.seconds
    rates, health, guesses = {}, {}, 0.0
    for kind in turned(("cache", "open", "flood"), turn):
        variant = rig.variants[kind if kind in rig.variants else wharf.name]
        if kind == "flood":
            flood = Load(
                wharf, SMALL_REQUEST, connections=FLOODERS, seconds=seconds + 1, flood=True
            )
            with flood:
                rates[kind], health[kind] = _watched(variant, seconds)
            guesses = flood.result.refused / flood.result.seconds
        else:
            rates[kind], health[kind] = _watched(variant, seconds)
    return RequestFigures(
        authenticated=round(rates["cache"], 1),
        without_authentication=round(rates["open"], 1),
        during_flood=round(rates["flood"], 1),
        guesses=round(guesses, 1),
        flood_slowest_health_ms=round(health["flood"], 1),
        quiet_slowest_health_ms=round(health["cache"], 1),
    )


def _watched(variant: Variant, seconds: int) -> tuple[float, float]:
    """Good answers a second, and the milliseconds of the slowest health check meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(slowest_health, variant, seconds)
        rate = load(variant, SMALL_REQUEST, connections=CONNECTIONS, seconds=seconds).rate
        return rate, watching.result()


def pushes(rig: BenchRig, layer: Layer, turn: int) -> PushFigures:
    """A large layer into one host's registry, through its nginx and straight.

    Both from inside the host's network namespace, since nothing else reaches the registry's port.
    """
    variant = rig.variants["cache"]
    ways = {"through_nginx": layer.push_through, "direct": layer.push_directly}
    rates, used = {}, {}
    for way in turned(list(ways), turn):
        before, client = variant.cpu(), children_cpu()
        rates[way] = ways[way](variant)
        used[way] = {of: round(after - before[of], 2) for of, after in variant.cpu().items()}
        used[way]["client"] = round(children_cpu() - client, 2)
    return PushFigures(
        through_nginx=round(rates["through_nginx"], 1),
        direct=round(rates["direct"], 1),
        cpu_s_of=used,
    )


def nginx_memory(
    rig: BenchRig, blobs: dict[str, Blob], extent: Extent, turn: int
) -> dict[str, dict[str, float]]:
    """The most that nginx takes while a crowd of slow clients pulls a blob, in MB for both hosts.

    One delivery mode each turn, and each only once, since this takes its time.
    """
    variant = rig.variants[THROUGH_NGINX[turn]]
    sizes = turned((SMALL, LARGE), turn)
    return {variant.name: {size: _crowd(variant, blobs[size], extent) for size in sizes}}


def _crowd(variant: Variant, blob: Blob, extent: Extent) -> float:
    # Or the memory of the crowd before would be counted: what was freed is kept for the next.
    variant.renew_workers()
    time.sleep(RELOAD)
    seconds, most = extent.crowd_seconds, 0.0
    on_the_way = [*(host.pid("nginx") for host in variant.hosts), *variant.others["balancer"]]
    with (
        narrow(on_the_way),
        Crowd(variant, blob.path, clients=CROWD, seconds=seconds, rate=CROWD_RATE) as crowd,
    ):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, variant.nginx_memory())
            time.sleep(SAMPLING)
    crowd.check()
    return round(most, 1)
