"""What the benchmark has found, and the ratios that the goals are about."""

from collections.abc import Iterable, Sequence
from statistics import median

from pydantic import BaseModel

#: Keys of the two sizes of blobs in MB, by which memory is compared.
SMALL, LARGE = "1", "100"


class PullFigures(BaseModel):
    """Many clients pulling one blob of one variant."""

    mb_per_s: float
    #: Of all that runs on the hosts.
    cpu_s_per_gb: float
    #: The same by what it is: also balancer, client, and S3 with its TLS front.
    cpu_s_per_gb_of: dict[str, float]
    #: Of the machine's processors, the part that was busy.
    busy: float


class RequestFigures(BaseModel):
    """Small requests to Wharf with a cache, a second."""

    authenticated: float
    without_authentication: float
    during_flood: float
    #: Guesses a second that the flood got answered.
    guesses: float
    #: The slowest answer to /ssl while it went on, and without it, both under full load.
    flood_slowest_health_ms: float
    quiet_slowest_health_ms: float


class PushFigures(BaseModel):
    """A large layer into one host, in MB a second."""

    through_nginx: float
    direct: float
    #: CPU seconds of each way by what used them.
    cpu_s_of: dict[str, dict[str, float]]


class Round(BaseModel):
    """Every figure of one round; None where a workload was left out."""

    pull: dict[str, PullFigures] | None = None
    #: By host.
    cold_fetches: list[int] | None = None
    requests: RequestFigures | None = None
    push: PushFigures | None = None
    #: MB of nginx with 500 connections, by delivery mode (one each round) and size of the blob
    #: in MB.
    nginx_memory: dict[str, dict[str, float]] | None = None


class Machine(BaseModel):
    """What it ran on."""

    processor: str
    cores: int
    memory_gb: float
    kernel: str
    versions: dict[str, str]


class Results(BaseModel):
    """All of it, as ``build/bench.json`` has it."""

    started: str
    seconds: float
    machine: Machine
    rounds: list[Round]
    ratios: dict[str, float]
    nginx_memory_mb: dict[str, dict[str, float]]


def ratios(rounds: Sequence[Round]) -> dict[str, float]:
    """The medians of the rounds' ratios, by the names of the goals; those that were measured."""
    each = [_ratios(one) for one in rounds]
    names = dict.fromkeys(name for one in each for name in one)
    return {name: round(median(one[name] for one in each if name in one), 4) for name in names}


def memory(rounds: Iterable[Round]) -> dict[str, dict[str, float]]:
    """The median of nginx's memory in MB, by delivery mode and size of the blob in MB."""
    known: dict[str, list[dict[str, float]]] = {}
    for one in rounds:
        for mode, sizes in (one.nginx_memory or {}).items():
            known.setdefault(mode, []).append(sizes)
    return {
        mode: {size: round(median(one[size] for one in each), 1) for size in (SMALL, LARGE)}
        for mode, each in known.items()
    }


def _ratios(one: Round) -> dict[str, float]:
    found: dict[str, float] = {}
    if pull := one.pull:
        cache, redirect, registry = pull["cache"], pull["redirect"], pull["registry_tls"]
        found |= {
            "cache_to_static": cache.mb_per_s / pull["static"].mb_per_s,
            "cache_to_registry_tls": cache.mb_per_s / registry.mb_per_s,
            "cache_cpu_to_registry_tls": cache.cpu_s_per_gb / registry.cpu_s_per_gb,
            "redirect_cpu_to_registry_tls": redirect.cpu_s_per_gb / registry.cpu_s_per_gb,
        }
    if one.cold_fetches:
        found["cold_fetches_per_host"] = max(one.cold_fetches)
    if requests := one.requests:
        found |= {
            "auth_to_open": requests.authenticated / requests.without_authentication,
            "flood_to_quiet": requests.during_flood / requests.authenticated,
            "flood_slowest_health_ms": requests.flood_slowest_health_ms,
        }
    if push := one.push:
        found["push_to_direct"] = push.through_nginx / push.direct
    if modes := one.nginx_memory:
        found["nginx_memory_100_to_1"] = max(mb[LARGE] / mb[SMALL] for mb in modes.values())
    return found
