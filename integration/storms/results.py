"""What was measured of storms, and what the model says of them."""

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel

from integration.bench.results import Machine
from scripts.capacity.figures import Figures, Requests
from scripts.capacity.model import Host, Model, Prediction, Storm


class Parameters(BaseModel):
    """All that the model is told, none of it from a storm.

    Attributes:
        rate: bytes a second that each host may send, as it was set.
        fetch_rate: bytes a second in which one server got an image that the host had to fetch.
        seconds_of_request: of each request to S3 that a pull waits for, and all that goes with it:
            one server's pull of an image without contents, by its requests.
        pull, layer: CPU seconds and requests to S3 of a pull without layers, and of one layer.
        cores: of the machine, which all hosts share.
    """

    rate: int
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
    """

    hosts: int
    seconds: list[float]
    busy: float | None = None


class Simulated(BaseModel):
    """A storm as the formula and the simulation have it, in seconds."""

    servers: int
    image_gb: float
    layers: int
    delivery: str
    instance_type: str
    hosts: int
    formula: float
    simulation: float

    @property
    def difference(self) -> float:
        """How much longer the formula takes it to be, as a part."""
        return self.formula / self.simulation - 1


class Results(BaseModel):
    """All of it, as ``build/storms.json`` has it."""

    started: str
    seconds: float
    machine: Machine
    servers: int
    layers: list[int]
    parameters: Parameters
    storms: list[Measured]
    simulations: list[Simulated] = []

    @property
    def hosts(self) -> list[int]:
        """The numbers of hosts that were measured."""
        return sorted({one.hosts for one in self.storms})

    @property
    def rounds(self) -> int:
        """How often."""
        return len(self.storms) // len(self.hosts)

    def last(self, hosts: int) -> list[float]:
        """When the last server had the image, in each round."""
        return [one.seconds[-1] for one in self.storms if one.hosts == hosts]

    def half(self, hosts: int) -> float:
        """When half of the servers had it: the median of the rounds."""
        return median(median(one.seconds) for one in self.storms if one.hosts == hosts)

    def busy(self, hosts: int) -> float | None:
        """The part of the machine that was busy: the median of the rounds."""
        found = [one.busy for one in self.storms if one.hosts == hosts and one.busy is not None]
        return median(found) if found else None

    def difference(self, hosts: int) -> float:
        """How much longer the model takes a storm to be than it was, as a part."""
        return self.predicted(hosts).seconds / median(self.last(hosts)) - 1

    def predicted(self, hosts: int) -> Prediction:
        """What the model says of the storm that was measured."""
        return predict(self.parameters, self.servers, self.layers, hosts)


def predict(parameters: Parameters, servers: int, layers: Sequence[int], hosts: int) -> Prediction:
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
    storm = Storm(servers, sum(layers), len(layers))
    # HAProxy gives connections to the hosts in turn.
    return Model(figures, even=True).predict(storm, host, hosts, "cache")
