"""What is measured: first, on one pull at a time, what the model has to know; then the storms."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import psutil

from integration.storms.client import storm
from integration.storms.results import Measured, Parameters
from integration.storms.rig import StormRig
from scripts.capacity.figures import Delivery, Requests

MEGABYTE = 1_000_000
#: The image of a storm: sizes of its layers in bytes, together 36 MB.
LAYERS = [size * MEGABYTE for size in (12, 8, 6, 4, 3, 3)]
SERVERS = 20
#: Bytes a second that a host may send: slow enough that the machine's processors are not the limit
#: with four hosts.
RATE = 15 * MEGABYTE
#: Bytes a second that a server takes with ``redirect``, where hosts send nothing: slow enough, too.
SERVER_RATE = 2 * MEGABYTE
#: The numbers of hosts that are measured.
NUMBERS: Mapping[Delivery, Sequence[int]] = {"cache": (1, 2, 4), "proxy": (2,), "redirect": (1,)}
#: Layers of the two images without contents, and their size.
FEW, MANY, NOTHING = 1, 7, 1000
#: Pulls of each of these, and of images that were just pushed.
PULLS, COLD = 20, 3


def parameters(rig: StormRig, cores: int) -> Parameters:
    """Measure what the model has to know, on one host that nothing slows down."""
    few, many = (_pulls(rig, [NOTHING] * layers) for layers in (FEW, MANY))
    # Without the one for the bytes of a layer, which a host that has it does not need.
    own = 0 if rig.delivery == "cache" else 1
    layer = Requests(
        cpu=max(0.0, many.cpu - few.cpu) / (MANY - FEW),
        get=(many.get - few.get) / (MANY - FEW) - own,
        list=(many.list - few.list) / (MANY - FEW),
    )
    pull = Requests(
        cpu=max(0.0, few.cpu - FEW * layer.cpu),
        get=few.get - FEW * (layer.get + own),
        list=few.list - FEW * layer.list,
    )
    request = few.seconds / (pull.s3 + FEW * layer.s3)
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
    """The cost of one pull of an image that the host has, and its median time."""
    image = rig.push(layers)
    storm(rig.deployment, image, 1)
    requests, cpu = rig.s3_requests(), rig.cpu()
    seconds = [storm(rig.deployment, image, 1).seconds[0] for _ in range(PULLS)]
    used = rig.cpu() - cpu
    after = rig.s3_requests()
    gets, lists = ((after[kind] - requests[kind]) / PULLS for kind in ("get", "list"))
    return _Pulls(seconds=median(seconds), cpu=used / PULLS, get=round(gets), list=round(lists))


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
        after = rig.s3_requests()
        reads = sum(after[kind] - requests[kind] for kind in ("get", "list"))
        found.append(Measured(hosts=hosts, seconds=seconds, busy=round(busy, 3), s3_reads=reads))
        report(
            f"Round {turn + 1}: {SERVERS} servers, {rig.delivery}, {hosts} hosts: "
            f"{seconds[-1]:.1f} s ({time.monotonic() - start:.0f} s in all)"
        )
    return found
