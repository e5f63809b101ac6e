"""Results of the benchmark, and the ratios of the goals."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from statistics import median

from pydantic import BaseModel, RootModel

#: Keys of the two sizes of blobs in MB, by which memory is compared.
SMALL, LARGE = "1", "100"


class PullFigures(BaseModel):
    """Many clients pulling one blob of one variant."""

    mb_per_s: float
    #: Of all that runs on the hosts.
    cpu_s_per_gb: float
    #: The same by what it is: also balancer, client, and S3 with its TLS front.
    cpu_s_per_gb_of: dict[str, float]


class RequestFigures(BaseModel):
    """Small requests to Wharf with a cache, a second."""

    authenticated: float
    without_authentication: float
    during_flood: float
    #: Responses a second that the flood received.
    guesses: float
    #: The slowest response of /ssl while it went on, and without it, both under full load.
    flood_slowest_health_ms: float
    quiet_slowest_health_ms: float


class PushFigures(BaseModel):
    """A large layer into one host, in MB a second."""

    through_nginx: float
    direct: float
    #: CPU seconds of each way by what used them.
    cpu_s_of: dict[str, dict[str, float]]


class S3Figures(BaseModel):
    """Requests to S3 of one request: those that follow one another, or all of them."""

    warm_layer_steps: int
    cold_layer_requests: int
    tag_steps: int
    digest_steps: int


class ListFigures(BaseModel):
    """Requests to S3 of a list of 1,000 tags, and for each repository of a catalog of 1,000."""

    tags: int
    catalog_for_each: float


class RangeFigures(BaseModel):
    """A cold layer in parallel ranges and in one piece, and the end of a cold layer."""

    ranges_mb_per_s: float
    whole_mb_per_s: float
    #: Bytes from S3 of the layer that was pulled in ranges, to its size.
    ranges_s3_bytes: float
    #: Seconds until the first byte.
    tail_cache_s: float
    tail_proxy_s: float


class Round(BaseModel):
    """Every figure of one round; None where a workload was left out."""

    s3_requests: S3Figures | None = None
    lists: ListFigures | None = None
    #: Reads of S3 by variant and number of clients.
    storms: dict[str, dict[str, int]] | None = None
    #: Seconds of a pull by variant.
    small_image: dict[str, float] | None = None
    ranges: RangeFigures | None = None
    pull: dict[str, PullFigures] | None = None
    #: What was fetched from S3, in layers, by host.
    cold_fetches: list[float] | None = None
    requests: RequestFigures | None = None
    #: The same with a proof of an AWS identity in the place of a password.
    proofs: RequestFigures | None = None
    push: PushFigures | None = None
    #: MB of nginx with 500 connections, by delivery mode (one each round) and size of the blob
    #: in MB.
    nginx_memory: dict[str, dict[str, float]] | None = None


class Machine(BaseModel):
    """The machine of the run."""

    processor: str
    cores: int
    memory_gb: float
    kernel: str
    versions: dict[str, str]


class Results(BaseModel):
    """All that was measured with one version of distribution."""

    started: str
    seconds: float
    machine: Machine
    rounds: list[Round]
    ratios: dict[str, float]
    nginx_memory_mb: dict[str, dict[str, float]]


class Runs(RootModel[dict[str, Results]]):
    """Content of ``build/bench.json``: the results by the version of distribution."""


def merge(earlier: Sequence[Round], later: Sequence[Round]) -> list[Round]:
    """Return rounds with the workloads of both; of a workload that both have, the later ones."""
    measured = {name for round_ in later for name in round_.model_fields_set}
    return [
        Round.model_validate(
            (old.model_dump(exclude=measured, exclude_unset=True) if old else {})
            | (new.model_dump(exclude_unset=True) if new else {})
        )
        for old, new in zip_longest(earlier, later)
    ]


def ratios(rounds: Sequence[Round]) -> dict[str, float]:
    """Return the medians of the measured ratios of the rounds, by the names of the goals."""
    each = [_ratios(round_) for round_ in rounds]
    names = dict.fromkeys(name for ratios in each for name in ratios)
    return {
        name: round(median(ratios[name] for ratios in each if name in ratios), 4) for name in names
    }


def memory(rounds: Iterable[Round]) -> dict[str, dict[str, float]]:
    """Return the median of nginx's memory in MB, by delivery mode and size of the blob in MB."""
    known: dict[str, list[dict[str, float]]] = {}
    for round_ in rounds:
        for mode, sizes in (round_.nginx_memory or {}).items():
            known.setdefault(mode, []).append(sizes)
    return {
        mode: {size: round(median(sizes[size] for sizes in each), 1) for size in (SMALL, LARGE)}
        for mode, each in known.items()
    }


def _ratios(round_: Round) -> dict[str, float]:
    found = _s3_ratios(round_)
    if pull := round_.pull:
        cache, redirect, registry = pull["cache"], pull["redirect"], pull["registry_tls"]
        found |= {
            "cache_to_static": cache.mb_per_s / pull["static"].mb_per_s,
            "cache_to_registry_tls": cache.mb_per_s / registry.mb_per_s,
            "cache_cpu_to_registry_tls": cache.cpu_s_per_gb / registry.cpu_s_per_gb,
            "redirect_cpu_to_registry_tls": redirect.cpu_s_per_gb / registry.cpu_s_per_gb,
        }
    if round_.cold_fetches:
        found["cold_fetches_per_host"] = max(round_.cold_fetches)
    if requests := round_.requests:
        found |= {
            "auth_to_open": requests.authenticated / requests.without_authentication,
            "flood_to_quiet": requests.during_flood / requests.authenticated,
            "flood_slowest_health_ms": requests.flood_slowest_health_ms,
        }
    if proofs := round_.proofs:
        found |= {
            "proof_auth_to_open": proofs.authenticated / proofs.without_authentication,
            "proof_flood_to_quiet": proofs.during_flood / proofs.authenticated,
        }
    if push := round_.push:
        found["push_to_direct"] = push.through_nginx / push.direct
    if modes := round_.nginx_memory:
        found["nginx_memory_100_to_1"] = max(mb[LARGE] / mb[SMALL] for mb in modes.values())
    return found


def _s3_ratios(round_: Round) -> dict[str, float]:
    found: dict[str, float] = {}
    if requests := round_.s3_requests:
        found |= {
            "warm_layer_s3_steps": requests.warm_layer_steps,
            "cold_layer_s3_requests": requests.cold_layer_requests,
            "manifest_tag_s3_steps": requests.tag_steps,
            "manifest_digest_s3_steps": requests.digest_steps,
        }
    if lists := round_.lists:
        found |= {
            "tags_s3_requests": lists.tags,
            "catalog_s3_requests": lists.catalog_for_each,
        }
    if storms := round_.storms:
        # By number of clients.
        growth = {
            name: reads[max(reads, key=int)] / reads[min(reads, key=int)]
            for name, reads in storms.items()
        }
        found |= {
            "storm_s3_growth": growth["cache"],
            "storm_s3_growth_kept": growth["cache_kept"],
        }
    if image := round_.small_image:
        found |= {
            "small_image_to_registry_tls": image["cache"] / image["registry_tls"],
            "small_image_cold_to_registry_tls": image["cache_cold"] / image["registry_tls"],
        }
    if ranges := round_.ranges:
        found |= {
            "ranges_to_whole": ranges.ranges_mb_per_s / ranges.whole_mb_per_s,
            "ranges_s3_bytes": ranges.ranges_s3_bytes,
            "tail_range_to_proxy": ranges.tail_cache_s / ranges.tail_proxy_s,
        }
    return found
