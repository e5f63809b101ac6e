"""The workloads of a round, each on every variant that it compares, in an order that turns."""

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from integration.bench.blobs import Blob, new_blob
from integration.bench.extent import Extent
from integration.bench.load_generators import Crowd, Load, load, pull, slowest_health
from integration.bench.measurements import (
    LARGE,
    SMALL,
    PullFigures,
    PushFigures,
    RequestFigures,
)
from integration.bench.push import Layer
from integration.bench.sockets import narrow
from integration.bench.variant import Variant, basic
from integration.bench.variants import BenchRig
from integration.clients.image_builder import MEGABYTE
from scripts.programs import children_cpu

PULLED = ("cache", "proxy", "redirect", "nginx_recipe", "registry_tls", "static")
#: Those of Wharf in which layers pass its nginx.
THROUGH_NGINX = ("cache", "proxy")
CLIENTS = 32
BLOB = 20 * MEGABYTE
#: Connections of the small requests, of the flood of wrong passwords, and for nginx's memory.
CONNECTIONS, FLOODERS, CROWD = 8, 8, 500
SMALL_REQUEST = "/v2/"
#: What the logins of the flood begin with, and characters at the end of a proof that it guesses.
WRONG, GUESSED = "bench:", 12
#: Bytes a second of each client of the crowd, so that all are there at the same time.
CROWD_RATE = 25_000
#: Seconds between two looks at memory, and until new workers are there.
SAMPLING, RELOAD = 0.5, 3
GIGABYTE = 1000 * MEGABYTE


def turned(names: Sequence[str], turn: int) -> list[str]:
    """Return the names, beginning with another one each turn."""
    first = turn % len(names)
    return [*names[first:], *names[:first]]


def pulls(rig: BenchRig, blob: Blob, extent: Extent, turn: int) -> dict[str, PullFigures]:
    """Measure many clients that pull one blob, which every cache has."""
    found = {}
    for name in turned(PULLED, turn):
        variant = rig.variants[name]
        # A host of Wharf verifies a password once a minute: not by chance within a measurement.
        pull(variant, blob.path, blob.size, clients=len(variant.hosts), each=1)
        before = variant.cpu()
        pulled = pull(variant, blob.path, blob.size, clients=CLIENTS, each=extent.pulls_each)
        used = {of: after - before[of] for of, after in variant.cpu().items()}
        used["client"] = pulled.cpu
        gigabytes = pulled.bytes / GIGABYTE
        found[name] = PullFigures(
            mb_per_s=round(pulled.rate, 1),
            cpu_s_per_gb=round(sum(used[of] for of in variant.containers) / gigabytes, 4),
            cpu_s_per_gb_of={of: round(cpu / gigabytes, 4) for of, cpu in used.items()},
        )
    return found


def cold_fetches(rig: BenchRig) -> list[float]:
    """Return how many blobs each host fetched from S3 while many clients pull a blob."""
    blob = new_blob(rig, BLOB)
    pull(rig.variants["cache"], blob.path, blob.size, clients=CLIENTS, each=1)
    return [round(fetched / blob.size, 4) for fetched in rig.fetched_bytes(blob.digest)]


def requests(rig: BenchRig, extent: Extent, turn: int, login: str = "") -> RequestFigures:
    """Measure small requests: with a login, without, and while other clients guess.

    The login is that of the first user, or ``login``, whose end is what the others guess.
    """
    seconds = extent.seconds
    begin = login[:-GUESSED] if login else WRONG
    rates, health, guesses = {}, {}, 0.0
    for kind in turned(("cache", "open", "flood"), turn):
        variant = rig.variants[kind if kind in rig.variants else "cache"]
        if login:
            variant = dataclasses.replace(variant, authorization=basic(login))
        if kind == "flood":
            flood = Load(
                variant, SMALL_REQUEST, connections=FLOODERS, seconds=seconds + 1, flood=begin
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
    """Return good responses a second, and the milliseconds of the slowest health check."""
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(slowest_health, variant, seconds)
        rate = load(variant, SMALL_REQUEST, connections=CONNECTIONS, seconds=seconds).rate
        return rate, watching.result()


def pushes(rig: BenchRig, layer: Layer, turn: int) -> PushFigures:
    """Push a large layer into one host's registry, through its nginx and past it.

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
    """Return the peak memory of nginx while slow clients pull a blob, in MB for both hosts.

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
