"""Hosts come and go by the AWS API while clients work, and no client has to know."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Barrier, Event

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.console.waiting import wait_until
from integration.faults.api import upload
from integration.faults.fault_clients import Clients
from integration.faults.ledger import Ledger
from integration.faults.verification import broken_promises
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.reporting import Figure

#: New in each run: a blob that is there already would hide one that is lost.
REPOSITORY = f"wharf-test/scaling-{os.urandom(3).hex()}"
#: Bytes of a transfer that is under way while its host leaves: more than sockets hold.
SIZE = 30 * MEGABYTE
#: Seconds between two megabytes that its client takes.
PACE = 0.2
#: Seconds until all of the transfers have begun, and until hosts leave that are asked to.
BEGIN = LEAVE = 60
#: Requests that each new host gets, and the seconds that this may take.
SHARE, SHARE_S = 3, 30


@dataclass
class Scaled:
    """Observations of scaling from 1 host to 4 and back."""

    ledger: Ledger
    #: Requests of the clients that each of the hosts has answered, and the new ones' instances.
    requests: dict[str, int]
    new: set[str]
    #: Digests of what the slow clients of all four hosts received, while three of those left.
    received: list[str]
    sent: str
    #: Seconds from the call of the API until all hosts were there, or gone.
    out_s: float
    in_s: float
    #: Retries until the last new host was there.
    retries_out: int


def resize(cloud: LocalCloud, hosts: int, minimum: int) -> float:
    """Ask the AWS API for a number of hosts; return the seconds until it is so."""
    start = time.monotonic()
    cloud.session.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=cloud.outputs["autoscaling_group"],
        MinSize=minimum,
        DesiredCapacity=hosts,
    )
    cloud.reconcile()
    return time.monotonic() - start


def requests(cloud: LocalCloud) -> dict[str, int]:
    asked = f'"repository":"{REPOSITORY}'
    return {host.id: host.log("nginx").read_text().count(asked) for host in cloud.hosts}


def targets(cloud: LocalCloud) -> int:
    """Return the number of hosts in the load balancer's target group."""
    elbv2 = cloud.session.client("elbv2")
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    states = [target["TargetHealth"]["State"] for target in health["TargetHealthDescriptions"]]
    return len([state for state in states if state != "draining"])


def take_slowly(
    deployment: Deployment, host: str, path: str, begun: Barrier, leaving: Event
) -> str:
    """Begin to pull a layer from a host, and go on at a walking pace when hosts leave.

    Returns the digest, or what the transfer broke off with.
    """
    received = hashlib.sha256()
    try:
        with deployment.client(host) as client, client.stream("GET", path) as response:
            pieces = response.iter_bytes(MEGABYTE)
            received.update(next(pieces))
            begun.wait(BEGIN)
            leaving.wait(LEAVE)
            for piece in pieces:
                received.update(piece)
                time.sleep(PACE)
    except httpx.HTTPError as error:
        return f"broke off: {error!r}"
    return f"sha256:{received.hexdigest()}"


@pytest.fixture(scope="module")
def scaled(registry: LocalRegistry, report: Callable[[str], None], seed: int) -> Iterator[Scaled]:
    cloud = registry.cloud
    try:
        resize(cloud, 1, minimum=1)
        report("From 1 host to 4 and back to 1, under load")
        yield scale(registry, seed)
    finally:
        resize(cloud, 2, minimum=2)


def new_hosts_have_their_share(cloud: LocalCloud, before: set[str]) -> bool:
    return all(count >= SHARE for host, count in requests(cloud).items() if host not in before)


def scale(registry: LocalRegistry, seed: int) -> Scaled:
    cloud = registry.cloud
    before = {host.id for host in cloud.hosts}
    with registry.deployment.client() as client:
        sent = upload(client, REPOSITORY, os.urandom(SIZE))
    clients = Clients(registry.deployment, REPOSITORY, seed)
    with clients, ThreadPoolExecutor() as pool:
        out_s = resize(cloud, 4, minimum=1)
        retries = clients.ledger.retries
        # The test tells, if they do not.
        with suppress(AssertionError):
            wait_until(
                "every new host to be asked",
                lambda: new_hosts_have_their_share(cloud, before),
                True,
                SHARE_S,
            )
        answered = requests(cloud)
        deployment = registry.deployment
        path = f"/v2/{REPOSITORY}/blobs/{sent}"
        begun, leaving = Barrier(len(deployment.hosts) + 1), Event()
        slow = [
            pool.submit(take_slowly, deployment, host, path, begun, leaving)
            for host in deployment.hosts
        ]
        begun.wait(BEGIN)
        all_targets = targets(cloud)
        resizing = pool.submit(resize, cloud, 1, minimum=1)
        try:
            wait_until("targets to be taken out", lambda: targets(cloud) < all_targets, True, LEAVE)
        finally:
            leaving.set()
        in_s = resizing.result()
        received = [pull.result() for pull in slow]
    return Scaled(
        ledger=clients.ledger,
        requests=answered,
        new=answered.keys() - before,
        received=received,
        sent=sent,
        out_s=out_s,
        in_s=in_s,
        retries_out=retries,
    )


def test_new_hosts_take_traffic(scaled: Scaled, figure: Figure) -> None:
    figure("from 1 host to 4", scaled.out_s, "s")
    assert len(scaled.new) == 3
    assert min(scaled.requests[host] for host in scaled.new) >= SHARE


def test_leaving_hosts_end_their_transfers(scaled: Scaled, figure: Figure) -> None:
    figure("from 4 hosts to 1, with transfers of 6 s", scaled.in_s, "s")
    assert len(scaled.received) == 4
    assert set(scaled.received) == {scaled.sent}


def test_no_operation_of_clients_that_retry_fails(scaled: Scaled, figure: Figure) -> None:
    figure("retries from 1 host to 4", scaled.retries_out, "")
    figure("retries from 4 hosts to 1", scaled.ledger.retries - scaled.retries_out, "")
    assert scaled.ledger.operations > 20
    assert scaled.ledger.failed == []


def test_every_promise_is_kept(scaled: Scaled, registry: LocalRegistry) -> None:
    assert broken_promises(registry.cloud, registry.deployment, scaled.ledger) == []
