"""Changes of image, files and hosts while clients push and pull."""

import base64
import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from integration.faults.fault_clients import Clients
from integration.faults.ledger import Ledger
from integration.faults.verification import broken_promises
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.machine import podman
from integration.local.registry import PROXY_IMAGE, LocalRegistry, program
from integration.suite.support.configuration_files import ConfigurationFiles
from integration.suite.support.reporting import Figure

NEXT_IMAGE = f"{PROXY_IMAGE}-next"


@pytest.fixture(scope="module", autouse=True)
def as_before(registry: LocalRegistry) -> Iterator[None]:
    yield
    registry.cloud.terraform.apply()
    registry.cloud.reconcile()


def check(ledger: Ledger, registry: LocalRegistry) -> None:
    assert ledger.operations > 10
    assert ledger.failed == []
    assert broken_promises(registry.cloud, registry.deployment, ledger) == []


def versions(cloud: LocalCloud) -> dict[str, set[str]]:
    """Return the versions of task definitions that each host runs."""
    return {host.id: host.tasks for host in cloud.hosts}


@contextmanager
def watched(cloud: LocalCloud) -> Iterator[list[int]]:
    """Count the hosts that have an nginx, each half second; the list gets the numbers."""
    hosts, counts, over = cloud.hosts, list[int](), Event()

    def watch() -> None:
        while not over.wait(0.5):
            counts.append(sum("nginx" in host.containers for host in hosts))

    with ThreadPoolExecutor() as pool:
        watching = pool.submit(watch)
        try:
            yield counts
        finally:
            over.set()
        watching.result()


@pytest.fixture
def next_image(registry: LocalRegistry) -> Iterator[str]:
    """Yield the same image as another version of it."""
    engine = podman(registry.directory)
    engine.image.tag(PROXY_IMAGE, NEXT_IMAGE)
    yield NEXT_IMAGE
    engine.image.remove(NEXT_IMAGE)


def test_a_new_image_rolls_through_the_service(
    registry: LocalRegistry, repository: str, next_image: str, figure: Figure
) -> None:
    cloud = registry.cloud
    before = versions(cloud)
    cloud.terraform_with({"proxy_image": next_image}).apply()
    with Clients(registry.deployment, repository, seed=2) as clients, watched(cloud) as counts:
        cloud.reconcile()
    after = versions(cloud)
    figure("retries while a new image rolls through", clients.ledger.retries, "")
    assert after.keys() == before.keys()
    assert all(after[host] != before[host] for host in after)
    # Clients try again for so long that they do not show it.
    assert min(counts) > 0, "all hosts change their tasks at the same time"
    check(clients.ledger, registry)


def test_certificate_and_passwords_are_renewed(
    registry: LocalRegistry, repository: str, tmp_path: Path, figure: Figure
) -> None:
    configuration = ConfigurationFiles(registry, tmp_path / "files")
    configuration.add_user("somebody", "old")
    certificate = [
        "certificate",
        "create",
        "--domain",
        registry.deployment.url.removeprefix("https://"),
        "--directory",
        str(configuration.folder),
        "--force",
    ]
    program(*certificate)
    trust = tmp_path / "both.pem"
    old = registry.deployment.ca
    assert old
    trust.write_bytes(old.read_bytes() + (configuration.folder / "domain.crt").read_bytes())
    deployment = dataclasses.replace(registry.deployment, ca=trust)
    try:
        with Clients(deployment, repository, seed=3) as clients:
            configuration.publish()
            configuration.add_user("somebody", "new")
            configuration.publish()
    finally:
        configuration.restore()
    figure("retries while files are renewed", clients.ledger.retries, "")
    check(clients.ledger, registry)


def test_hosts_that_cannot_serve_replace_none_that_does(
    registry: LocalRegistry, repository: str
) -> None:
    cloud = registry.cloud
    before = cloud.hosts
    ec2, scaling = cloud.session.client("ec2"), cloud.session.client("autoscaling")
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    identity = {"LaunchTemplateId": template["LaunchTemplateId"]}
    # As an image that cannot start would do: the host comes, and joins no cluster.
    program = base64.b64encode(b"#!/bin/sh\ntrue\n").decode()
    version = ec2.create_launch_template_version(
        **identity, SourceVersion="$Latest", LaunchTemplateData={"UserData": program}
    )["LaunchTemplateVersion"]["VersionNumber"]
    ec2.modify_launch_template(**identity, DefaultVersion=str(version))
    scaling.start_instance_refresh(AutoScalingGroupName=cloud.outputs["autoscaling_group"])
    with pytest.raises(LocalCloudError, match="it joined cluster None"):
        cloud.reconcile()
    assert [host.id for host in before if not host.exists] == [], "hosts that served have gone"
    with Clients(registry.deployment, repository, seed=5) as clients:
        # The registry's stack brings hosts that can.
        cloud.terraform.apply()
        cloud.reconcile()
    assert not {host.id for host in before} & {host.id for host in cloud.hosts}
    check(clients.ledger, registry)


def test_an_alarm_keeps_the_hosts(registry: LocalRegistry) -> None:
    cloud = registry.cloud
    before = {host.id for host in cloud.hosts}
    cloudwatch = cloud.session.client("cloudwatch")
    alarm = {"AlarmName": "wharf-server_errors-us-east-1", "StateReason": "test"}
    cloudwatch.set_alarm_state(**alarm, StateValue="ALARM")
    try:
        cloud.terraform_with({"instance_type": "m5.large"}).apply()
        cloud.reconcile()
        assert {host.id for host in cloud.hosts} == before, "hosts are replaced during an alarm"
    finally:
        cloudwatch.set_alarm_state(**alarm, StateValue="OK")


def test_a_changed_instance_type_replaces_the_hosts(
    registry: LocalRegistry, repository: str, figure: Figure
) -> None:
    cloud = registry.cloud
    before = {host.id for host in cloud.hosts}
    with Clients(registry.deployment, repository, seed=4) as clients:
        cloud.terraform_with({"instance_type": "t3.large"}).apply()
        cloud.reconcile()
    after = {host.id for host in cloud.hosts}
    figure("retries while hosts are replaced", clients.ledger.retries, "")
    assert len(after) == len(before)
    assert not after & before
    check(clients.ledger, registry)
