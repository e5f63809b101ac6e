"""A host that fails the load balancer's check, and one that stops, in the middle of a transfer."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from integration.clients.image_builder import MEGABYTE
from integration.console.waiting import wait_until
from integration.faults.api import upload
from integration.faults.fault_trials import seconds_to_eject
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.registry import LocalRegistry

#: Bytes of a transfer that is under way: more than sockets hold.
SIZE = 40 * MEGABYTE
#: Seconds until a host that goes on is healthy again: two checks, on a busy machine.
HEALTHY_AGAIN = 60

#: Seconds that an ejected host stands still: longer than the intervals below, and than the second
#: by which the local balancer may be late. A host that goes on earlier may send the rest in time.
STILL_HALTED = 5

TERMINATION = "target_health_state.unhealthy.connection_termination.enabled"
INTERVAL = "target_health_state.unhealthy.draining_interval_seconds"


def target_group(cloud: LocalCloud) -> str:
    (group,) = cloud.session.client("elbv2").describe_target_groups()["TargetGroups"]
    return str(group["TargetGroupArn"])


def set_attributes(cloud: LocalCloud, attributes: Mapping[str, str]) -> None:
    cloud.session.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=target_group(cloud),
        Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()],
    )
    cloud.reconcile()


@pytest.fixture
def attributes(cloud: LocalCloud, request: pytest.FixtureRequest) -> Iterator[None]:
    """Set attributes of the target group; restore those of the stack in the end."""
    elbv2 = cloud.session.client("elbv2")
    described = elbv2.describe_target_group_attributes(TargetGroupArn=target_group(cloud))
    before = {attribute["Key"]: attribute["Value"] for attribute in described["Attributes"]}
    set_attributes(cloud, request.param)
    yield
    set_attributes(cloud, {key: before[key] for key in request.param})


@contextmanager
def halted(host: Host) -> Iterator[None]:
    """Let nginx of a host stand still: connections open, and nothing responds."""
    first = psutil.Process(host.pid("nginx"))
    programs = [first, *first.children(recursive=True)]
    for program in programs:
        program.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for program in programs:
            program.send_signal(signal.SIGCONT)


def pull_from_a_host_that_fails_its_check(registry: LocalRegistry, repository: str) -> str:
    """Return whether the layer came, or with what the transfer broke off."""
    cloud = registry.cloud
    host = cloud.hosts[0]
    with registry.deployment.client(f"https://{cloud.balancer.door(host.address)}") as client:
        layer = upload(client, repository, os.urandom(SIZE))
        received = hashlib.sha256()
        try:
            with client.stream("GET", f"/v2/{repository}/blobs/{layer}") as response:
                pieces = response.iter_bytes(MEGABYTE)
                received.update(next(pieces))
                with halted(host):
                    seconds_to_eject(cloud, host.id)
                    time.sleep(STILL_HALTED)
                for piece in pieces:
                    received.update(piece)
        except httpx.HTTPError as error:
            return f"broke off: {error!r}"
        finally:
            wait_until(
                f"{host.id} to be healthy again",
                lambda: cloud.balancer.health().get(host.id),
                "healthy",
                HEALTHY_AGAIN,
            )
    return "it came" if f"sha256:{received.hexdigest()}" == layer else "it is corrupt"


def test_transfers_of_a_slow_host_go_on(registry: LocalRegistry, repository: str) -> None:
    assert pull_from_a_host_that_fails_its_check(registry, repository) == "it came"


@pytest.mark.parametrize(
    "attributes", [{TERMINATION: "true"}, {INTERVAL: "1"}], ids=str, indirect=True
)
@pytest.mark.usefixtures("attributes")
def test_they_end_where_the_target_group_says_so(registry: LocalRegistry, repository: str) -> None:
    assert "broke off" in pull_from_a_host_that_fails_its_check(registry, repository)


@pytest.fixture
def a_host_to_lose(cloud: LocalCloud) -> Iterator[Host]:
    host = cloud.hosts[0]
    yield host
    cloud.kill_host(host.id)
    cloud.reconcile()


def test_a_host_that_stops_as_a_target_serves_until_it_gets_no_clients(
    registry: LocalRegistry, repository: str, a_host_to_lose: Host
) -> None:
    """ECS may stop a DAEMON task before its target is taken out (amazon-ecs-agent issue 2288)."""
    cloud, host = registry.cloud, a_host_to_lose
    door = f"https://{cloud.balancer.door(host.address)}"
    with registry.deployment.client(door) as client, ThreadPoolExecutor() as beside:
        layer = upload(client, repository, os.urandom(SIZE))
        with client.stream("GET", f"/v2/{repository}/blobs/{layer}") as response:
            pieces = response.iter_bytes(MEGABYTE)
            received = hashlib.sha256(next(pieces))
            stopped = beside.submit(host.stop)
            while cloud.balancer.sends_to(host.id):
                assert cloud.network.reaches(host.address, 443, pod=cloud.balancer.name), (
                    "the host refuses clients that the load balancer still sends"
                )
            for piece in pieces:
                received.update(piece)
        stopped.result()
    assert f"sha256:{received.hexdigest()}" == layer
