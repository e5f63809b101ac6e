"""What runs is changed while clients push and pull."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.faults.clients import Clients
from integration.faults.ledger import Ledger
from integration.faults.verdict import broken_promises
from integration.local.cloud import LocalCloud
from integration.local.machine import podman
from integration.local.registry import PROXY_IMAGE, LocalRegistry, program
from integration.published import Published
from integration.reporting import Figure

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
    """For each host the versions of task definitions that it runs."""
    return {host.id: host.tasks for host in cloud.hosts}


@pytest.fixture
def next_image(registry: LocalRegistry) -> Iterator[str]:
    """The same image as another version of it."""
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
    with Clients(registry.deployment, repository, seed=2) as clients:
        cloud.reconcile()
    after = versions(cloud)
    figure("retries while a new image rolls through", clients.ledger.retries, "")
    assert after.keys() == before.keys()
    assert all(after[host] != before[host] for host in after)
    check(clients.ledger, registry)


def test_certificate_and_passwords_are_renewed(
    registry: LocalRegistry, repository: str, tmp_path: Path, figure: Figure
) -> None:
    published = Published(registry, tmp_path / "files")
    published.add_user("somebody", "old")
    certificate = [
        "certificate",
        "create",
        "--domain",
        registry.deployment.url.removeprefix("https://"),
        "--directory",
        str(published.folder),
        "--force",
    ]
    program(*certificate)
    trust = tmp_path / "both.pem"
    old = registry.deployment.ca
    assert old
    trust.write_bytes(old.read_bytes() + (published.folder / "domain.crt").read_bytes())
    deployment = dataclasses.replace(registry.deployment, ca=trust)
    try:
        with Clients(deployment, repository, seed=3) as clients:
            published.publish()
            published.add_user("somebody", "new")
            published.publish()
    finally:
        published.restore()
    figure("retries while files are renewed", clients.ledger.retries, "")
    check(clients.ledger, registry)


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
