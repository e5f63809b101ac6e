"""The subnets of hosts, and their way to AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments
from tests.support.terraform_console import evaluate

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]
IN_ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1"


def kinds(stack: Stack, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = stack["resource"].get(kind, {})
    return found


def host_subnets(stack: Stack) -> list[str]:
    (group,) = kinds(stack, "aws_autoscaling_group").values()
    return [subnet.split(".")[1] for subnet in group["vpc_zone_identifier"]]


def balancer_subnets(stack: Stack) -> list[str]:
    (balancer,) = kinds(stack, "aws_lb").values()
    return [subnet.split(".")[1] for subnet in balancer["subnets"]]


def default_routes(stack: Stack) -> list[str]:
    """Return the gateways of private subnets, in the order of their zones."""
    return [
        route["nat_gateway_id"].split(".")[1]
        for name, route in sorted(kinds(stack, "aws_route").items())
        if "private" in name
    ]


@pytest.mark.parametrize("host_network", ["nat", "nat_per_zone", "endpoints"])
def test_private_hosts_have_no_public_address(synthesize: Synthesize, host_network: str) -> None:
    stack = synthesize(host_network=host_network, registry_image=IN_ECR)
    subnets = kinds(stack, "aws_subnet")
    assert host_subnets(stack) == ["network_private_subnet_0", "network_private_subnet_1"]
    assert balancer_subnets(stack) == ["network_subnet_0", "network_subnet_1"]
    assert not any(subnet.get("map_public_ip_on_launch") for subnet in subnets.values())
    assert len({subnet["cidr_block"] for subnet in subnets.values()}) == 4


def test_public_hosts_need_no_gateway(stack: Stack) -> None:
    assert host_subnets(stack) == balancer_subnets(stack)
    assert not kinds(stack, "aws_nat_gateway")
    assert len(kinds(stack, "aws_vpc_endpoint")) == 1


def test_one_nat_gateway_for_all_zones(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="nat", zones=3)
    assert default_routes(stack) == ["network_private_gateway_0"] * 3
    assert len(kinds(stack, "aws_nat_gateway")) == len(kinds(stack, "aws_eip")) == 1


def test_a_nat_gateway_in_each_zone(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="nat_per_zone", zones=3)
    assert default_routes(stack) == [f"network_private_gateway_{zone}" for zone in range(3)]
    assert len(kinds(stack, "aws_eip")) == 3


def found(stack: Stack, reference: str) -> Any:
    """Return the data source that a reference names."""
    _, kind, name, _ = reference.strip("${}").split(".")
    return stack["data"][kind][name]


@pytest.mark.parametrize(("balancer", "kind"), [("network", "aws_lb"), ("classic", "aws_elb")])
def test_resources_that_need_the_internet_gateway_wait_for_it(
    synthesize: Synthesize, balancer: str, kind: str
) -> None:
    stack = synthesize(host_network="nat_per_zone", load_balancer=balancer)
    found = {
        name: resource.get("depends_on", ())
        for needs_gateway in (kind, "aws_eip", "aws_nat_gateway")
        for name, resource in kinds(stack, needs_gateway).items()
    }
    assert len(found) == 5
    early = [n for n, names in found.items() if "aws_internet_gateway.network_gateway" not in names]
    assert early == []


def test_endpoints_and_no_way_to_the_internet(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="endpoints", registry_image=IN_ECR)
    assert default_routes(stack) == []
    endpoints = kinds(stack, "aws_vpc_endpoint").values()
    interfaces = [
        endpoint for endpoint in endpoints if endpoint.get("vpc_endpoint_type") == "Interface"
    ]
    services = [found(stack, endpoint["service_name"]) for endpoint in interfaces]
    names = {
        service["dynamic"]["filter"]["content"]["values"][0].split("}.")[1] for service in services
    }
    assert {"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "logs", "secretsmanager", "ssm"} <= names
    assert {service["service_type"] for service in services} == {"Interface"}
    assert all(endpoint["private_dns_enabled"] for endpoint in interfaces)
    rule = kinds(stack, "aws_vpc_security_group_ingress_rule")["network_private_hosts_to_endpoints"]
    assert rule["referenced_security_group_id"] == "${aws_security_group.network_hosts.id}"


def ways_out(stack: Stack) -> set[tuple[str, str, str]]:
    """Return protocol, port and destination of each rule that lets hosts reach something."""
    return {
        (
            rule["ip_protocol"],
            str(rule["to_port"]),
            rule.get("cidr_ipv4")
            or rule.get("prefix_list_id")
            or rule["referenced_security_group_id"],
        )
        for rule in kinds(stack, "aws_vpc_security_group_egress_rule").values()
        if "network_hosts.id" in rule["security_group_id"]
    }


def test_hosts_behind_endpoints_reach_aws_and_nothing_else(synthesize: Synthesize) -> None:
    assert ways_out(synthesize(host_network="endpoints", registry_image=IN_ECR)) == {
        ("tcp", "443", "${aws_security_group.network_private_endpoints.id}"),
        ("tcp", "443", "${aws_vpc_endpoint.network_s3.prefix_list_id}"),
    }


@pytest.mark.parametrize("host_network", ["public", "nat", "nat_per_zone"])
def test_other_hosts_reach_https_only(synthesize: Synthesize, host_network: str) -> None:
    stack = synthesize(host_network=host_network)
    assert ways_out(stack) == {("tcp", "${each.value}", "0.0.0.0/0")}
    rule = kinds(stack, "aws_vpc_security_group_egress_rule")["network_hosts_to_https"]
    assert rule["from_port"] == "${each.value}"


@pytest.mark.parametrize(
    ("registry", "ports"),
    [
        ("public.ecr.aws/docker/library/registry:3.1.1", {"443"}),
        ("registry:3", {"443"}),
        ("registry.example.com:5000/registry:3", {"443", "5000"}),
    ],
)
def test_images_are_pulled_from_the_ports_in_their_names(
    stack: Stack, tmp_path: Path, registry: str, ports: set[str]
) -> None:
    rule = kinds(stack, "aws_vpc_security_group_egress_rule")["network_hosts_to_https"]
    code = rule["for_each"][2:-1].replace("var.registry_image", json.dumps(registry))
    code = code.replace("var.proxy_image", json.dumps(IN_ECR)).replace("var.mirrors", "{}")
    assert set(evaluate(code, tmp_path)) == ports


@pytest.mark.parametrize("host_network", ["public", "nat"])
def test_layers_reach_s3_past_any_gateway(synthesize: Synthesize, host_network: str) -> None:
    stack = synthesize(host_network=host_network)
    tables = kinds(stack, "aws_vpc_endpoint")["network_s3"]["route_table_ids"]
    of_hosts = {
        association["route_table_id"]
        for association in kinds(stack, "aws_route_table_association").values()
        if association["subnet_id"].split(".")[1] in host_subnets(stack)
    }
    assert set(tables) == of_hosts


def test_systems_manager_is_the_way_onto_private_hosts(
    synthesize: Synthesize, stack: Stack
) -> None:
    private = synthesize(host_network="nat")
    name = "permissions_host_sessions"
    assert name in kinds(private, "aws_iam_role_policy_attachment")
    assert name not in kinds(stack, "aws_iam_role_policy_attachment")


def test_hosts_wait_for_their_way_out(synthesize: Synthesize) -> None:
    (group,) = kinds(synthesize(host_network="nat"), "aws_autoscaling_group").values()
    assert "aws_route.network_private_internet_0" in group["depends_on"]


def test_an_unreachable_image_is_refused() -> None:
    variables = {"WHARF_HOST_NETWORK": "endpoints"}
    with pytest.raises(SettingsError) as raised:
        load_environments(Path("none"), variables)
    assert str(raised.value) == (
        'registry_image = "public.ecr.aws/docker/library/registry:3.1.1": it must be an image in '
        "ECR of aws_region where host_network is endpoints; copy it there"
    )
    load_environments(Path("none"), {**variables, "WHARF_REGISTRY_IMAGE": IN_ECR})


def test_terraform_refuses_such_an_image_too(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="endpoints", registry_image=IN_ECR)
    conditions = [
        validation["condition"] for validation in stack["variable"]["registry_image"]["validation"]
    ]
    assert conditions[-1].startswith('${"endpoints" != "endpoints" || can(regex(')


def test_flows_are_logged_where_there_is_a_bucket(stack: Stack) -> None:
    (flows,) = kinds(stack, "aws_flow_log").values()
    assert flows["for_each"] == ('${toset(var.flow_log_bucket == "" ? [] : [var.flow_log_bucket])}')
    assert (flows["traffic_type"], flows["log_destination_type"]) == ("ALL", "s3")
    assert flows["log_destination"].endswith(":s3:::${each.value}")
