"""The content of the synthesized stack, read from its Terraform JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.containers import containers, environment, only

Stack = dict[str, Any]
PROXY = Path(__file__).resolve().parents[2] / "nginx-proxy"
TYPES = {"string", "number", "bool", "list(string)", "map(number)", "map(string)"}


def test_the_original_parameters_are_variables(stack: Stack) -> None:
    names = {
        "nginx_config_bucket",
        "aws_region",
        "aws_access_key",
        "aws_secret_access_key",
        "aws_registry_bucket",
        "key_pair",
    }
    assert names <= stack["variable"].keys()


def test_changed_static_keys_change_the_task(stack: Stack) -> None:
    """Static keys change the task definition: ECS reads a secret only when a task starts."""
    text = only(stack, "aws_ecs_task_definition")["container_definitions"]
    named = re.findall(r"secrets_keys\.arn\}:(\w+)::([^\"]*)\"", text)
    version = "${aws_secretsmanager_secret_version.secrets_keys_value.version_id}"
    both = [("aws_access_key", version), ("aws_secret_access_key", version)]
    assert named == both * 2, "the keys of both containers are of whatever version"


def test_only_the_static_keys_are_sensitive_and_they_are_empty(stack: Stack) -> None:
    sensitive = {name for name, variable in stack["variable"].items() if variable.get("sensitive")}
    assert sensitive == {"aws_access_key", "aws_secret_access_key"}
    assert {stack["variable"][name]["default"] for name in sensitive} == {""}


def test_every_variable_is_described_and_typed(stack: Stack) -> None:
    for name, variable in stack["variable"].items():
        assert variable["description"].endswith("."), name
        assert variable["type"] in (
            "string",
            "number",
            "bool",
            "list(string)",
            "map(number)",
            "map(string)",
        ) or variable["type"].startswith("map(object({"), name


def test_only_the_proxy_image_has_no_default(stack: Stack) -> None:
    required = [name for name, variable in stack["variable"].items() if "default" not in variable]
    assert required == ["proxy_image"]


def test_every_variable_is_used(synthesize: Callable[..., Stack]) -> None:
    unused = []
    for choices in (
        {},
        {"load_balancer": "classic"},
        {"replica_bucket": "copies", "image_version_days": 1},
    ):
        stack = dict(synthesize(**choices))
        names = stack.pop("variable")
        unused.append(
            {name for name in names if not re.search(rf"\bvar\.{name}\b", json.dumps(stack))}
        )
    assert not set.intersection(*unused)


def test_the_outputs(stack: Stack) -> None:
    assert set(stack["output"]) == {
        "registry_url",
        "load_balancer_name",
        "image_bucket",
        "configuration_bucket",
        "cluster",
        "autoscaling_group",
    }


def test_the_provider_constraint_is_wide(stack: Stack) -> None:
    assert stack["terraform"]["required_providers"]["aws"]["version"] == ">= 5.100, < 7.0"


@pytest.mark.parametrize("zones", [2, 3])
def test_one_subnet_for_each_zone(synthesize: Callable[..., Stack], zones: int) -> None:
    assert len(synthesize(zones=zones)["resource"]["aws_subnet"]) == zones


def test_the_network_balancer_by_default(stack: Stack) -> None:
    assert "aws_elb" not in stack["resource"]
    assert only(stack, "aws_lb")["load_balancer_type"] == "network"
    assert only(stack, "aws_lb_listener")["protocol"] == "TCP"
    check = only(stack, "aws_lb_target_group")["health_check"]
    assert (check["protocol"], check["path"]) == ("HTTPS", "/ssl")


def test_the_classic_balancer_on_request(synthesize: Callable[..., Stack]) -> None:
    stack = synthesize(load_balancer="classic")
    assert "aws_lb" not in stack["resource"]
    balancer = only(stack, "aws_elb")
    (listener,) = balancer["listener"]
    assert (listener["lb_port"], listener["lb_protocol"]) == (443, "tcp")


def test_the_classic_balancer_sends_the_address_of_the_client(
    synthesize: Callable[..., Stack],
) -> None:
    stack = synthesize(load_balancer="classic")
    (listener,) = only(stack, "aws_elb")["listener"]
    assert only(stack, "aws_proxy_protocol_policy")["instance_ports"] == ["444"]
    assert listener["instance_port"] == 444
    mappings = containers(stack)["nginx"]["portMappings"]
    assert {mapping["hostPort"]: mapping["containerPort"] for mapping in mappings} == {
        80: 8080,
        444: 8444,
        9113: 9113,
    }
    balancer = "${aws_security_group.network_balancer.id}"
    opened = {port for port, peer in ports_from(stack, "network_hosts") if peer == balancer}
    assert opened == {80, 444}


def test_the_classic_check_is_without_tls(synthesize: Callable[..., Stack]) -> None:
    # The fixed list of ciphers of a classic balancer has none of the proxy's.
    assert only(synthesize(load_balancer="classic"), "aws_elb")["health_check"]["target"] == (
        "HTTP:80/ssl"
    )


def test_ecs_and_the_classic_balancer_name_the_same_port(
    synthesize: Callable[..., Stack],
) -> None:
    stack = synthesize(load_balancer="classic")
    (listener,) = only(stack, "aws_elb")["listener"]
    (attached,) = only(stack, "aws_ecs_service")["load_balancer"]
    mappings = containers(stack)[attached["container_name"]]["portMappings"]
    (mapping,) = (
        mapping for mapping in mappings if mapping["containerPort"] == attached["container_port"]
    )
    assert mapping["hostPort"] == listener["instance_port"]


def ports_from(stack: Stack, group: str) -> set[tuple[int | None, str]]:
    """Return the open ports of a group, each with its source."""
    rules = stack["resource"]["aws_vpc_security_group_ingress_rule"].values()
    return {
        (
            rule.get("from_port"),
            rule.get("referenced_security_group_id") or rule["for_each"],
        )
        for rule in rules
        if group in rule["security_group_id"]
    }


def test_ports_are_open_for_the_expected_groups_and_networks(stack: Stack) -> None:
    assert ports_from(stack, "network_balancer") == {(443, "${toset(var.allowed_networks)}")}
    assert ports_from(stack, "network_hosts") == {
        (443, "${aws_security_group.network_balancer.id}"),
        (22, '${toset(var.key_pair == "" ? [] : var.ssh_networks)}'),
        (9113, "${toset(var.metrics_networks)}"),
    }


def test_the_task_the_proxy_and_its_page_have_the_same_variables(stack: Stack) -> None:
    task = {variable["name"] for variable in containers(stack)["nginx"]["environment"]} - {
        "AWS_REGION"
    }
    programs = [*PROXY.glob("wharf_proxy/*.py"), *PROXY.glob("lua/wharf/*.lua")]
    read = set(re.findall(r"\bNGINX_[A-Z_]+", "".join(program.read_text() for program in programs)))
    page = set(re.findall(r"`(NGINX_[A-Z_]+)`", (PROXY.parent / "docs/proxy.md").read_text()))
    assert task == read == page


def test_only_nginx_has_a_port_of_the_host(stack: Stack) -> None:
    found = containers(stack)
    ports = [mapping["hostPort"] for mapping in found["nginx"]["portMappings"]]
    assert (ports, found["nginx"]["links"]) == ([443, 9113], ["registry"])
    assert "portMappings" not in found["registry"]


def test_the_http_secret_is_a_secret(stack: Stack) -> None:
    registry = containers(stack)["registry"]
    assert [secret["name"] for secret in registry["secrets"]] == ["REGISTRY_HTTP_SECRET"]
    assert not [variable for variable in registry["environment"] if "SECRET" in variable["name"]]
    values = stack["resource"]["aws_secretsmanager_secret_version"].values()
    assert all("secret_string" not in version for version in values)


def test_one_task_for_each_host(stack: Stack) -> None:
    assert only(stack, "aws_ecs_service")["scheduling_strategy"] == "DAEMON"


@pytest.mark.parametrize(
    ("delivery", "redirect_disabled", "volumes"),
    [("cache", "true", 1), ("proxy", "true", 0), ("redirect", "false", 0)],
)
def test_where_layers_come_from(
    synthesize: Callable[..., Stack],
    delivery: str,
    redirect_disabled: str,
    volumes: int,
) -> None:
    stack = synthesize(blob_delivery=delivery)
    assert environment(stack, "nginx")["NGINX_BLOB_DELIVERY"] == delivery
    registry = environment(stack, "registry")
    assert registry["REGISTRY_STORAGE_REDIRECT_DISABLE"] == redirect_disabled
    assert len(containers(stack)["nginx"]["mountPoints"]) == volumes
    assert len(only(stack, "aws_ecs_task_definition").get("volume", [])) == volumes


def test_the_registry_works_in_regions_that_its_sdk_does_not_know(stack: Stack) -> None:
    assert environment(stack, "registry")["REGISTRY_STORAGE_S3_REGIONENDPOINT"] == (
        "https://s3.${var.aws_region}.${data.aws_partition.service_partition.dns_suffix}"
    )


def test_a_fault_of_s3_takes_no_host_out(stack: Stack) -> None:
    registry = environment(stack, "registry")
    assert registry["REGISTRY_HEALTH_STORAGEDRIVER_ENABLED"] == "false"


def test_a_lifecycle_rule_purges_uploads_and_no_host(stack: Stack) -> None:
    registry = environment(stack, "registry")
    assert registry["REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING"] == "{enabled: false}"


def test_the_registry_logs_errors_only(stack: Stack) -> None:
    registry = environment(stack, "registry")
    assert registry["REGISTRY_LOG_ACCESSLOG_DISABLED"] == "true"
    assert registry["REGISTRY_LOG_LEVEL"] == "error"


def test_a_change_of_the_task_stops_all_tasks_only_where_there_is_one_host(stack: Stack) -> None:
    service = only(stack, "aws_ecs_service")
    assert service["deployment_minimum_healthy_percent"] == "${var.maximum_hosts > 1 ? 50 : 0}"
    assert service["deployment_maximum_percent"] == 100


def test_more_zones_than_the_region_has_are_refused(synthesize: Callable[..., Stack]) -> None:
    data = synthesize(zones=3)["data"]
    zones = data["aws_availability_zones"]["network_zones"]
    offered = data["aws_ec2_instance_type_offerings"]["network_offered"]
    assert zones["lifecycle"]["postcondition"]["condition"] == "${length(self.names) >= 3}"
    assert offered["lifecycle"]["postcondition"]["condition"] == "${length(self.locations) >= 3}"


def test_subnets_stay_in_the_zones_that_they_were_made_in(stack: Stack) -> None:
    for subnet in stack["resource"]["aws_subnet"].values():
        assert subnet["lifecycle"]["ignore_changes"] == ["availability_zone"]


def test_prerequisites_are_created_first(stack: Stack) -> None:
    resources = stack["resource"]
    service = only(stack, "aws_ecs_service")["depends_on"]
    assert "aws_lb_listener.load_balancer_listener" in service
    assert "aws_iam_role_policy.permissions_task_storage" in service
    assert "aws_secretsmanager_secret_version.secrets_http_value" in service
    # Terraform destroys in the opposite order: tasks end while there are hosts.
    assert "aws_autoscaling_group.hosts_group" in service
    assert "aws_ecs_cluster_capacity_providers.hosts_providers" in service
    policy = resources["aws_s3_bucket_policy"]["storage_images_policy"]
    assert policy["depends_on"] == ["aws_s3_bucket_public_access_block.storage_images_privacy"]
    lifecycle = resources["aws_s3_bucket_lifecycle_configuration"]
    assert lifecycle["storage_configuration_lifecycle"]["depends_on"] == [
        "aws_s3_bucket_versioning.storage_configuration_versions"
    ]


def test_everything_is_tagged_and_the_users_tags_do_not_hide_ours(stack: Stack) -> None:
    (provider,) = stack["provider"]["aws"]
    (default,) = provider["default_tags"]
    ours = 'merge(var.tags, {Project = "wharf", Environment = var.name'
    assert default["tags"] == f"${{{ours}}})}}"
    group = only(stack, "aws_autoscaling_group")["dynamic"]["tag"]
    (volume,) = only(stack, "aws_launch_template")["tag_specifications"]
    assert group["for_each"].startswith(f"${{{ours}, ")
    assert group["content"]["propagate_at_launch"] is True
    assert volume["resource_type"] == "volume"
    assert volume["tags"].startswith(f"${{{ours}, ")
