"""A trial: faults while clients work, and the time until the service is back."""

import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from integration.deployment import Deployment
from integration.faults.api import BrokenPromise, upload
from integration.faults.faults import ENDS, FAULTS, HAPPEN
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry
from integration.settled import settled

#: Seconds within which every host serves again: a new one starts in about 10, on a busy machine
#: in 30 to 80, and two checks of the load balancer take 10.
RECOVERY = 120.0
#: Seconds that a host which serves takes for an answer.
PROMPT = 5
#: Seconds that a fault lasts.
SHORTEST, LONGEST = 2.0, 6.0
REPOSITORY = "wharf-test/recovery"


@dataclass(frozen=True)
class Trial:
    """What went wrong at once, on which hosts (by their number), and for how long (seconds)."""

    faults: tuple[tuple[str, int], ...]
    lasts: float

    def __str__(self) -> str:
        lasting = any(name not in HAPPEN for name, _ in self.faults)
        names = " and ".join(f"{name} ({host})" for name, host in self.faults)
        return f"{names} for {self.lasts:.1f} s" if lasting else names


def random_trial(source: random.Random, hosts: int) -> Trial:
    """One or two faults of different kinds, on different hosts."""
    names = list(FAULTS)
    number = source.choice((1, 2))
    chosen = sorted(source.sample(names, number), key=names.index)
    where = source.sample(range(hosts), number)
    return Trial(tuple(zip(chosen, where, strict=True)), source.uniform(SHORTEST, LONGEST))


def run(
    trial: Trial, registry: LocalRegistry, meanwhile: Callable[[], None] = lambda: None
) -> float:
    """Bring the faults about, end them, and return the seconds until the service is back.

    Args:
        trial: the faults.
        registry: where.
        meanwhile: done once all faults are there; they last that much longer.

    Raises:
        LocalCloudError: a host does not serve ``RECOVERY`` seconds after the end began.
    """
    cloud, deployment = registry.cloud, registry.deployment
    hosts = cloud.hosts
    with ExitStack() as faults:
        for name, number in trial.faults:
            faults.enter_context(FAULTS[name](cloud, hosts[number]))
        meanwhile()
        if any(name not in HAPPEN for name, _ in trial.faults):
            time.sleep(trial.lasts)
        start = time.monotonic()
    if any(name in ENDS for name, _ in trial.faults):
        # As EC2 and ECS by themselves: the host is replaced, the task is started again.
        cloud.reconcile()
        deployment = registry.deployment
    await_service(deployment, start + RECOVERY)
    return time.monotonic() - start


def await_service(deployment: Deployment, end: float) -> None:
    """Wait until each host takes an upload and gives it back.

    Raises:
        LocalCloudError: one does not until ``end``, a moment of ``time.monotonic``.
    """
    for host in deployment.hosts:
        waiting = Retrying(
            retry=retry_if_exception_type((httpx.HTTPError, BrokenPromise)),
            wait=wait_fixed(0.2),
            stop=stop_after_delay(max(end - time.monotonic(), 0)),
        )
        try:
            waiting(serve, deployment, host, 1000)
        except RetryError as error:
            raise LocalCloudError(
                f"Host {host} does not serve {RECOVERY:g} s after the fault: "
                f"{error.last_attempt.exception()}"
            ) from None


def serve(deployment: Deployment, host: str, size: int) -> None:
    """Let a host take an upload of so many bytes and give it back.

    Raises:
        BrokenPromise, httpx.HTTPError: it does not, or takes more than ``PROMPT`` for an answer.
    """
    with deployment.client(host) as client:
        client.timeout = httpx.Timeout(PROMPT)
        blob = upload(client, REPOSITORY, os.urandom(size))
        client.get(f"/v2/{REPOSITORY}/blobs/{blob}").raise_for_status()


def each_fault_once(hosts: int) -> Sequence[Trial]:
    """Every fault by itself, on one host after the other."""
    return [Trial(((name, n % hosts),), SHORTEST) for n, name in enumerate(FAULTS)]


def seconds_to_eject(cloud: LocalCloud, instance: str) -> float:
    """Wait until the load balancer has left a host out; return the seconds that it took.

    Raises:
        AssertionError: it has not after ``RECOVERY`` seconds.
    """
    start = time.monotonic()
    settled(
        f"the load balancer to leave {instance} out",
        lambda: cloud.balancer.health().get(instance) == "healthy",
        False,
        RECOVERY,
    )
    return time.monotonic() - start
