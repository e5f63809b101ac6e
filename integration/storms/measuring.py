"""What is measured: first, on one pull at a time, what the model has to know; then the storms."""

import time
from collections.abc import Callable, Sequence
from statistics import median

import psutil

from integration.storms.client import storm
from integration.storms.results import Measured, Parameters
from integration.storms.rig import StormRig
from scripts.capacity.figures import Requests

MEGABYTE = 1_000_000
#: The image of a storm: sizes of its layers in bytes, together 36 MB.
LAYERS = [size * MEGABYTE for size in (12, 8, 6, 4, 3, 3)]
SERVERS = 20
#: Bytes a second that a host may send: slow enough that the machine's processors are not the limit
#: with four hosts.
RATE = 15 * MEGABYTE
NUMBERS = (1, 2, 4)
#: Layers of the two images without contents, and their size.
FEW, MANY, NOTHING = 1, 7, 1000
#: Pulls of each of these, and of images that were just pushed.
PULLS, COLD = 20, 3


def parameters(rig: StormRig, cores: int) -> Parameters:
    """Measure what the model has to know, on one host that nothing slows down."""
    few, many = (_pulls(rig, [NOTHING] * layers) for layers in (FEW, MANY))
    layer = Requests(
        cpu=max(0.0, many.cpu - few.cpu) / (MANY - FEW),
        get=(many.get - few.get) / (MANY - FEW),
        list=(many.list - few.list) / (MANY - FEW),
    )
    pull = Requests(
        cpu=max(0.0, few.cpu - FEW * layer.cpu),
        get=few.get - FEW * layer.get,
        list=few.list - FEW * layer.list,
    )
    request = few.seconds / (pull.s3 + FEW * layer.s3)
    cold = []
    for _ in range(COLD):
        image = rig.push(LAYERS)
        cold.append(storm(rig.deployment, image, 1).seconds[0])
    return Parameters(
        rate=RATE,
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
    rig: StormRig, turn: int, servers: int, layers: Sequence[int], report: Callable[[str], None]
) -> list[Measured]:
    """Measure a storm with each number of hosts: upwards, the next turn downwards, and so on."""
    found = []
    for hosts in NUMBERS if turn % 2 == 0 else NUMBERS[::-1]:
        rig.scale(hosts)
        rig.shape(RATE)
        image = rig.push(layers)
        start = time.monotonic()
        psutil.cpu_percent()
        seconds = storm(rig.deployment, image, servers).seconds
        busy = psutil.cpu_percent() / 100
        found.append(Measured(hosts=hosts, seconds=seconds, busy=round(busy, 3)))
        report(
            f"Round {turn + 1}: {servers} servers, {hosts} hosts: {seconds[-1]:.1f} s "
            f"({time.monotonic() - start:.0f} s in all)"
        )
    return found
