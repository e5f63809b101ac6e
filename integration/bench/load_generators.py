"""The clients: curl for layers, wrk for small requests, both compiled, both from Debian."""

import base64
import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from integration.bench.variant import Variant
from integration.clients.image_builder import MEGABYTE
from integration.local.errors import LocalCloudError
from scripts.programs import children_cpu

SCRIPT = Path(__file__).resolve().parent / "templates" / "wrk.lua"
#: curl does all its transfers in one thread; so many are run side by side.
CURLS = 4
#: Seconds that one call of a client may take.
LONGEST = 300


@dataclass(frozen=True)
class Pull:
    """Layers that were pulled, each to its end.

    Attributes:
        seconds: from the first request to the last byte.
        bytes: of all of them.
        cpu: CPU seconds of curl.
    """

    seconds: float
    bytes: int
    cpu: float

    @property
    def rate(self) -> float:
        """Megabytes a second."""
        return self.bytes / MEGABYTE / self.seconds


class Requests(BaseModel):
    """Results of wrk."""

    seconds: float
    requests: int
    #: Answers that are errors.
    refused: int
    #: No answers.
    failed: int
    slowest_ms: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return (self.requests - self.refused) / self.seconds


def curl(variant: Variant) -> list[str]:
    """Return the first words of a curl command for a variant; it fails on a status of error."""
    return [
        *("curl", "--silent", "--show-error", "--fail", "--cacert", str(variant.trust)),
        *("--header", f"Authorization: {variant.authorization}"),
        *(option for name, to in variant.names for option in ("--resolve", f"{name}:443:{to}")),
    ]


def pull(variant: Variant, path: str, size: int, *, clients: int, each: int) -> Pull:
    """Let ``clients`` pull a blob of ``size`` bytes through the balancer, ``each`` as often.

    With HTTP/1.1, because the registry's own TLS would offer HTTP/2, and a client then send all
    through one connection, to one host.

    Raises:
        LocalCloudError: a transfer failed or was short.
    """
    processes = min(CURLS, clients)
    transfers = clients * each // processes
    command = [
        *curl(variant),
        *("--fail-early", "--location", "--http1.1"),
        *("--parallel", "--parallel-immediate", "--parallel-max", str(clients // processes)),
        *("--output", "/dev/null", "--write-out", "%{http_code} %{size_download}\n"),
        # The fragment, which is not sent, is what makes them several.
        f"{variant.url}{path}#[1-{transfers}]",
    ]
    before = children_cpu()
    start = time.monotonic()
    outputs = _together([command] * processes)
    seconds = time.monotonic() - start
    lines = [line for output in outputs for line in output.splitlines()]
    wrong = [line for line in lines if line != f"200 {size}"]
    if wrong or len(lines) != transfers * processes:
        raise LocalCloudError(
            f"Variant {variant.name}: {len(lines) - len(wrong)} of {transfers * processes} "
            f"transfers are whole; one that is not: {(wrong or ['none'])[0]}"
        )
    return Pull(seconds, size * len(lines), children_cpu() - before)


def _together(commands: Sequence[Sequence[str]]) -> list[str]:
    """Run commands at the same time; return what each printed."""
    with ExitStack() as ending:
        running = []
        for command in commands:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            ending.callback(process.wait)
            ending.callback(process.kill)
            running.append(process)
        outputs = []
        for process in running:
            out, err = process.communicate(timeout=LONGEST)
            if process.returncode:
                raise LocalCloudError(f"curl failed: {err.strip().splitlines()[-1:]}")
            outputs.append(out)
        return outputs


class Crowd:
    """Slow clients that pull a blob for some seconds, whether or not it comes to its end.

    Usage:

        with Crowd(variant, path, clients=500, seconds=20, rate=30_000) as crowd:
            ...
        crowd.check()
    """

    #: curl's ``--parallel-max`` may be 300 at most.
    PROCESSES = 2
    #: Part of the clients; the others may still wait when the time is over, since a registry that
    #: is asked by all at once asks S3 thousands of times.
    ENOUGH = 0.5

    def __init__(
        self, variant: Variant, path: str, *, clients: int, seconds: int, rate: int
    ) -> None:
        each = clients // self.PROCESSES
        self._command = [
            *curl(variant),
            *("--http1.1", "--limit-rate", str(rate), "--max-time", str(seconds)),
            *("--parallel", "--parallel-immediate", "--parallel-max", str(each)),
            *("--output", "/dev/null", "--write-out", "%{http_code}\n"),
            f"{variant.url}{path}#[1-{each}]",
        ]
        self._clients = each * self.PROCESSES

    def __enter__(self) -> "Crowd":
        self._running = [
            subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            for _ in range(self.PROCESSES)
        ]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for process in self._running:
                process.kill()
        self._statuses = [
            status
            for process in self._running
            for status in process.communicate(timeout=LONGEST)[0].split()
        ]

    def check(self) -> None:
        """Make sure that nearly every client got an answer, be it whole or not.

        Raises:
            LocalCloudError: too many did not.
        """
        good = self._statuses.count("200")
        if good < self._clients * self.ENOUGH:
            raise LocalCloudError(
                f"{good} of {self._clients} concurrent clients received a response"
            )


class Load:
    """Small requests for some seconds, as fast as the answers come.

    Args:
        connections: kept alive, of one request at a time.
        flood: what wrong logins begin with, each with another end; empty for the right login.

    Usage:

        with Load(variant, "/v2/", connections=32, seconds=5) as load:
            ...
        load.result.rate
    """

    def __init__(
        self,
        variant: Variant,
        path: str,
        *,
        connections: int,
        seconds: int,
        flood: str = "",
    ) -> None:
        threads = min(2, connections)
        self._command = [
            "wrk",
            *("--threads", str(threads), "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", "30s", "--script", str(SCRIPT)),
            f"{variant.url}{path}",
        ]
        self._environment = {**os.environ, "BENCH_AUTHORIZATION": variant.authorization}
        if flood:
            # Three bytes are four letters of base64, and an end can be appended to those.
            whole = flood[: len(flood) // 3 * 3]
            self._environment["BENCH_FLOOD"] = base64.b64encode(whole.encode()).decode()

    def __enter__(self) -> "Load":
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        out, _nothing = self._process.communicate(timeout=LONGEST)
        if kind is None:
            if self._process.returncode:
                raise LocalCloudError(f"wrk failed: {out.strip()}")
            self.result = Requests.model_validate_json(out.splitlines()[-1])


def load(variant: Variant, path: str, *, connections: int, seconds: int) -> Requests:
    """Send small requests for some seconds; return the result.

    Raises:
        LocalCloudError: some were refused or got no answer.
    """
    with Load(variant, path, connections=connections, seconds=seconds) as going:
        pass
    result = going.result
    if result.refused or result.failed:
        raise LocalCloudError(
            f"Variant {variant.name}, {path}: some responses are errors: {result}"
        )
    return result


def slowest_health(variant: Variant, seconds: int) -> float:
    """Request /ssl as a balancer does, on a new connection each time, ten times a second.

    Returns:
        Milliseconds of the slowest answer, from the connection to the last byte.

    Raises:
        LocalCloudError: one was not 200.
    """
    command = [
        *("curl", "--silent", "--show-error", "--fail", "--insecure", "--http1.1"),
        *("--rate", "10/s", "--header", "Connection: close", "--output", "/dev/null"),
        *("--write-out", "%{time_total}\n", f"{variant.url}/ssl#[1-{seconds * 10}]"),
    ]
    (output,) = _together([command])
    return max(map(float, output.split())) * 1000
