"""A storm, event by event: what the formula in model.py sums up, with everything by chance in it.

Each server connects to hosts by chance, as through the network load balancer, asks for the next
layer on a connection as soon as that is free, and shares network and processors of the host with
all others.
"""

import math
import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import simpy

from scripts.capacity.figures import GIGABYTE, Delivery, Figures, Requests
from scripts.capacity.model import Host, Model, Storm
from scripts.capacity.sharing import Sharing

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Simulated:
    """A storm that has passed.

    Attributes:
        seconds: until the last server had its image.
        half: until half of them had.
        s3_requests: that S3 got.
        s3_peak: of these, those of the second that has the most.
    """

    seconds: float
    half: float
    s3_requests: float
    s3_peak: float


@dataclass
class _Host:
    """What the connections of a host share."""

    cpu: Sharing
    network: Sharing
    fetching: Sharing
    workers: int
    # What happens when it has a layer.
    layers: dict[int, simpy.Event] = field(default_factory=dict)
    # Questions by worker and layer: under way, and to be asked after them.
    asked: dict[tuple[int, int], simpy.Event] = field(default_factory=dict)
    coming: dict[tuple[int, int], simpy.Event] = field(default_factory=dict)


class Simulation:
    """One storm on some hosts.

    Args:
        figures: as the formula has them.
        storm, host, hosts, delivery: what is asked.
        even: whether connections go to the hosts in turn, not by chance.
        seed: of what happens by chance.

    Usage:

        Simulation(Figures.read(), Storm(500, 2e9, 10), host, 20, "cache").run().seconds
    """

    def __init__(
        self,
        figures: Figures,
        storm: Storm,
        host: Host,
        hosts: int,
        delivery: Delivery,
        *,
        even: bool = False,
        seed: int = 0,
    ) -> None:
        self._figures, self._storm, self._delivery = figures, storm, delivery
        self._even = even
        self._chance = random.Random(seed)  # noqa: S311  (a simulation, nothing to hide)
        self._environment = simpy.Environment()
        self._at_a_time = min(figures.parallel_layers, storm.layers)
        self._hosts = [self._host(host) for _ in range(hosts)]
        self._turn = 0
        self._ends: list[float] = []
        self._s3 = Sharing(self._environment, figures.s3_reads_per_second)

    def _host(self, host: Host) -> _Host:
        figures, environment = self._figures, self._environment
        model = Model(figures)
        network = model.send_rate(self._storm, host)
        if self._delivery != "cache":
            network = host.network * figures.payload
        cpu = figures.gb_cpu[self._delivery] / GIGABYTE
        if cpu:
            network = min(network, host.vcpus / cpu)
        return _Host(
            workers=max(1, round(host.vcpus)),
            cpu=Sharing(environment, host.vcpus, most=1),
            network=Sharing(environment, network, most=self._storm.server_rate / self._at_a_time),
            fetching=Sharing(
                environment,
                model.fetch_rate(host, figures.parallel_layers),
                most=figures.s3_connection_rate,
            ),
        )

    def run(self) -> Simulated:
        """Let the storm pass."""
        for _ in range(self._storm.servers):
            self._environment.process(self._server())
        peak = max(self._seconds())
        return Simulated(max(self._ends), median(self._ends), self._s3.done, peak)

    def _seconds(self) -> Iterator[float]:
        """Let it pass second by second; the requests of each to S3."""
        environment, then, before = self._environment, 0.0, 0.0
        while environment.peek() < math.inf:
            second = math.floor(environment.peek()) + 1
            while environment.peek() < second:
                environment.step()
            yield (self._s3.done - before) / max(1.0, environment.now - then)
            then, before = environment.now, self._s3.done

    def _connect(self) -> _Host:
        if not self._even:
            return self._chance.choice(self._hosts)
        self._turn += 1
        return self._hosts[self._turn % len(self._hosts)]

    def _server(self) -> Process:
        figures, host = self._figures, self._connect()
        yield self._environment.timeout(figures.password_cpu)
        yield from self._request(host, figures.pull)
        # Every server asks for the layers in the order of the manifest, as Docker does.
        wanted = iter(range(self._storm.layers))
        others = [self._connect() for _ in range(self._at_a_time - 1)]
        yield self._environment.all_of(
            [self._environment.process(self._connection(one, wanted)) for one in [host, *others]]
        )
        self._ends.append(self._environment.now)

    def _connection(self, host: _Host, wanted: Iterator[int]) -> Process:
        size = self._storm.image / self._storm.layers
        worker = self._chance.randrange(host.workers)
        for layer in wanted:
            yield from self._ask(host, worker, layer)
            if self._delivery == "cache":
                yield from self._cached(host, layer, size)
            else:
                yield self._s3.serve(1)
            if self._delivery == "redirect":
                rate = self._storm.server_rate / self._at_a_time
                rate = min(rate, self._figures.s3_connection_rate)
                yield self._environment.timeout(size / rate)
            else:
                yield host.network.serve(size)

    def _request(self, host: _Host, what: Requests) -> Process:
        """Ask S3, one request after the other, and compute between them."""
        steps = max(1, round(what.s3))
        one = what.s3 / steps
        for _ in range(steps):
            yield host.cpu.serve(what.cpu / steps)
            yield self._s3.serve(one)
            # Were it always the same, all servers would ask in the same moments.
            seconds = self._chance.uniform(0, 2 * self._figures.s3_seconds)
            yield self._environment.timeout(one * seconds)

    def _ask(self, host: _Host, worker: int, layer: int) -> Process:
        """Ask the registry for a layer, as question.lua does: one question for all who wait.

        With ``proxy`` nginx does not ask, but every server's request is one to the registry.
        """
        question, environment = (worker, layer), self._environment
        if self._delivery == "proxy":
            yield from self._request(host, self._figures.layer)
            return
        if question in host.coming:
            yield host.coming[question]
            return
        host.coming[question] = answered = environment.event()
        if question in host.asked:
            yield host.asked[question]
        host.asked[question] = host.coming.pop(question)
        yield from self._request(host, self._figures.layer)
        del host.asked[question]
        answered.succeed()

    def _cached(self, host: _Host, layer: int, size: float) -> Process:
        """Wait until the host has a layer; the first who asks has it fetched."""
        if layer not in host.layers:
            host.layers[layer] = self._environment.event()
            yield self._s3.serve(1)
            yield host.fetching.serve(size)
            host.layers[layer].succeed()
        elif not host.layers[layer].processed:
            yield host.layers[layer]
            yield self._environment.timeout(self._chance.uniform(0, self._figures.cache_poll))
