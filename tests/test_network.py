"""Where hosts are, and how they reach AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.settings_file import SettingsError, load_environments
from tests.terraform_console import evaluate

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]
IN_ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1"


def kinds(stack: Stack, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = stack["resource"].get(kind, {})
    return found


def host_subnets(stack: Stack) -> list[str]:
    (group,) = kinds(stack, "aws_autoscaling_group").values()
    return [one.split(".")[1] for one in group["vpc_zone_identifier"]]


def balancer_subnets(stack: Stack) -> list[str]:
    (balancer,) = kinds(stack, "aws_lb").values()
    return [one.split(".")[1] for one in balancer["subnets"]]


def default_routes(stack: Stack) -> list[str]:
    """The gateways that private subnets use, in the order of their zones."""
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


def test_endpoints_and_no_way_to_the_internet(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="endpoints", registry_image=IN_ECR)
    assert default_routes(stack) == []
    endpoints = kinds(stack, "aws_vpc_endpoint").values()
    interfaces = [one for one in endpoints if one.get("vpc_endpoint_type") == "Interface"]
    services = {one["service_name"].split("}.")[1] for one in interfaces}
    assert {"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "logs", "secretsmanager", "ssm"} <= services
    assert all(one["private_dns_enabled"] for one in interfaces)
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
        ("docker.io/library/registry:3.1.1", {"443"}),
        ("registry:3", {"443"}),
        ("registry.example.com:5000/registry:3", {"443", "5000"}),
    ],
)
def test_images_are_pulled_from_the_ports_in_their_names(
    stack: Stack, tmp_path: Path, registry: str, ports: set[str]
) -> None:
    rule = kinds(stack, "aws_vpc_security_group_egress_rule")["network_hosts_to_https"]
    code = rule["for_each"][2:-1].replace("var.registry_image", json.dumps(registry))
    code = code.replace("var.proxy_image", json.dumps(IN_ECR))
    assert set(evaluate(code, tmp_path)) == ports


@pytest.mark.parametrize("host_network", ["public", "nat"])
def test_layers_reach_s3_past_any_gateway(synthesize: Synthesize, host_network: str) -> None:
    stack = synthesize(host_network=host_network)
    tables = kinds(stack, "aws_vpc_endpoint")["network_s3"]["route_table_ids"]
    of_hosts = {
        one["route_table_id"]
        for one in kinds(stack, "aws_route_table_association").values()
        if one["subnet_id"].split(".")[1] in host_subnets(stack)
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


def test_an_image_that_cannot_be_reached_is_told() -> None:
    variables = {"WHARF_HOST_NETWORK": "endpoints"}
    with pytest.raises(SettingsError) as raised:
        load_environments(Path("none"), variables)
    assert str(raised.value) == (
        'registry_image = "docker.io/library/registry:3.1.1": it must be an image in ECR of '
        "aws_region where host_network is endpoints; copy it there"
    )
    load_environments(Path("none"), {**variables, "WHARF_REGISTRY_IMAGE": IN_ECR})


def test_terraform_refuses_such_an_image_too(synthesize: Synthesize) -> None:
    stack = synthesize(host_network="endpoints", registry_image=IN_ECR)
    conditions = [one["condition"] for one in stack["variable"]["registry_image"]["validation"]]
    assert conditions[-1].startswith('${"endpoints" != "endpoints" || can(regex(')
