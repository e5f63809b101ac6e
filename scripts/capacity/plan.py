"""Plans for a storm: for each delivery of layers, the hosts with the lowest cost."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scripts.capacity.figures import GIBIBYTE, GIGABYTE, Delivery, Figures, InstanceType, Prices
from scripts.capacity.model import Model
from scripts.capacity.storm import Host, Prediction, Storm

#: AWS charges at least a minute of each started instance.
LEAST_SECONDS = 60
HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Cost:
    """Cost in USD: of a storm by item, and of the hosts in a month."""

    hosts: float
    s3_requests: float
    traffic: float
    balancer: float
    zones: float
    hosts_a_month: float

    @property
    def storm(self) -> float:
        """Total cost of a storm."""
        return self.hosts + self.s3_requests + self.traffic + self.balancer + self.zones


@dataclass(frozen=True)
class Plan:
    """Hosts for a storm, and their prediction.

    Attributes:
        prediction: prediction at the baseline or peak bandwidth, as the planner was told.
        peak_seconds: duration at peak bandwidth.
        pushes: number of requests to S3 for the push of the image.
    """

    delivery: Delivery
    instance_type: str
    hosts: int
    prediction: Prediction
    peak_seconds: float
    pushes: int
    cost: Cost

    def json(self) -> dict[str, object]:
        """Return all fields and the cost of the storm."""
        return {**dataclasses.asdict(self), "storm_cost": self.cost.storm}


def cache_needed(storm: Storm, figures: Figures) -> int:
    """Return the minimum cache_size in GiB with which hosts keep all layers of the image.

    Hosts with a smaller cache deliver layers as with ``proxy``, or fetch them repeatedly.
    """
    layer = storm.image / storm.layers / figures.cached_layer
    return math.ceil(max(layer, storm.image) / GIBIBYTE)


class Planner:
    """Planner for a storm.

    Args:
        storm: servers and image.
        figures, prices: figures and prices of the model.
        peak: whether to use the peak bandwidth of instances instead of the baseline.
    """

    def __init__(self, storm: Storm, figures: Figures, prices: Prices, *, peak: bool) -> None:
        self._storm, self._figures, self._prices = storm, figures, prices
        self._peak = peak
        self._model = Model(figures)

    def plan(self, delivery: Delivery, name: str, kind: InstanceType, hosts: int) -> Plan:
        """Return the plan for a number of hosts of a type."""
        predicted = self._predict(delivery, kind, hosts, peak=self._peak)
        return Plan(
            delivery,
            name,
            hosts,
            predicted,
            self._predict(delivery, kind, hosts, peak=True).seconds,
            # Beside its parts, the multipart upload of each layer takes three requests.
            pushes=math.ceil(self._storm.image / self._figures.s3_part) + 3 * self._storm.layers,
            cost=self._cost(predicted, delivery, name, hosts),
        )

    def _predict(
        self, delivery: Delivery, kind: InstanceType, hosts: int, *, peak: bool
    ) -> Prediction:
        return self._model.predict(self._storm, Host.of(kind, peak=peak), hosts, delivery)

    def cheapest(
        self, delivery: Delivery, types: Mapping[str, InstanceType], seconds: float
    ) -> Plan | None:
        """Return the plan with the lowest monthly cost within the time; None if none is in time."""
        found = []
        for name, kind in types.items():
            host = Host.of(kind, peak=self._peak)
            hosts = self._model.hosts(self._storm, host, delivery, seconds)
            if hosts is not None:
                found.append(self.plan(delivery, name, kind, hosts))
        return min(found, key=_cheap, default=None)

    def fastest(
        self, deliveries: Iterable[Delivery], types: Mapping[str, InstanceType], hosts: int
    ) -> Plan:
        """Return the fastest plan with a number of hosts."""
        plans = [
            self.plan(delivery, name, kind, hosts)
            for delivery in deliveries
            for name, kind in types.items()
        ]
        return min(plans, key=lambda plan: plan.prediction.seconds)

    def _cost(self, predicted: Prediction, delivery: Delivery, name: str, hosts: int) -> Cost:
        prices, storm = self._prices, self._storm
        pulled = storm.servers * storm.image / GIGABYTE
        through = 0.0 if delivery == "redirect" else pulled
        hour = hosts * prices.instance_hour[name]
        return Cost(
            hosts=hour * max(predicted.seconds, LEAST_SECONDS) / 3600,
            s3_requests=predicted.gets * prices.s3_get + predicted.lists * prices.s3_put,
            traffic=pulled * prices.client_traffic,
            balancer=through * prices.balancer_traffic,
            zones=through * prices.zone_share * prices.zone_traffic,
            hosts_a_month=hour * HOURS_A_MONTH,
        )


def _cheap(plan: Plan) -> tuple[float, float]:
    return plan.cost.hosts_a_month, plan.prediction.seconds
