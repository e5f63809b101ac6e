"""Results of a run, for people and programs."""

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Self

from pydantic import BaseModel

from integration.bench.measurements import Machine

#: What good clients do.
PULL, LOGIN = "pull", "login"
#: Where they are, seen from the flood.
SAME, OTHER = "same address", "another address"
#: The name of the figures without a flood.
NONE = "none"


class Attempt(BaseModel):
    """The result of a client: seconds, and the status or exception if the client failed."""

    seconds: float
    error: str = ""


class Clients(BaseModel):
    """Attempts of one kind at one address; times in seconds, of those that succeeded."""

    attempts: int
    successes: int
    p50: float | None
    p95: float | None
    slowest: float | None
    #: How many failed for each reason.
    errors: dict[str, int]

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Self:
        """Sum up attempts."""
        times = [attempt.seconds for attempt in attempts if not attempt.error]
        return cls(
            attempts=len(attempts),
            successes=len(times),
            p50=round(median(times), 3) if times else None,
            p95=round(percentile(times, 95), 3) if times else None,
            slowest=round(max(times), 3) if times else None,
            errors=Counter(attempt.error for attempt in attempts if attempt.error),
        )

    @property
    def failed(self) -> float:
        """The part of the attempts that failed."""
        return 1 - self.successes / self.attempts if self.attempts else 0

    def __str__(self) -> str:
        if not self.attempts:
            return ""
        time = "" if self.p95 is None else f", {self.p95:.2f} s"
        return f"{self.successes}/{self.attempts}{time}"


class Container(BaseModel):
    """A container of a host during a flood; memory in MB, shared pages counted once."""

    before_mb: float
    peak_mb: float
    after_mb: float
    log_lines: int
    log_bytes: int


class HostFigures(BaseModel):
    """A host during a flood.

    Attributes:
        containers: by their names.
        ended: names of those that the flood has ended.
        cached_bytes: by which the cache of layers grew.
        series: of its metrics, before and after.
        lost_series: that were there before and were not after.
    """

    containers: dict[str, Container]
    ended: list[str]
    cached_bytes: int
    series: tuple[int, int]
    lost_series: int


class Sent(BaseModel):
    """The result of a flood: connections, responses by status, medians of measured times in ms."""

    opened: int = 0
    responses: dict[str, int] = {}
    median_ms: dict[str, float] = {}


class FloodFigures(BaseModel):
    """One flood.

    Attributes:
        load: of the machine before the flood, as ``uptime`` shows it for the last minute.
        clients: good ones by their address and by what they do.
    """

    name: str
    load: float
    sent: Sent
    clients: dict[str, dict[str, Clients]]
    hosts: list[HostFigures]


class Results(BaseModel):
    """Content of ``build/floods.json``; the first of ``floods`` is none."""

    started: str
    balancer: str
    machine: Machine
    floods: list[FloodFigures] = []

    def complaints(self) -> list[str]:
        """Return where clients at another address failed more often than without a flood."""
        if not self.floods:
            return ["nothing was measured"]
        calm = self.floods[0].clients[OTHER]
        return [
            f"{flood.name}: {kind} from {OTHER}: {clients.successes} of {clients.attempts} "
            f"succeeded, without a flood {calm[kind].successes} of {calm[kind].attempts}"
            for flood in self.floods
            for kind, clients in flood.clients.get(OTHER, {}).items()
            if clients.failed > calm[kind].failed
        ]


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the time that ``percent`` of all do not exceed, between two times if need be."""
    if len(times) == 1:
        return times[0]
    return quantiles(times, n=100, method="inclusive")[percent - 1]
