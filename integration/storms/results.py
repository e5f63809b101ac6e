"""What was measured of storms, and what the model says of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pydantic import BaseModel

from integration.bench.results import Machine
from scripts.capacity.figures import Delivery, Figures, Requests
from scripts.capacity.model import Host, Model, Prediction, Storm

#: How near to the model a storm has to be, as a part of what the model says.
NEAR = 0.2
#: The part of the machine's processors above which they are the limit, not what the model knows of.
BUSY = 0.9


class Parameters(BaseModel):
    """All that the model is told, none of it from a storm.

    Attributes:
        rate: bytes a second that each host may send, as it was set.
        server_rate: bytes a second that each server takes, as it was set; None if it was not.
        fetch_rate: bytes a second in which one server got an image that the host had to fetch.
        seconds_of_request: of each request to S3 that a pull waits for, and all that goes with it:
            one server's pull of an image without contents, by its requests.
        pull, layer: CPU seconds and requests to S3 of a pull without layers, and of one layer but
            for its bytes.
        cores: of the machine, which all hosts share.
    """

    rate: int
    server_rate: int | None
    fetch_rate: float
    seconds_of_request: float
    pull: Requests
    layer: Requests
    cores: int


class Measured(BaseModel):
    """One storm.

    Attributes:
        hosts: how many served.
        seconds: until each of the servers had the image, sorted.
        busy: part of the machine's processors; None where nobody looked.
        s3_reads: requests to S3; None where nobody counted.
    """

    hosts: int
    seconds: list[float]
    busy: float | None
    s3_reads: int | None


class Simulated(BaseModel):
    """A storm as formula and simulation have it: seconds, and reads of S3 in one second at most."""

    servers: int
    image_gb: float
    layers: int
    delivery: str
    instance_type: str
    hosts: int
    formula: float
    simulation: float
    formula_peak: float
    simulation_peak: float

    @property
    def difference(self) -> float:
        """How much longer the formula takes it to be, as a part."""
        return self.formula / self.simulation - 1


@dataclass(frozen=True)
class Comparison:
    """Storms of one kind beside what the model says of them."""

    delivery: Delivery
    hosts: int
    storms: Sequence[Measured]
    model: Prediction

    @property
    def name(self) -> str:
        """What was measured, for people."""
        return f"{self.delivery} with {self.hosts} host{'s' * (self.hosts > 1)}"

    @property
    def last(self) -> list[float]:
        """When the last server had the image, in each round."""
        return [one.seconds[-1] for one in self.storms]

    @property
    def half(self) -> float:
        """When half of the servers had it: the median of the rounds."""
        return median(median(one.seconds) for one in self.storms)

    @property
    def busy(self) -> float | None:
        """The part of the machine that was busy: the median of the rounds."""
        return _median([one.busy for one in self.storms])

    @property
    def s3_reads(self) -> float | None:
        """Requests to S3: the median of the rounds."""
        return _median([one.s3_reads for one in self.storms])

    @property
    def difference(self) -> float:
        """How much longer the storms took (median) than the model says, as a part of that."""
        return median(self.last) / self.model.seconds - 1

    @property
    def counts(self) -> bool:
        """Whether it says anything of the model: not if this machine was the limit."""
        return (self.busy or 0) <= BUSY


class Part(BaseModel):
    """What was measured with one way to deliver layers."""

    started: str
    seconds: float
    machine: Machine
    parameters: Parameters
    storms: list[Measured] = []

    @property
    def hosts(self) -> list[int]:
        """The numbers of hosts that were measured."""
        return sorted({one.hosts for one in self.storms})

    @property
    def rounds(self) -> int:
        """How often."""
        return len(self.storms) // len(self.hosts)


class Results(BaseModel):
    """All of it, as ``build/storms.json`` has it."""

    servers: int
    layers: list[int]
    parts: dict[Delivery, Part] = {}
    simulations: list[Simulated] = []

    @property
    def comparisons(self) -> list[Comparison]:
        """All that was measured, by delivery and number of hosts."""
        return [
            Comparison(
                delivery,
                hosts,
                [one for one in part.storms if one.hosts == hosts],
                predict(part.parameters, self.servers, self.layers, hosts, delivery),
            )
            for delivery, part in sorted(self.parts.items())
            for hosts in part.hosts
        ]

    def faults(self) -> list[str]:
        """What keeps these results from saying that the model is near, each in some words."""
        counting = [one for one in self.comparisons if one.counts]
        if not counting:
            return [f"in every storm the machine was busy to more than {BUSY:.0%}"]
        measured = [
            f"{one.name} ({one.difference:+.0%})" for one in counting if abs(one.difference) > NEAR
        ]
        simulated = [
            f"simulated: {one.servers} servers, {one.delivery}, {one.hosts} x {one.instance_type} "
            f"({one.difference:+.0%})"
            for one in self.simulations
            if abs(one.difference) > NEAR
        ]
        return measured + simulated


def predict(
    parameters: Parameters, servers: int, layers: Sequence[int], hosts: int, delivery: Delivery
) -> Prediction:
    """What the model says of a storm on this machine."""
    known = Figures.read()
    figures = known.model_copy(
        update={
            "s3_seconds": parameters.seconds_of_request,
            # Measured for all connections of one server together.
            "s3_connection_rate": parameters.fetch_rate / known.parallel_layers,
            "disk_rate": parameters.fetch_rate,
            "pull": parameters.pull,
            "layer": parameters.layer,
        }
    )
    host = Host(parameters.rate, parameters.cores / hosts, received=parameters.fetch_rate)
    storm = Storm(servers, sum(layers), len(layers), parameters.server_rate or math.inf)
    # HAProxy gives connections to the hosts in turn.
    return Model(figures, even=True).predict(storm, host, hosts, delivery)


def _median(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None
