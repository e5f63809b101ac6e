"""Results of storms, measured and by the model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pydantic import BaseModel

from integration.bench.measurements import Machine
from scripts.capacity.figures import Delivery, Figures, Requests
from scripts.capacity.model import Model
from scripts.capacity.storm import Host, Prediction, Storm

#: Maximum relative error of the model.
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
            one server's pull of an image without contents, by its requests in sequence.
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
        """Error of the formula, as a part of the measured time."""
        return self.formula / self.simulation - 1


@dataclass(frozen=True)
class Comparison:
    """Storms of one kind beside what the model says of them."""

    registry: str
    delivery: Delivery
    hosts: int
    storms: Sequence[Measured]
    model: Prediction

    @property
    def name(self) -> str:
        """What was measured, for people."""
        hosts = f"{self.hosts} host{'s' * (self.hosts > 1)}"
        return f"{self.delivery} with {hosts}, distribution {self.registry}"

    @property
    def last(self) -> list[float]:
        """When the last server had the image, in each round."""
        return [storm.seconds[-1] for storm in self.storms]

    @property
    def half(self) -> float:
        """When half of the servers had it: the median of the rounds."""
        return median(median(storm.seconds) for storm in self.storms)

    @property
    def busy(self) -> float | None:
        """The part of the machine that was busy: the median of the rounds."""
        return _median([storm.busy for storm in self.storms])

    @property
    def s3_reads(self) -> float | None:
        """Requests to S3: the median of the rounds."""
        return _median([storm.s3_reads for storm in self.storms])

    @property
    def difference(self) -> float:
        """Median excess of the storms over the model, as a part of the model's time."""
        return median(self.last) / self.model.seconds - 1

    @property
    def counts(self) -> bool:
        """Return whether the result is about the model: not if this machine was the limit."""
        return (self.busy or 0) <= BUSY


class Part(BaseModel):
    """Measurements with one delivery mode and one version of distribution."""

    delivery: Delivery
    registry: str
    started: str
    seconds: float
    machine: Machine
    parameters: Parameters
    storms: list[Measured] = []

    @property
    def place(self) -> tuple[str, Delivery]:
        """Registry and delivery mode: of each pair there is one part."""
        return self.registry, self.delivery

    @property
    def hosts(self) -> list[int]:
        """The numbers of hosts that were measured."""
        return sorted({storm.hosts for storm in self.storms})

    @property
    def rounds(self) -> int:
        """Number of the storms."""
        return len(self.storms) // len(self.hosts)


class Results(BaseModel):
    """Content of ``build/storms.json``."""

    servers: int
    layers: list[int]
    parts: list[Part] = []
    simulations: list[Simulated] = []

    def put(self, new: Part) -> None:
        """Add a part. It takes the place of the one with its delivery mode and registry."""
        others = [part for part in self.parts if part.place != new.place]
        self.parts = sorted([*others, new], key=lambda part: part.place)

    @property
    def comparisons(self) -> list[Comparison]:
        """All that was measured, by registry, delivery and number of hosts."""
        return [
            Comparison(
                part.registry,
                part.delivery,
                hosts,
                [storm for storm in part.storms if storm.hosts == hosts],
                predict(part.parameters, self.servers, self.layers, hosts, part.delivery),
            )
            for part in self.parts
            for hosts in part.hosts
        ]

    def faults(self) -> list[str]:
        """Return the reasons why these results do not confirm the model."""
        counting = [comparison for comparison in self.comparisons if comparison.counts]
        if not counting:
            return [f"in every storm the machine was busy to more than {BUSY:.0%}"]
        measured = [
            f"{comparison.name} ({comparison.difference:+.0%})"
            for comparison in counting
            if abs(comparison.difference) > NEAR
        ]
        simulated = [
            f"simulated: {simulation.servers} servers, {simulation.delivery}, "
            f"{simulation.hosts} x {simulation.instance_type} "
            f"({simulation.difference:+.0%})"
            for simulation in self.simulations
            if abs(simulation.difference) > NEAR
        ]
        return measured + simulated


def predict(
    parameters: Parameters, servers: int, layers: Sequence[int], hosts: int, delivery: Delivery
) -> Prediction:
    """Return the model's prediction for a storm on this machine."""
    known = Figures.read()
    figures = known.model_copy(
        update={
            "s3_seconds": parameters.seconds_of_request,
            # Measured for all connections of one server together.
            "s3_connection_rate": parameters.fetch_rate / known.parallel_layers,
            "disk_rate": parameters.fetch_rate,
            "pull": known.pull | {delivery: parameters.pull},
            "layer": known.layer | {delivery: parameters.layer},
            # The stack's default, with which it is measured.
            "check_seconds": 0,
        }
    )
    host = Host(parameters.rate, parameters.cores / hosts, received=parameters.fetch_rate)
    storm = Storm(servers, sum(layers), len(layers), parameters.server_rate or math.inf)
    # HAProxy gives connections to the hosts in turn.
    return Model(figures, even=True).predict(storm, host, hosts, delivery)


def _median(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None
