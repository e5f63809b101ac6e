"""Fixtures of tests that look at one host: its clients, and a layer."""

from collections.abc import Iterator

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.suite.support.layers import Layer, push


@pytest.fixture
def host(cloud: LocalCloud) -> Host:
    return cloud.hosts[0]


@pytest.fixture
def client(cloud: LocalCloud, deployment: Deployment, host: Host) -> Iterator[httpx.Client]:
    """Yield a client of that host alone."""
    with deployment.client(f"https://{cloud.balancer.door(host.address)}") as client:
        yield client


@pytest.fixture
def layer(deployment: Deployment, repository: str) -> Layer:
    return push(deployment, repository, 5 * MEGABYTE)
