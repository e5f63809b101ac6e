"""Simulation of a storm, event by event, beside the formula in model.py.

Each server connects to hosts by chance, as through the network load balancer, requests the next
layer on a connection as soon as the connection is free, and shares network and processors of the
host with all other servers.
"""

import math
import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import simpy

from scripts.capacity.figures import GIGABYTE, Delivery, Figures, Requests
from scripts.capacity.model import Model
from scripts.capacity.sharing import Sharing
from scripts.capacity.storm import Host, Storm

#: In the place of a layer: the manifest, which a server requests before layers.
MANIFEST = -1

Process = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True)
class Simulated:
    """Result of a simulated storm.

    Attributes:
        seconds: until the last server had its image.
        half: until half of the servers had their image.
        s3_requests: number of requests to S3.
        s3_peak: number of requests to S3 in the busiest second.
    """

    seconds: float
    half: float
    s3_requests: float
    s3_peak: float


@dataclass
class _Host:
    """Resources that the connections of a host share."""

    cpu: Sharing
    network: Sharing
    fetching: Sharing
    workers: int
    # By layer the events that the host has the first slice, and all slices.
    layers: dict[int, tuple[simpy.Event, simpy.Event]] = field(default_factory=dict)
    # Checks by worker and layer: under way, and to begin after those.
    running: dict[tuple[int, int], simpy.Event] = field(default_factory=dict)
    coming: dict[tuple[int, int], simpy.Event] = field(default_factory=dict)
    # By layer the time until which the result of a check counts.
    known: dict[int, float] = field(default_factory=dict)


class Simulation:
    """One storm on some hosts.

    Args:
        figures: figures of the formula.
        storm, host, hosts, delivery: the case to simulate.
        seed: seed of everything that happens by chance.

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
        seed: int = 0,
    ) -> None:
        self._figures, self._storm, self._delivery = figures, storm, delivery
        self._chance = random.Random(seed)  # noqa: S311  (a simulation, nothing to hide)
        self._environment = simpy.Environment()
        self._at_a_time = min(figures.parallel_layers, storm.layers)
        self._hosts = [self._host(host) for _ in range(hosts)]
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
                model.fetch_rate(self._storm, host, figures.parallel_layers),
                most=model.connection_rate(self._storm),
            ),
        )

    def run(self) -> Simulated:
        """Simulate the storm."""
        for _ in range(self._storm.servers):
            self._environment.process(self._server())
        peak = max(self._seconds())
        return Simulated(max(self._ends), median(self._ends), self._s3.done, peak)

    def _seconds(self) -> Iterator[float]:
        """Simulate the storm; yield the requests to S3 of each second."""
        environment, then, before = self._environment, 0.0, 0.0
        while environment.peek() < math.inf:
            second = math.floor(environment.peek()) + 1
            while environment.peek() < second:
                environment.step()
            yield (self._s3.done - before) / max(1.0, environment.now - then)
            then, before = environment.now, self._s3.done

    def _connect(self) -> _Host:
        return self._chance.choice(self._hosts)

    def _server(self) -> Process:
        figures, host = self._figures, self._connect()
        yield self._environment.timeout(figures.password_cpu)
        pull = figures.pull[self._delivery]
        yield host.cpu.serve(pull.cpu)
        # Who shares what was read still has a password and a connection of its own.
        read = pull.model_copy(update={"cpu": 0.0})
        yield from self._check(host, self._chance.randrange(host.workers), MANIFEST, read)
        # Every server asks for the layers in the order of the manifest, as Docker does.
        wanted = iter(range(self._storm.layers))
        others = [self._connect() for _ in range(self._at_a_time - 1)]
        yield self._environment.all_of(
            [self._environment.process(self._connection(each, wanted)) for each in [host, *others]]
        )
        self._ends.append(self._environment.now)

    def _connection(self, host: _Host, wanted: Iterator[int]) -> Process:
        size = self._storm.image / self._storm.layers
        worker = self._chance.randrange(host.workers)
        for layer in wanted:
            check = self._figures.layer[self._delivery]
            if self._delivery == "proxy" or host.known.get(layer, -1) < self._environment.now:
                yield from self._check(host, worker, layer, check)
                host.known[layer] = self._environment.now + self._figures.check_seconds
            complete = None
            if self._delivery == "cache":
                complete = yield from self._cached(host, layer, size)
            else:
                yield self._s3.serve(1)
            if self._delivery == "redirect":
                rate = self._storm.server_rate / self._at_a_time
                rate = min(rate, self._figures.s3_connection_rate)
                yield self._environment.timeout(size / rate)
            else:
                yield host.network.serve(size)
            if complete is not None:
                yield complete

    def _request(self, host: _Host, work: Requests) -> Process:
        """Send requests to S3, step by step, and compute between the steps."""
        steps = max(1, round(work.steps))
        each = work.s3 / steps
        for _ in range(steps):
            yield host.cpu.serve(work.cpu / steps)
            yield self._s3.serve(each)
            # Were it always the same, all servers would ask in the same moments.
            seconds = self._chance.uniform(0, 2 * self._figures.s3_seconds)
            yield self._environment.timeout(work.steps / steps * seconds)

    def _check(self, host: _Host, worker: int, layer: int, work: Requests) -> Process:
        """Check whether a layer may be delivered, as shared_check.lua does.

        With ``proxy`` every server's request is one to the registry.
        """
        check, environment = (worker, layer), self._environment
        if self._delivery == "proxy":
            yield from self._request(host, work)
            return
        if check in host.coming:
            yield host.coming[check]
            return
        host.coming[check] = ended = environment.event()
        if check in host.running:
            yield host.running[check]
        host.running[check] = host.coming.pop(check)
        yield from self._request(host, work)
        del host.running[check]
        ended.succeed()

    def _cached(self, host: _Host, layer: int, size: float) -> Process:
        """Wait until the host has a slice of a layer; the first request starts the fetch.

        Returns what happens when the host has all of the layer.
        """
        if layer not in host.layers:
            first, complete = self._environment.event(), self._environment.event()
            host.layers[layer] = first, complete
            self._environment.process(self._fetch(host, size, first, complete))
            yield first
        elif not host.layers[layer][0].processed:
            yield host.layers[layer][0]
            yield self._environment.timeout(self._chance.uniform(0, self._figures.cache_poll))
        return host.layers[layer][1]

    def _fetch(
        self, host: _Host, size: float, first: simpy.Event, complete: simpy.Event
    ) -> Process:
        slices = Model(self._figures).slices(self._storm)
        for _ in range(slices):
            yield self._s3.serve(1)
            yield host.fetching.serve(size / slices)
            if not first.triggered:
                first.succeed()
        complete.succeed()
