"""What to deploy for a storm: for each way to deliver layers the hosts that cost the least."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scripts.capacity.figures import GIBIBYTE, GIGABYTE, Delivery, Figures, InstanceType, Prices
from scripts.capacity.model import Host, Model, Prediction, Storm

#: An instance that was started is charged for a minute at least.
LEAST_SECONDS = 60
HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Cost:
    """USD: of one storm, by what for, and of the hosts for a month, storm or not."""

    hosts: float
    s3_requests: float
    s3_traffic: float
    balancer: float
    zones: float
    hosts_a_month: float

    @property
    def storm(self) -> float:
        """All that one storm costs."""
        return self.hosts + self.s3_requests + self.s3_traffic + self.balancer + self.zones


@dataclass(frozen=True)
class Plan:
    """Hosts for a storm, and what comes of them.

    Attributes:
        prediction: at the baseline bandwidth of the instances, or at their peak, as was asked.
        peak_seconds: at the peak.
        pushes: requests to S3 that the push of the image takes.
    """

    delivery: Delivery
    instance_type: str
    hosts: int
    prediction: Prediction
    peak_seconds: float
    pushes: int
    cost: Cost

    def json(self) -> dict[str, object]:
        """All of it, and what follows from it."""
        return {**dataclasses.asdict(self), "storm_cost": self.cost.storm}


def cache_needed(storm: Storm, figures: Figures) -> int:
    """The cache_size, in GiB, with which hosts keep the image: whole, and each of its layers.

    With less they deliver layers as with ``proxy``, or fetch them again and again.
    """
    layer = storm.image / storm.layers / figures.cached_layer
    return math.ceil(max(layer, storm.image) / GIBIBYTE)


class Planner:
    """Answers for one storm.

    Args:
        storm: what comes.
        figures, prices: what is known.
        peak: count on the peak bandwidth of instances, not on their baseline.
    """

    def __init__(self, storm: Storm, figures: Figures, prices: Prices, *, peak: bool) -> None:
        self._storm, self._figures, self._prices = storm, figures, prices
        self._peak = peak
        self._model = Model(figures)

    def plan(self, delivery: Delivery, name: str, kind: InstanceType, hosts: int) -> Plan:
        """Describe a number of hosts of a type."""
        predicted = self._predict(delivery, kind, hosts, peak=self._peak)
        return Plan(
            delivery,
            name,
            hosts,
            predicted,
            self._predict(delivery, kind, hosts, peak=True).seconds,
            # Each layer begins, moves and ends as an upload of parts.
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
        """The plan that is done in time and costs the least a month; None if none is."""
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
        """The fastest that so many hosts can be."""
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
            s3_requests=predicted.gets * prices.s3_get + predicted.lists * prices.s3_list,
            # What hosts fetch stays in the region.
            s3_traffic=(pulled - through) * prices.s3_traffic,
            balancer=through * prices.balancer_traffic,
            zones=through * prices.zone_share * prices.zone_traffic,
            hosts_a_month=hour * HOURS_A_MONTH,
        )


def _cheap(plan: Plan) -> tuple[float, float]:
    return plan.cost.hosts_a_month, plan.prediction.seconds
