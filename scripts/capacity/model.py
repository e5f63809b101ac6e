"""How long a storm takes: many servers that pull one new image at once from some hosts.

A pull is a start (password, manifest, configuration) and then waves of layers, as many at a time as
Docker pulls. Each wave has two stages: the hosts get its layers from S3, each host once, and the
servers get them from the hosts, which share what they can send equally between all connections
(processor sharing). While the servers get a wave, the fastest of them have the next one fetched, so
the waves pass through the two stages like work through two machines:

    start + fetch + (waves - 1) * max(fetch, transfer) + transfer

Where it is the servers that cannot get more, nothing overlaps: each wave of a server is fetched,
then transferred. The longer of both is how long it takes.

docs/capacity.md derives each of them; simulation.py does the same without the formula.
"""

import math
from dataclasses import dataclass

from scripts.capacity.figures import GBPS, GIBIBYTE, GIGABYTE, Delivery, Figures, InstanceType

#: The setting maximum_hosts allows no more.
MOST_HOSTS = 100


@dataclass(frozen=True)
class Storm:
    """Servers that begin to pull an image in the same moment, which no host has yet.

    Attributes:
        servers: how many.
        image: bytes of all layers together, as they are transferred.
        layers: how many, of the same size.
        server_rate: bytes a second that one server can get at most.
    """

    servers: int
    image: float
    layers: int
    server_rate: float = math.inf


@dataclass(frozen=True)
class Host:
    """What one host can do.

    Attributes:
        network: bytes a second, in each direction, headers included.
        vcpus: processors.
        memory: bytes; layers that do not fit come from the disk again.
        received: bytes a second that it gets, where it is not as much as it sends.
    """

    network: float
    vcpus: float
    memory: float = math.inf
    received: float | None = None

    @classmethod
    def of(cls, kind: InstanceType, *, peak: bool = False) -> "Host":
        """A host of an EC2 instance type, at its baseline bandwidth or its peak."""
        gbps = kind.peak if peak else kind.baseline
        return cls(gbps * GBPS, kind.vcpus, kind.memory * GIBIBYTE)


@dataclass(frozen=True)
class Prediction:
    """What the model says of a storm.

    Attributes:
        seconds: until the last server has the image.
        start: of these, until the first layer is asked for.
        fetch, transfer: of these, for each wave.
        waves: how many.
        limit: what makes a wave take as long as it does.
        gets, lists: requests to S3 in all, at most; a HEAD is a get.
        s3_peak: requests to S3 in the second that has the most, if S3 answers all of them.
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


class Model:
    """The formula.

    Args:
        figures: what was measured.
        even: whether the load balancer gives each host as many connections as every other, as the
            classic one and HAProxy do. The network load balancer chooses by a hash, by chance.

    Usage:

        Model(Figures.read()).predict(Storm(500, 2e9, 10), Host(390e6, 2), 20, "cache").seconds
    """

    def __init__(self, figures: Figures, *, even: bool = False) -> None:
        self._figures = figures
        self._even = even

    def predict(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> Prediction:
        """Say how long it takes with so many hosts."""
        figures = self._figures
        at_a_time = min(figures.parallel_layers, storm.layers)
        waves = math.ceil(storm.layers / at_a_time)
        uneven = 1.0 if self._even else fullest(storm.servers * at_a_time, hosts)
        start = self._start(storm, host, hosts, uneven)
        fetch = self._fetch(storm, host, hosts, delivery)
        terms = self._transfers(storm, host, hosts, delivery, waves, uneven)
        alone = fetch + self._alone(storm, delivery, waves)
        longest = max(alone, *terms.values())
        questions = self._questions(storm, host, hosts, delivery, longest)
        terms[CPU] += questions / hosts / waves * figures.layer.cpu / host.vcpus * uneven
        gets, lists = questions * figures.layer.get, questions * figures.layer.list
        gets += storm.layers * self._fetched(storm, hosts, delivery)
        terms[S3] = (gets + lists) / waves / figures.s3_reads_per_second
        limit = max(terms, key=lambda name: terms[name])
        transfer = terms[limit]
        shared = fetch + (waves - 1) * max(fetch, transfer) + transfer
        if waves * alone > shared:
            limit = SERVER
        elif fetch > transfer:
            limit = FETCH
        return Prediction(
            seconds=start + max(shared, waves * alone),
            start=start,
            fetch=fetch,
            transfer=transfer,
            waves=waves,
            limit=limit,
            gets=gets + storm.servers * figures.pull.get,
            lists=lists + storm.servers * figures.pull.list,
            s3_peak=max(
                self._start_peak(storm, host, hosts),
                min(gets + lists, self._waves_peak(storm, host, hosts, delivery, waves)),
            ),
        )

    def hosts(self, storm: Storm, host: Host, delivery: Delivery, seconds: float) -> int | None:
        """Return how many hosts it takes to be done in time; None if as many as may be do not."""
        for hosts in range(1, MOST_HOSTS + 1):
            if self.predict(storm, host, hosts, delivery).seconds <= seconds:
                return hosts
        return None

    def _fetch(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Seconds from asking for the layers of a wave until a host can send them."""
        figures = self._figures
        question = self._question(storm, host, hosts, delivery)
        if delivery == "proxy":
            return question
        if delivery == "redirect":
            # A question that is under way when a server comes is not for it: it waits for the next.
            return 2 * question
        at_a_time = min(figures.parallel_layers, storm.layers)
        size = storm.image / storm.layers * at_a_time
        return question + size / self.fetch_rate(host, at_a_time) + figures.cache_poll

    def fetch_rate(self, host: Host, connections: int) -> float:
        """Bytes a second that a host gets from S3 and writes to its disk."""
        figures = self._figures
        received = host.network if host.received is None else host.received
        return min(connections * figures.s3_connection_rate, received, figures.disk_rate)

    def send_rate(self, storm: Storm, host: Host) -> float:
        """Bytes of layers that the network of a host, or else its disk, gives a second."""
        figures = self._figures
        fits = storm.image <= host.memory * figures.page_cache
        return min(host.network * figures.payload, math.inf if fits else figures.disk_rate)

    def _start(self, storm: Storm, host: Host, hosts: int, uneven: float) -> float:
        figures = self._figures
        cpu = storm.servers / hosts * figures.pull.cpu / host.vcpus * uneven
        s3 = storm.servers * figures.pull.s3 / figures.s3_reads_per_second
        return figures.password_cpu + figures.pull.s3 * figures.s3_seconds + max(cpu, s3)

    def _start_peak(self, storm: Storm, host: Host, hosts: int) -> float:
        """Requests a second of the start: each server has one under way, and needs CPU for it.

        These are the two asymptotes of a closed network of queues (Denning and Buzen, 1978).
        """
        s3, cpu = self._figures.pull.s3, self._figures.pull.cpu
        alone = s3 * self._figures.s3_seconds + cpu
        return min(
            storm.servers * s3,
            _rate(storm.servers * s3, alone),
            _rate(hosts * host.vcpus * s3, cpu),
        )

    def _waves_peak(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, waves: int
    ) -> float:
        """Requests a second while layers are pulled: questions, and the bytes after them."""
        asked = hosts * self._asked(storm, host, hosts, delivery)
        question = self._unhindered(storm, host, hosts, delivery)
        # A connection asks again when it has its layer, and once in a second is the most that
        # counts of those that take longer.
        again = max(question, min(1.0, question + self._alone(storm, delivery, waves)))
        getting = min(self._figures.parallel_layers, storm.layers)
        getting *= self._fetched(storm, hosts, delivery)
        questions = asked * self._figures.layer.s3
        return _rate(questions, again if delivery == "proxy" else question) + _rate(getting, again)

    def _transfers(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, waves: int, uneven: float
    ) -> dict[str, float]:
        """For each thing that all servers share, the seconds that it takes for it."""
        figures = self._figures
        sent = storm.image / waves * storm.servers / hosts * uneven
        cpu = sent / GIGABYTE * figures.gb_cpu[delivery] / host.vcpus
        terms = {CPU: cpu}
        if delivery == "cache":
            fits = storm.image <= host.memory * figures.page_cache
            terms[NETWORK if fits else DISK] = sent / self.send_rate(storm, host)
        elif delivery == "proxy":
            terms[NETWORK] = sent / (host.network * figures.payload)
        return terms

    def _fetched(self, storm: Storm, hosts: int, delivery: Delivery) -> int:
        """How often S3 has to give each layer: to every host that was asked, or to every server."""
        return min(hosts, storm.servers) if delivery == "cache" else storm.servers

    def _alone(self, storm: Storm, delivery: Delivery, waves: int) -> float:
        """Seconds of a wave for a server that has all hosts for itself."""
        rate = storm.server_rate
        if delivery != "cache":
            at_a_time = min(self._figures.parallel_layers, storm.layers)
            rate = min(rate, at_a_time * self._figures.s3_connection_rate)
        return storm.image / waves / rate

    def _questions(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, wave: float
    ) -> float:
        """How often registries are asked for a layer while all waves last.

        With ``proxy`` by every server. Otherwise one question does for all who wait for it on an
        nginx worker, which asks one after the other while a wave goes on.
        """
        if delivery == "proxy":
            return storm.layers * storm.servers
        seconds = self._question(storm, host, hosts, delivery)
        shared = host.vcpus * (1 + wave / seconds) if seconds else math.inf
        return storm.layers * hosts * min(storm.servers / hosts, shared)

    def _asked(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """How many questions a host is asked at once; it has an nginx worker for each processor."""
        servers = storm.servers / hosts
        asking = servers if delivery == "proxy" else min(host.vcpus, servers)
        return asking * min(self._figures.parallel_layers, storm.layers)

    def _question(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Seconds that the registry takes to answer for a layer, when all ask who do at once.

        More of them make it slower, and then more servers share an answer.
        """
        figures = self._figures
        asked = hosts * self._asked(storm, host, hosts, delivery)
        return max(
            self._unhindered(storm, host, hosts, delivery),
            asked * figures.layer.s3 / figures.s3_reads_per_second,
        )

    def _unhindered(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """The same if S3 has no limit."""
        layer = self._figures.layer
        return max(
            layer.s3 * self._figures.s3_seconds + layer.cpu,
            self._asked(storm, host, hosts, delivery) * layer.cpu / host.vcpus,
        )


#: What may limit a wave.
NETWORK, DISK, CPU = "network of the hosts", "disk of the hosts", "CPU of the hosts"
SERVER, S3, FETCH = "download of each server", "requests to S3", "fetch from S3"


def fullest(connections: int, hosts: int) -> float:
    """How much more connections than the mean the fullest host has, if each is put by chance.

    For many connections a host the most of them is about the mean m and sqrt(2 m ln hosts)
    (Raab and Steger, "Balls into Bins", 1998).
    """
    mean = connections / hosts
    return min(1 + math.sqrt(2 * math.log(hosts) / mean), float(hosts))


def _rate(number: float, seconds: float) -> float:
    return number / seconds if seconds else math.inf
