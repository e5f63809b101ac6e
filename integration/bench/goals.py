"""What Wharf wants to reach, and why a machine may keep it from doing so."""

import operator
from dataclasses import dataclass

_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True)
class Goal:
    """A bound for one of the ratios.

    Attributes:
        name: of the ratio.
        workload: what was done.
        figure: what was measured, with its unit.
        sign: how it is compared with the bound.
        limit: what is in the way where it is not reached.
    """

    name: str
    workload: str
    figure: str
    sign: str
    bound: float
    limit: str = ""

    def reached(self, value: float) -> bool:
        """Whether a measured value is as good as it should be."""
        return bool(_COMPARE[self.sign](value, self.bound))


PULL = "32 clients pull one 20 MB layer, warm"
REQUESTS = "small authenticated requests, bcrypt cost 10"
FLOOD = "the same, while 8 clients send wrong passwords"

GOALS = (
    Goal(
        "cache_to_static",
        PULL,
        "throughput, ratio to static files over TLS",
        ">=",
        0.9,
        "nginx itself takes little more for a layer than for a file; the rest is the question "
        "whether this client may have it, for which the registry asks S3 seven times. Both share "
        "the cores with everything else here, see the last column below.",
    ),
    Goal(
        "cache_to_registry_tls",
        PULL,
        "throughput, ratio to the registry's own TLS and htpasswd",
        ">=",
        1.5,
        "the cores were shared with other work, see the last column below; client and balancer "
        "take about the same CPU time for both.",
    ),
    Goal("cache_cpu_to_registry_tls", PULL, "CPU seconds a GB on the hosts, ratio", "<=", 0.6),
    Goal(
        "redirect_cpu_to_registry_tls",
        "the same with redirect",
        "CPU seconds a GB on the hosts, ratio",
        "<=",
        0.05,
        "what is left is the registry's own: distribution 2.8.2 asks S3 seven times (four "
        "listings, three reads of a link) before it says where a layer is, and that, signed and "
        "over TLS, is 8 to 9 ms of CPU time whatever the size of the layer. nginx takes 1 ms. "
        "Requests that wait share one question, which took the ratio from 0.10 to this; of 32 "
        "clients on two hosts with two workers each, few wait at the same time. With layers of "
        "twice the size the ratio would be half.",
    ),
    Goal(
        "cold_fetches_per_host",
        "32 clients pull one 20 MB layer, cold",
        "fetches from S3, the most of any host",
        "<=",
        1,
    ),
    Goal("auth_to_open", REQUESTS, "requests/s, ratio to the same without passwords", ">=", 0.9),
    Goal("flood_to_quiet", FLOOD, "requests/s, ratio to undisturbed", ">=", 0.8),
    Goal(
        "flood_slowest_health_ms",
        FLOOD,
        "slowest answer to /ssl, ms",
        "<",
        100,
        "the good requests alone keep every core busy, and the check waits for its turn: see below "
        "how slow it is without the flood.",
    ),
    Goal(
        "push_to_direct",
        "push of a 300 MB layer",
        "ratio to pushing to the registry",
        ">=",
        0.95,
        "of the 10 CPU seconds that a push takes here in all, nginx and the client's TLS are 0.5, "
        "which is all of the goal's 5 %. The rounds differed by more than that.",
    ),
    Goal(
        "nginx_memory_100_to_1",
        "500 connections",
        "memory of nginx with 100 MB layers, ratio to 1 MB",
        "<=",
        1.1,
        "a client of a small layer is done sooner, so fewer are there at the same time. What nginx "
        "keeps for one that is in the middle of a layer has a bound whatever the layer: about "
        "0.1 MB with `cache`, and `proxy_buffers` (4 of 32 kB) with `proxy`.",
    ),
)
