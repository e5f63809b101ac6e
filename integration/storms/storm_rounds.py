"""The measurements: first single pulls, for the parameters of the model; then the storms."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import psutil

from integration.bench.s3_workloads import LATENCY, QUIET
from integration.bench.storm import storm
from integration.clients.image_builder import MEGABYTE
from integration.local.network.s3_log import steps
from integration.storms.shaped_registry import StormRig
from integration.storms.storm_results import Measured, Parameters
from scripts.capacity.figures import Delivery, Requests

#: The image of a storm: sizes of its layers in bytes, together 36 MB.
LAYERS = [size * MEGABYTE for size in (12, 8, 6, 4, 3, 3)]
SERVERS = 20
#: Bytes a second that a host may send: so slow that four hosts do not use up the machine's CPU.
RATE = 15 * MEGABYTE
#: Bytes a second that a server receives with ``redirect``, where hosts send no layers.
SERVER_RATE = 2 * MEGABYTE
#: The measured numbers of hosts.
NUMBERS: Mapping[Delivery, Sequence[int]] = {"cache": (1, 2, 4), "proxy": (2,), "redirect": (1,)}
#: Layers of the two images with minimal layers, and the size of such a layer.
FEW, MANY, NOTHING = 1, 7, 1000
#: Pulls of each of these images, and of images that were just pushed.
PULLS, COLD = 20, 3


def parameters(rig: StormRig, cores: int) -> Parameters:
    """Measure the parameters of the model, on one host without a limit."""
    few, many = (_pulls(rig, [NOTHING] * layers) for layers in (FEW, MANY))
    # Without the GET of the bytes of a layer, which a host with a cached layer does not send.
    own = 0 if rig.delivery == "cache" else 1
    whole, of_layer = _steps(rig)
    layer = Requests(
        cpu=max(0.0, many.cpu - few.cpu) / (MANY - FEW),
        get=(many.get - few.get) / (MANY - FEW) - own,
        list=(many.list - few.list) / (MANY - FEW),
        steps=of_layer - own,
    )
    pull = Requests(
        cpu=max(0.0, few.cpu - FEW * layer.cpu),
        get=few.get - FEW * (layer.get + own),
        list=few.list - FEW * layer.list,
        steps=whole - FEW * of_layer,
    )
    request = few.seconds / whole
    cold = []
    for _ in range(COLD):
        image = rig.push(LAYERS)
        cold.append(storm(rig.deployment, image, 1).seconds[0])
    return Parameters(
        rate=RATE,
        server_rate=SERVER_RATE if rig.delivery == "redirect" else None,
        fetch_rate=sum(LAYERS) / (median(cold) - many.seconds),
        seconds_of_request=request,
        pull=pull,
        layer=layer,
        cores=cores,
    )


class _Pulls(Requests):
    seconds: float


def _pulls(rig: StormRig, layers: Sequence[int]) -> _Pulls:
    """Return the cost of a pull of an image that the host has, and its median duration."""
    image = rig.push(layers)
    storm(rig.deployment, image, 1)
    requests, cpu = rig.s3_requests(), rig.cpu()
    seconds = [storm(rig.deployment, image, 1).seconds[0] for _ in range(PULLS)]
    used = rig.cpu() - cpu
    more = rig.s3_requests() - requests
    gets, lists = (more["GET"] + more["HEAD"]) / PULLS, more["LIST"] / PULLS
    return _Pulls(
        seconds=median(seconds), cpu=used / PULLS, get=round(gets), list=round(lists), steps=0
    )


def _steps(rig: StormRig) -> tuple[int, int]:
    """Return the requests to S3 in sequence: of a pull with one layer, and of the layer."""
    image = rig.push([NOTHING])
    repository, _, tag = image.partition(":")
    with rig.deployment.repository(repository) as client:
        (layer,) = json.loads(client.manifest(tag))["layers"]
    storm(rig.deployment, image, 1)
    log = rig.s3_log.from_now()
    with rig.slow_s3(LATENCY):
        storm(rig.deployment, image, 1)
    time.sleep(QUIET)
    found, digest = list(log), layer["digest"].rpartition(":")[2]
    return steps(found), steps(request for request in found if digest in request.path)


def one_round(
    rig: StormRig, known: Parameters, turn: int, report: Callable[[str], None]
) -> list[Measured]:
    """Measure a storm with each number of hosts: upwards, the next turn downwards, and so on."""
    found = []
    numbers = NUMBERS[rig.delivery]
    for hosts in numbers if turn % 2 == 0 else numbers[::-1]:
        rig.scale(hosts)
        rig.shape(known.rate)
        image = rig.push(LAYERS)
        start, requests = time.monotonic(), rig.s3_requests()
        psutil.cpu_percent()
        seconds = storm(rig.deployment, image, SERVERS, known.server_rate).seconds
        busy = psutil.cpu_percent() / 100
        more = rig.s3_requests() - requests
        reads = sum(more[kind] for kind in ("GET", "HEAD", "LIST"))
        found.append(Measured(hosts=hosts, seconds=seconds, busy=round(busy, 3), s3_reads=reads))
        report(
            f"Round {turn + 1}: {SERVERS} servers, {rig.delivery}, {hosts} hosts: "
            f"{seconds[-1]:.1f} s ({time.monotonic() - start:.0f} s in all)"
        )
    return found
