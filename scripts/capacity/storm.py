"""A storm, the hosts that serve the storm, and the prediction of the model."""

import math
from dataclasses import dataclass

from scripts.capacity.figures import GBPS, GIBIBYTE, InstanceType


@dataclass(frozen=True)
class Storm:
    """Servers that begin to pull an image simultaneously, which no host has in its cache.

    Attributes:
        servers: number of servers.
        image: compressed bytes of all layers together.
        layers: number of layers, all of the same size.
        server_rate: maximum bytes per second of a server.
    """

    servers: int
    image: float
    layers: int
    server_rate: float = math.inf


@dataclass(frozen=True)
class Host:
    """Capacity of a host.

    Attributes:
        network: bytes per second in each direction, with headers.
        vcpus: number of processors.
        memory: bytes; layers that do not fit are read from the disk again.
        received: received bytes per second, if other than ``network``.
    """

    network: float
    vcpus: float
    memory: float = math.inf
    received: float | None = None

    @classmethod
    def of(cls, kind: InstanceType, *, peak: bool = False) -> "Host":
        """Return a host of an EC2 instance type, at its baseline bandwidth or its peak."""
        gbps = kind.peak if peak else kind.baseline
        return cls(gbps * GBPS, kind.vcpus, kind.memory * GIBIBYTE)


@dataclass(frozen=True)
class Prediction:
    """Prediction of the model for a storm.

    Attributes:
        seconds: until the last server has the image.
        start: seconds until the first layer is requested.
        fetch, transfer: seconds of each wave.
        waves: number of waves.
        limit: resource that decides the duration of a wave.
        gets, lists: requests to S3 in all, at most; a HEAD is a get.
        s3_peak: requests to S3 in the busiest second, if S3 responds to all of them.
    """

    seconds: float
    start: float
    fetch: float
    transfer: float
    waves: int
    limit: str
    gets: float
    lists: float
    s3_peak: float
