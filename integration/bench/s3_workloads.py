"""The workloads that requests to S3 decide, with an S3 that takes 20 ms for each."""

import dataclasses
import time
from collections.abc import Callable
from statistics import median

from integration.bench.blobs import Blob, new_blob
from integration.bench.extent import Extent
from integration.bench.load_generators import LONGEST, curl
from integration.bench.measurements import RangeFigures, S3Figures
from integration.bench.storm import storm
from integration.bench.variant import Variant
from integration.bench.variants import BenchRig
from integration.clients.image_builder import MANIFESTS, MEGABYTE
from integration.local.errors import LocalCloudError
from integration.local.network.s3_log import Request, steps
from scripts.programs import output_of

#: Milliseconds before S3 responds.
LATENCY = 20
#: The image of many small layers, and the pulls of it in a round.
SMALL_LAYERS, PULLS = [100_000] * 10, 3
#: The image of the storms, and the variants that serve it.
STORM_LAYERS, STORMED = [MEGABYTE] * 10, ("cache", "cache_kept")
#: Bytes of each range of a large layer, ranges at the same time, and bytes of its end.
RANGE, PARALLEL, TAIL = 8 << 20, 8, 100_000
#: Seconds without a line in the log after which all requests are taken to be in it.
QUIET = 0.3


def s3_requests(rig: BenchRig) -> S3Figures:
    """Count the requests to S3 of single requests to Wharf with a cache."""
    variant = rig.variants["cache"]
    image = rig.push_image("bench/steps", SMALL_LAYERS[:1])
    repository, _, tag = image.partition(":")
    manifests = f"/v2/{repository}/manifests"
    with variant.deployment.client() as http, rig.slow_s3(LATENCY):
        # The password is verified once for each host.
        for _ in variant.hosts:
            http.get("/v2/").raise_for_status()
        response = http.get(f"{manifests}/{tag}", headers={"Accept": MANIFESTS})
        digest = response.raise_for_status().headers["Docker-Content-Digest"]
        (layer,) = response.json()["layers"]
        path = f"/v2/{repository}/blobs/{layer['digest']}"

        def get(target: str) -> Callable[[], object]:
            return lambda: http.get(target, headers={"Accept": MANIFESTS}).raise_for_status()

        cold = _requests(rig, get(path))
        for _ in variant.hosts:
            get(path)()
        return S3Figures(
            cold_layer_requests=len(cold),
            warm_layer_steps=steps(_requests(rig, get(path))),
            tag_steps=steps(_requests(rig, get(f"{manifests}/{tag}"))),
            digest_steps=steps(_requests(rig, get(f"{manifests}/{digest}"))),
        )


def _requests(rig: BenchRig, do: Callable[[], object]) -> list[Request]:
    """Return the requests to S3 of what is done."""
    log = rig.s3_log.from_now()
    do()
    found, before = list(log), -1
    while len(found) != before:
        before = len(found)
        time.sleep(QUIET)
        found = list(log)
    if not found:
        raise LocalCloudError("Wharf sent no request to S3 within a request that needs S3")
    return found


def small_image(rig: BenchRig) -> dict[str, float]:
    """Return the seconds in which one client pulls an image of small layers, by variant."""
    images = [rig.push_image(f"bench/small-{number}", SMALL_LAYERS) for number in range(PULLS)]
    cache, registry = rig.variants["cache"], rig.variants["registry_tls"]
    seconds: dict[str, list[float]] = {"cache_cold": [], "cache": [], "registry_tls": []}
    with rig.slow_s3(LATENCY):
        for image in images:
            for name, variant in (("cache_cold", cache), ("registry_tls", registry)):
                seconds[name] += storm(variant.deployment, image, 1).seconds
            # Each host has each layer.
            for url in rig.registry.deployment.hosts:
                storm(dataclasses.replace(cache.deployment, url=url), image, 1)
            seconds["cache"] += storm(cache.deployment, image, 1).seconds
    return {name: round(median(each), 4) for name, each in seconds.items()}


def storm_reads(rig: BenchRig, extent: Extent) -> dict[str, dict[str, int]]:
    """Return the reads of S3 of two storms on the same hosts, each of a new image, by clients.

    With a check for each request, and with checks that serve requests of the next 5 s.
    """
    return {
        name: {str(clients): _storm(rig, rig.variants[name], clients) for clients in extent.storms}
        for name in STORMED
    }


def _storm(rig: BenchRig, variant: Variant, clients: int) -> int:
    image = rig.push_image("bench/storm", STORM_LAYERS)
    with rig.slow_s3(LATENCY):
        return len(_requests(rig, lambda: storm(variant.deployment, image, clients)))


def ranges(rig: BenchRig, extent: Extent) -> RangeFigures:
    """Pull a cold layer in parallel ranges, and another in one piece; return MB/s and bytes.

    The end of a layer first: it is from a slice of its own.
    """
    cache, proxy = rig.variants["cache"], rig.variants["proxy"]
    whole, parts = (new_blob(rig, extent.large_bytes, static=False) for _ in range(2))
    with rig.slow_s3(LATENCY):
        found = {
            "tail_cache_s": _first_byte(cache, whole),
            "tail_proxy_s": _first_byte(proxy, whole),
        }
        for name, blob, size in (("ranges", parts, RANGE), ("whole", whole, extent.large_bytes)):
            seconds = _in_ranges(cache, blob, size)
            found[f"{name}_mb_per_s"] = round(blob.size / MEGABYTE / seconds, 1)
        time.sleep(QUIET)
    fetched = sum(rig.fetched_bytes(parts.digest)) / parts.size
    return RangeFigures(**found, ranges_s3_bytes=round(fetched, 4))


def _first_byte(variant: Variant, blob: Blob) -> float:
    """Return the seconds until the first of the last bytes."""
    command = [
        *curl(variant),
        *("--range", f"{blob.size - TAIL}-{blob.size - 1}", "--output", "/dev/null"),
        *("--write-out", "%{http_code} %{size_download} %{time_starttransfer}"),
        f"{variant.url}{blob.path}",
    ]
    status, size, seconds = _run(command).split()
    if (status, size) != ("206", str(TAIL)):
        raise LocalCloudError(f"Variant {variant.name}: status {status}, {size} bytes of a range")
    return float(seconds)


def _in_ranges(variant: Variant, blob: Blob, each: int) -> float:
    """Pull a blob in ranges of so many bytes, several at the same time; return the seconds."""
    transfers: list[str] = []
    for first in range(0, blob.size, each):
        last = min(first + each, blob.size) - 1
        transfers += [*(["--next"] if first else []), *curl(variant), "--http1.1"]
        transfers.remove("curl")
        transfers += ["--range", f"{first}-{last}", "--output", "/dev/null"]
        transfers += ["--write-out", "%{http_code} %{size_download}\n", variant.url + blob.path]
    start = time.monotonic()
    out = _run(
        ["curl", "--parallel", "--parallel-immediate", "--parallel-max", str(PARALLEL), *transfers]
    )
    seconds = time.monotonic() - start
    lines = [line.split() for line in out.splitlines()]
    if {status for status, _ in lines} != {"206"} or sum(
        int(size) for _, size in lines
    ) != blob.size:
        raise LocalCloudError(f"Variant {variant.name}: not all ranges are whole: {lines}")
    return seconds


def _run(command: list[str]) -> str:
    return output_of("curl", command, LocalCloudError, timeout=LONGEST)
