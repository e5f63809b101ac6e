"""How long a storm takes: many servers that pull one new image at once from some hosts.

A pull is a start (password, manifest, configuration) and then waves of layers, as many at a time as
Docker pulls. Each wave has two stages: the hosts get its layers from S3, each host once, and the
servers get them from the hosts, which share what they can send equally between all connections
(processor sharing). A host fetches a layer slice by slice. While the servers get a slice, the
fastest of them have the next one fetched, so the slices pass through the two stages like work
through two machines. With the slices of all waves as parts:

    start + fetch + (parts - 1) * max(fetch, transfer) + transfer

Where it is the servers that cannot get more, nothing overlaps: each wave of a server is fetched,
then transferred. The longer of both is how long it takes.

docs/capacity.md explains the terms; simulation.py does the same without the formula.
"""

import math

from scripts.capacity.figures import GIGABYTE, Delivery, Figures
from scripts.capacity.storm import Host, Prediction, Storm

#: The setting maximum_hosts allows no more.
MOST_HOSTS = 100


class Model:
    """The formula for the duration of a storm, its requests to S3, and its limit.

    Args:
        figures: measured figures, and the limits of S3.
        even: whether the load balancer gives each host as many connections as every other, as the
            classic one and HAProxy do. The network load balancer chooses by a hash, by chance.

    Usage:

        Model(Figures.read()).predict(Storm(500, 2e9, 10), Host(390e6, 2), 20, "cache").seconds
    """

    def __init__(self, figures: Figures, *, even: bool = False) -> None:
        self._figures = figures
        self._even = even

    def predict(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> Prediction:
        """Return the duration of a storm with so many hosts."""
        figures = self._figures
        at_a_time = min(figures.parallel_layers, storm.layers)
        waves = math.ceil(storm.layers / at_a_time)
        uneven = 1.0 if self._even else fullest(storm.servers * at_a_time, hosts)
        if storm.layers > at_a_time:
            # A connection that is free takes the next layer, so a full host gets fewer of them. By
            # the simulation that takes half of the difference.
            uneven = (1 + uneven) / 2
        pull, layer = figures.pull[delivery], figures.layer[delivery]
        start = self._start(storm, host, hosts, uneven, delivery)
        before = self._before(storm, host, hosts, delivery)
        fetch = self._fetch(storm, host, delivery)
        terms = self._transfers(storm, host, hosts, delivery, waves, uneven)
        slices = self.slices(storm) if delivery == "cache" else 1
        alone = self._alone(storm, delivery, waves)
        alone = before + (fetch + (slices - 1) * max(fetch, alone) + alone) / slices
        longest = max(alone, *terms.values())
        checks = self._checks(storm, host, hosts, delivery, longest)
        terms[CPU] += checks / hosts / waves * layer.cpu / host.vcpus * uneven
        gets, lists = checks * layer.get, checks * layer.list
        gets += storm.layers * slices * self._fetched(storm, hosts, delivery)
        terms[S3] = (gets + lists) / waves / figures.s3_reads_per_second
        limit = max(terms, key=lambda name: terms[name])
        transfer = terms[limit]
        # Where a layer is one slice, a wave begins with the check for its layers.
        stage = fetch + (before if slices == 1 else 0)
        parts = waves * slices
        shared = before + (fetch + (parts - 1) * max(stage, transfer) + transfer) / slices
        if waves * alone > shared:
            limit = SERVER
        elif fetch > transfer:
            limit = FETCH
        pulls = self._shared(storm, host, hosts, delivery, start)
        return Prediction(
            seconds=start + max(shared, waves * alone),
            start=start,
            fetch=before + fetch,
            transfer=transfer,
            waves=waves,
            limit=limit,
            gets=gets + pulls * pull.get,
            lists=lists + pulls * pull.list,
            s3_peak=self._peak(storm, host, hosts, delivery, waves, start, gets + lists),
        )

    def hosts(self, storm: Storm, host: Host, delivery: Delivery, seconds: float) -> int | None:
        """Return how many hosts it takes to be done in time; None if as many as may be do not."""
        for hosts in range(1, MOST_HOSTS + 1):
            if self.predict(storm, host, hosts, delivery).seconds <= seconds:
                return hosts
        return None

    def slices(self, storm: Storm) -> int:
        """Return the number of requests to S3 in which a host with a cache fetches a layer."""
        return math.ceil(storm.image / storm.layers / self._figures.slice)

    def _before(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Return the seconds from the requests for the layers of a wave until their first bytes."""
        check = self._check(storm, host, hosts, delivery)
        if delivery == "redirect":
            # A server does not share a check that began before its request: it waits for the next.
            return 2 * check
        return check + (self._figures.cache_poll if delivery == "cache" else 0)

    def _fetch(self, storm: Storm, host: Host, delivery: Delivery) -> float:
        """Return the seconds in which a host with a cache fetches the layers of a wave."""
        if delivery != "cache":
            return 0
        at_a_time = min(self._figures.parallel_layers, storm.layers)
        return storm.image / storm.layers * at_a_time / self.fetch_rate(storm, host, at_a_time)

    def connection_rate(self, storm: Storm) -> float:
        """Return the bytes a second of a connection to S3 that fetches slice by slice."""
        figures = self._figures
        size = min(figures.slice, storm.image / storm.layers)
        return size / (figures.s3_seconds + size / figures.s3_connection_rate)

    def fetch_rate(self, storm: Storm, host: Host, connections: int) -> float:
        """Return the bytes a second that a host gets from S3 and writes to its disk."""
        received = host.network if host.received is None else host.received
        return min(connections * self.connection_rate(storm), received, self._figures.disk_rate)

    def send_rate(self, storm: Storm, host: Host) -> float:
        """Return the bytes of layers a second that the network or the disk of a host can send."""
        figures = self._figures
        fits = storm.image <= host.memory * figures.page_cache
        return min(host.network * figures.payload, math.inf if fits else figures.disk_rate)

    def _start(
        self, storm: Storm, host: Host, hosts: int, uneven: float, delivery: Delivery
    ) -> float:
        figures, pull = self._figures, self._figures.pull[delivery]
        cpu = storm.servers / hosts * pull.cpu / host.vcpus * uneven
        alone = figures.password_cpu + pull.steps * figures.s3_seconds
        pulls = self._shared(storm, host, hosts, delivery, alone + cpu)
        if pulls < storm.servers:
            # A server that arrives while the manifest is read waits until it is read again.
            alone += pull.steps * figures.s3_seconds
        return alone + max(cpu, pulls * pull.s3 / figures.s3_reads_per_second)

    def _shared(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, seconds: float
    ) -> float:
        """Return the manifests that hosts read in so many seconds; waiting servers share a read."""
        check = self._figures.pull[delivery].steps * self._figures.s3_seconds
        if delivery == "proxy" or not check:
            return storm.servers
        return min(storm.servers, hosts * host.vcpus * (1 + seconds / check))

    def _peak(
        self,
        storm: Storm,
        host: Host,
        hosts: int,
        delivery: Delivery,
        waves: int,
        start: float,
        layers: float,
    ) -> float:
        """Return the requests in the busiest second; ``layers`` are all requests for layers."""
        begin = self._start_peak(storm, host, hosts, delivery)
        later = min(layers, self._waves_peak(storm, host, hosts, delivery, waves))
        # If each host checks a layer once, it does so in the first second.
        return begin + later if self._figures.check_seconds and start < 1 else max(begin, later)

    def _start_peak(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Return the requests per second of the start, limited by concurrent servers and by CPU.

        These are the two asymptotes of a closed network of queues (Denning and Buzen, 1978).
        """
        pull = self._figures.pull[delivery]
        alone = pull.steps * self._figures.s3_seconds + pull.cpu
        asking = storm.servers if delivery == "proxy" else min(storm.servers, hosts * host.vcpus)
        return min(
            asking * pull.s3,
            _rate(asking * pull.s3, alone),
            _rate(hosts * host.vcpus * pull.s3, pull.cpu),
        )

    def _waves_peak(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, waves: int
    ) -> float:
        """Return the requests per second while layers are pulled: checks, then layers."""
        figures = self._figures
        concurrent = hosts * self._concurrent(storm, host, hosts, delivery)
        check = self._unhindered(storm, host, hosts, delivery)
        # A connection sends its next request when it has its layer. A connection whose layer takes
        # longer than a second counts once.
        again = max(check, min(1.0, check + self._alone(storm, delivery, waves)))
        getting = min(figures.parallel_layers, storm.layers)
        getting *= self._fetched(storm, hosts, delivery)
        checks = concurrent * figures.layer[delivery].s3
        if delivery == "cache" and self.slices(storm) > 1:
            each = figures.slice / self.connection_rate(storm)
            fetches = _rate(getting, min(1.0, each))
        else:
            fetches = _rate(getting, again)
        # In the same second: the check, and the next one for requests that came meanwhile.
        kept = max(check, min(0.5, figures.check_seconds))
        return _rate(checks, again if delivery == "proxy" else kept) + fetches

    def _transfers(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, waves: int, uneven: float
    ) -> dict[str, float]:
        """Return the seconds of a wave by each resource that all servers share."""
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
        """Return how often S3 sends each layer: to each host that needs it, or to each server."""
        return min(hosts, storm.servers) if delivery == "cache" else storm.servers

    def _alone(self, storm: Storm, delivery: Delivery, waves: int) -> float:
        """Return the seconds of a wave for a server that has all hosts for itself."""
        rate = storm.server_rate
        if delivery != "cache":
            at_a_time = min(self._figures.parallel_layers, storm.layers)
            rate = min(rate, at_a_time * self._figures.s3_connection_rate)
        return storm.image / waves / rate

    def _checks(
        self, storm: Storm, host: Host, hosts: int, delivery: Delivery, wave: float
    ) -> float:
        """Return the number of checks of layers during all waves.

        With ``proxy`` each server causes a check. Otherwise the requests of an nginx worker share a
        check, and its checks of a layer are sequential during a wave, or as rare as
        ``proxy_check_seconds`` says.
        """
        if delivery == "proxy":
            return storm.layers * storm.servers
        seconds = self._check(storm, host, hosts, delivery)
        seconds = max(seconds, self._figures.check_seconds)
        shared = host.vcpus * (1 + wave / seconds) if seconds else math.inf
        return storm.layers * hosts * min(storm.servers / hosts, shared)

    def _concurrent(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Return the number of concurrent checks of a host, which has a worker per processor."""
        servers = storm.servers / hosts
        asking = servers if delivery == "proxy" else min(host.vcpus, servers)
        return asking * min(self._figures.parallel_layers, storm.layers)

    def _check(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Return the seconds of a check of a layer, or of the registry's response with ``proxy``.

        More checks make each slower, and then more servers share one.
        """
        figures = self._figures
        concurrent = hosts * self._concurrent(storm, host, hosts, delivery)
        return max(
            self._unhindered(storm, host, hosts, delivery),
            concurrent * figures.layer[delivery].s3 / figures.s3_reads_per_second,
        )

    def _unhindered(self, storm: Storm, host: Host, hosts: int, delivery: Delivery) -> float:
        """Return the seconds of a check if S3 has no limit."""
        layer = self._figures.layer[delivery]
        return max(
            layer.steps * self._figures.s3_seconds + layer.cpu,
            self._concurrent(storm, host, hosts, delivery) * layer.cpu / host.vcpus,
        )


#: What may limit a wave.
NETWORK, DISK, CPU = "network of the hosts", "disk of the hosts", "CPU of the hosts"
SERVER, S3, FETCH = "download of each server", "requests to S3", "fetch from S3"


def fullest(connections: int, hosts: int) -> float:
    """Return the ratio of the connections of the fullest host to the mean, if placed at random.

    For many connections a host the maximum is about the mean m and sqrt(2 m ln hosts)
    (Raab and Steger, "Balls into Bins", 1998).
    """
    mean = connections / hosts
    return min(1 + math.sqrt(2 * math.log(hosts) / mean), float(hosts))


def _rate(number: float, seconds: float) -> float:
    return number / seconds if seconds else math.inf
