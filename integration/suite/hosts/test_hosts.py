"""Hosts come and go by the AWS API, and let nobody past nginx."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from integration.clients.deployment import Deployment
from integration.local.api.blueprint import Blueprint
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.machine import podman
from integration.local.network.haproxy import HaProxy
from integration.local.registry import LocalRegistry, publish


def resize(cloud: LocalCloud, hosts: int) -> None:
    cloud.session.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=cloud.outputs["autoscaling_group"], DesiredCapacity=hosts
    )
    cloud.reconcile()


def run_scheduled(cloud: LocalCloud, recurrence: str) -> None:
    """Do what the autoscaling group's scheduled action of a cron expression does.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
    """
    scaling = cloud.session.client("autoscaling")
    actions = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    (action,) = (action for action in actions if action["Recurrence"] == recurrence)
    sizes = {key: action[key] for key in ("MinSize", "MaxSize", "DesiredCapacity") if key in action}
    scaling.update_auto_scaling_group(AutoScalingGroupName=action["AutoScalingGroupName"], **sizes)
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


@pytest.mark.usefixtures("two_hosts_after")
def test_scheduled_hosts_stay_until_their_time_is_over(cloud: LocalCloud) -> None:
    scaling = cloud.session.client("autoscaling")
    group = cloud.outputs["autoscaling_group"]
    before, after = "45 8 * * MON-FRI", "0 11 * * MON-FRI"
    cloud.terraform_with({"scheduled_hosts": {before: 3, after: 2}}).apply()
    try:
        run_scheduled(cloud, before)
        assert len(cloud.hosts) == 3
        # What target tracking does when there is little to do.
        with pytest.raises(ClientError, match="below min value 3"):
            scaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)
        run_scheduled(cloud, after)
        assert len(cloud.hosts) == 3, "who has to go is decided by the load"
        resize(cloud, 2)
        assert len(cloud.hosts) == 2
    finally:
        cloud.terraform.apply()
    assert cloud.terraform.changes() == []


def test_the_load_balancer_reaches_nginx_and_not_the_registry(cloud: LocalCloud) -> None:
    for host in cloud.hosts:
        assert cloud.network.reaches(host.address, 443, pod=cloud.balancer.name)
        assert not cloud.network.reaches(host.address, 5000, pod=cloud.balancer.name)


@pytest.fixture
def classic_check_by_tls(cloud: LocalCloud) -> Iterator[None]:
    """Yield a classic balancer beside the other one, whose check of the same hosts is by TLS."""
    elb = cloud.session.client("elb")
    (group,) = Blueprint.read(cloud.session).balancers[0].security_groups
    elb.create_load_balancer(
        LoadBalancerName="classic",
        Listeners=[
            {"Protocol": "TCP", "LoadBalancerPort": 443, "InstanceProtocol": "TCP"}
            | {"InstancePort": 443}
        ],
        AvailabilityZones=["us-east-1a"],
        SecurityGroups=[group],
    )
    check = {"Interval": 5, "Timeout": 4, "HealthyThreshold": 2, "UnhealthyThreshold": 2}
    elb.configure_health_check(
        LoadBalancerName="classic", HealthCheck={"Target": "HTTPS:443/ssl", **check}
    )
    elb.register_instances_with_load_balancer(
        LoadBalancerName="classic", Instances=[{"InstanceId": host.id} for host in cloud.hosts]
    )
    pod = cloud.balancers["classic"].name
    yield
    elb.delete_load_balancer(LoadBalancerName="classic")
    cloud.network.remove_pod(pod)
    cloud.reconcile()


@pytest.mark.usefixtures("classic_check_by_tls")
def test_a_classic_check_by_tls_finds_no_healthy_host(cloud: LocalCloud) -> None:
    """As on AWS: the check's ciphers are fixed, and the proxy accepts none of them."""
    with pytest.raises(LocalCloudError, match="DOWN L6"):
        cloud.reconcile()


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


RESPONDS = """
global
  stats socket unix@/run/haproxy/admin.sock level admin
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend text
  bind :80
  http-request return status 200 content-type text/plain string "{}"
"""


@pytest.fixture
def haproxy(registry: LocalRegistry, tmp_path: Path) -> Iterator[HaProxy]:
    """Yield an HAProxy that nothing else uses, at the last address that no host gets."""
    network = registry.cloud.network
    balancer = HaProxy.named(podman(registry.directory), network, "trial", 254, tmp_path)
    yield balancer
    network.remove_pod(balancer.name)


def test_a_configuration_is_in_force_at_once(haproxy: HaProxy) -> None:
    """Else a host at the address of one that has ended may get that one's identity."""
    found = []
    for number in map(str, range(5)):
        haproxy.configure(RESPONDS.format(number))
        found.append(httpx.get(f"http://{haproxy.address}").text)
    assert found == ["0", "1", "2", "3", "4"]
