"""A trial: faults while clients work, and the time until the service is back."""

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.faults.api import BrokenPromise, check_blobs, repository, upload
from integration.faults.faults import ENDS, FAULTS, HAPPEN, Fault
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry
from integration.local.upstream import Upstream

#: Seconds within which every host serves again: a new host starts in about 10, on a busy machine
#: in 30 to 80, and two checks of the load balancer take 10.
RECOVERY = 120.0
#: Maximum seconds of a response from a host that serves.
PROMPT = 5
#: Seconds that a fault lasts.
SHORTEST, LONGEST = 2.0, 6.0
REPOSITORY = "wharf-test/recovery"


@dataclass(frozen=True)
class Trial:
    """Concurrent faults, each with the number of its host, and their duration in seconds."""

    faults: tuple[tuple[str, int], ...]
    lasts: float

    def __str__(self) -> str:
        lasting = any(name not in HAPPEN for name, _ in self.faults)
        names = " and ".join(f"{name} ({host})" for name, host in self.faults)
        return f"{names} for {self.lasts:.1f} s" if lasting else names


def random_trial(source: random.Random, hosts: int, faults: Iterable[str] = FAULTS) -> Trial:
    """Return a trial of one or two different faults, on different hosts."""
    names = list(faults)
    number = source.choice((1, 2))
    chosen = sorted(source.sample(names, number), key=names.index)
    where = source.sample(range(hosts), number)
    return Trial(tuple(zip(chosen, where, strict=True)), source.uniform(SHORTEST, LONGEST))


def run(
    trial: Trial,
    registry: LocalRegistry,
    meanwhile: Callable[[], None] = lambda: None,
    faults: Mapping[str, Fault] = FAULTS,
) -> float:
    """Begin the faults, end them, and return the seconds until the service is back.

    Args:
        trial: the faults.
        registry: a local registry.
        meanwhile: called when all faults have begun; they last that much longer.
        faults: the faults by their names.

    Raises:
        LocalCloudError: a host does not serve ``RECOVERY`` seconds after the end began.
    """
    cloud, deployment = registry.cloud, registry.deployment
    hosts = cloud.hosts
    with ExitStack() as stack:
        for name, number in trial.faults:
            stack.enter_context(faults[name](cloud, hosts[number]))
        meanwhile()
        if any(name not in HAPPEN for name, _ in trial.faults):
            time.sleep(trial.lasts)
        start = time.monotonic()
    if any(name in ENDS for name, _ in trial.faults):
        # As EC2 and ECS do: the host is replaced, the task is started again.
        cloud.reconcile()
        deployment = registry.deployment
    await_service(deployment, start + RECOVERY)
    return time.monotonic() - start


def await_service(deployment: Deployment, end: float) -> None:
    """Wait until each host accepts an upload and serves it.

    Raises:
        LocalCloudError: a host does not until ``end``, a timestamp of ``time.monotonic``.
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
    """Push a blob of ``size`` bytes through a host, and pull it.

    Raises:
        BrokenPromise, httpx.HTTPError: the host fails, or takes more than ``PROMPT`` to respond.
    """
    with deployment.client(host) as http:
        http.timeout = httpx.Timeout(PROMPT)
        check_blobs(http, REPOSITORY, [upload(http, REPOSITORY, os.urandom(size))])


def each_fault_once(hosts: int, faults: Iterable[str] = FAULTS) -> Sequence[Trial]:
    """Return a trial for each fault, on the hosts in turn."""
    return [Trial(((name, n % hosts),), SHORTEST) for n, name in enumerate(faults)]


def mirrored_pulls(deployment: Deployment, upstream: Upstream) -> Callable[[], None]:
    """Pull an image of the upstream through a host; return a function for the time of a fault.

    The function pulls that image again through each host, without retries, and requests images that
    no host has until the upstream has received a request of each host.

    Raises:
        BrokenPromise: by the function: a host does not serve the image, or sends no request.
    """
    name = f"wharf-test/known-{os.urandom(4).hex()}"
    image = upstream.add(name, "1", [os.urandom(1000)])

    def pull(host: str) -> None:
        with deployment.client(host) as http:
            repository(http, f"docker.io/{name}").manifest(image.manifest)
            check_blobs(http, f"docker.io/{name}", [image.config, *image.layers])

    def reaches_upstream(host: str) -> bool:
        before = upstream.arrived
        with deployment.client(host) as http:
            http.get(f"/v2/docker.io/wharf-test/new-{os.urandom(4).hex()}/manifests/1")
        return upstream.arrived > before

    def pull_during_fault() -> None:
        for host in deployment.hosts:
            try:
                pull(host)
                # After a failed connection, a host waits 10 s.
                wait_until(
                    "the upstream to get a request", partial(reaches_upstream, host), True, 30
                )
            except (AssertionError, httpx.HTTPError) as error:
                raise BrokenPromise(f"{host}, while the upstream fails: {error}") from None

    pull(deployment.hosts[0])
    return pull_during_fault


def seconds_to_eject(cloud: LocalCloud, instance: str) -> float:
    """Wait until the load balancer ejects a host; return the seconds.

    Raises:
        AssertionError: the host is still in use after ``RECOVERY`` seconds.
    """
    start = time.monotonic()
    wait_until(
        f"the load balancer to leave {instance} out",
        lambda: cloud.balancer.sends_to(instance),
        False,
        RECOVERY,
    )
    return time.monotonic() - start
