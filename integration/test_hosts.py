"""Hosts come and go by the AWS API, and let nobody past nginx."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from integration.deployment import Deployment
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry, publish


def resize(cloud: LocalCloud, hosts: int) -> None:
    cloud.session.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=cloud.outputs["autoscaling_group"], DesiredCapacity=hosts
    )
    cloud.reconcile()


@pytest.fixture
def two_hosts_after(cloud: LocalCloud) -> Iterator[None]:
    yield
    resize(cloud, 2)


@pytest.mark.usefixtures("two_hosts_after")
def test_a_third_host_serves(registry: LocalRegistry) -> None:
    resize(registry.cloud, 3)
    deployment = registry.deployment
    assert len(deployment.hosts) == 3
    for host in deployment.hosts:
        with deployment.client(host) as client:
            assert client.get("/v2/_catalog").status_code == 200


@pytest.mark.usefixtures("two_hosts_after")
def test_a_host_without_its_configuration_says_which_object_is_missing(
    registry: LocalRegistry,
) -> None:
    cloud = registry.cloud
    bucket = cloud.outputs["configuration_bucket"]
    cloud.session.client("s3").delete_object(Bucket=bucket, Key="domain.key")
    try:
        with pytest.raises(LocalCloudError, match=r"nginx .* ended with status 1: .*domain\.key"):
            resize(cloud, 3)
    finally:
        publish(cloud, registry.directory / "configuration")


def test_the_load_balancer_reaches_nginx_and_not_the_registry(cloud: LocalCloud) -> None:
    for host in cloud.hosts:
        assert cloud.network.reaches(host.address, 443, pod=cloud.balancer.name)
        assert not cloud.network.reaches(host.address, 5000, pod=cloud.balancer.name)


def test_nobody_else_reaches_a_host(cloud: LocalCloud) -> None:
    first, second = cloud.hosts
    assert not cloud.network.reaches(second.address, 443, pod=first.pod), "another host reaches it"
    assert not cloud.network.reaches(second.address, 443), "this machine reaches it"


def test_a_host_reaches_https_and_nothing_else(cloud: LocalCloud) -> None:
    aws = cloud.endpoints.address
    for host in cloud.hosts:
        assert cloud.network.reaches(aws, 443, pod=host.pod)
        # Something listens there: the credentials of the task role, at an address of their own.
        assert cloud.network.reaches(aws, 80), "nothing listens on port 80"
        assert not cloud.network.reaches(aws, 80, pod=host.pod), "a host reaches port 80"


def test_every_host_gets_its_share(cloud: LocalCloud, deployment: Deployment) -> None:
    before = {host.id: host.log("nginx").read_text().count("/v2/share") for host in cloud.hosts}
    for _ in range(10):
        with deployment.client() as client:
            client.get("/v2/share/tags/list")
    for host in cloud.hosts:
        assert host.log("nginx").read_text().count("/v2/share") - before[host.id] >= 3


def test_a_pull_is_many_connections(deployment: Deployment) -> None:
    # With HTTP/2 it would be one, and the load balancer distributes connections.
    where = urlsplit(deployment.url)
    context = ssl.create_default_context(cafile=deployment.ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((where.hostname or "", where.port or 443), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=where.hostname) as client,
    ):
        assert client.selected_alpn_protocol() == "http/1.1"


def test_the_way_to_aws_stays_the_same_while_hosts_come_and_go(cloud: LocalCloud) -> None:
    before = cloud.network.bridge_address
    cloud.kill_host(cloud.hosts[0].id)
    cloud.reconcile()
    assert cloud.network.bridge_address == before


def test_a_host_that_has_ended_is_told_in_one_line(cloud: LocalCloud) -> None:
    host = cloud.hosts[0]
    cloud.kill_host(host.id)
    try:
        with pytest.raises(LocalCloudError, match="does not run"):
            host.pid("nginx")
        with pytest.raises(LocalCloudError, match="does not run"):
            cloud.network.pid(host.pod)
    finally:
        cloud.reconcile()
