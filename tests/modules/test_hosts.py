"""The hosts: their type, number and replacement."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.containers import containers, environment, only

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]


def test_hosts_want_a_token_for_their_metadata(stack: Stack) -> None:
    options = only(stack, "aws_launch_template")["metadata_options"]
    assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 1)


def test_several_types_serve_and_the_first_is_tried_first(stack: Stack) -> None:
    policy = only(stack, "aws_autoscaling_group")["mixed_instances_policy"]
    override = policy["launch_template"]["dynamic"]["override"]
    assert override["for_each"] == "${concat([var.instance_type], var.other_instance_types)}"


def test_only_hosts_above_the_minimum_are_spot(stack: Stack) -> None:
    policy = only(stack, "aws_autoscaling_group")["mixed_instances_policy"]
    distribution = policy["instances_distribution"]
    assert distribution["on_demand_base_capacity"] == "${var.minimum_hosts}"
    assert distribution["on_demand_percentage_above_base_capacity"] == "${100 - var.spot_percent}"
    template = only(stack, "aws_launch_template")
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in template["user_data"]


def test_the_image_is_of_the_architecture(stack: Stack) -> None:
    image = stack["data"]["aws_ssm_parameter"]["hosts_image"]["name"]
    assert '${var.architecture == "arm64" ? "arm64/" : ""}recommended' in image


def test_a_new_host_starts_before_the_old_host_ends(stack: Stack) -> None:
    group = only(stack, "aws_autoscaling_group")
    for policy in (group["instance_refresh"]["preferences"], group["instance_maintenance_policy"]):
        assert policy["min_healthy_percentage"] == 100
        assert policy["max_healthy_percentage"] > 100


def test_hosts_get_no_older_than_they_may(stack: Stack) -> None:
    lifetime = only(stack, "aws_autoscaling_group")["max_instance_lifetime"]
    assert lifetime == "${var.maximum_host_days * 86400}"


def test_a_new_host_counts_once_it_reports_that_it_serves(stack: Stack) -> None:
    hook = only(stack, "aws_autoscaling_lifecycle_hook")
    assert hook["lifecycle_transition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert hook["default_result"] == "ABANDON", "a host that never serves would count"
    # Terraform would wait for the first hosts, which serve when the configuration is published.
    assert "initial_lifecycle_hook" not in only(stack, "aws_autoscaling_group")
    program = only(stack, "aws_launch_template")["user_data"]
    assert f"LifecycleHookName={hook['name']}&" in program
    policy = stack["resource"]["aws_iam_role_policy"]["permissions_host_serves"]["policy"]
    assert '"autoscaling:CompleteLifecycleAction"' in policy
    assert 'autoScalingGroup:*:autoScalingGroupName/${var.name}"' in policy


@pytest.mark.parametrize(
    ("balancer", "url"),
    [("network", "https://127.0.0.1:443/ssl"), ("classic", "http://127.0.0.1:80/ssl")],
)
def test_a_host_checks_itself_as_its_balancer_does(
    synthesize: Synthesize, balancer: str, url: str
) -> None:
    program = only(synthesize(load_balancer=balancer), "aws_launch_template")["user_data"]
    assert f"--output /dev/null {url}; do" in program


def test_a_host_warms_up_until_a_network_balancer_knows_it(stack: Stack) -> None:
    registered, checked_twice = 180, 2 * 5
    warm_up = only(stack, "aws_autoscaling_group")["default_instance_warmup"]
    assert warm_up > registered + checked_twice


@pytest.mark.parametrize("alarms", [True, False])
def test_the_registry_starts_before_the_metrics_agent(synthesize: Synthesize, alarms: bool) -> None:
    program = only(synthesize(alarms=alarms), "aws_launch_template")["user_data"]
    joining, _, beside = program.rpartition("\\n{\\n")
    assert beside.endswith(' &\\n")}'), "the ECS agent would wait for the end of the program"
    first, *rest = beside.strip().split("\\n")
    assert first.strip().startswith("complete_launch_hook "), "the host tells too late"
    assert ("report_metrics" in rest[0]) == alarms
    # Only the definition of what comes later.
    assert joining.count("dnf install") == joining.count("report_metrics() {") == int(alarms)


def test_alarms_of_hosts_stop_a_refresh(stack: Stack, synthesize: Synthesize) -> None:
    preferences = only(stack, "aws_autoscaling_group")["instance_refresh"]["preferences"]
    names = preferences["alarm_specification"]["alarms"]
    there_are = stack["resource"]["aws_cloudwatch_metric_alarm"]
    assert names == [
        there_are[f"alarms_{name}"]["alarm_name"]
        for name in ("unhealthy_hosts", "no_healthy_host", "server_errors")
    ]
    # The provider has changed the group before: AWS would roll back to what is being rolled out.
    assert "auto_rollback" not in preferences
    without = only(synthesize(alarms=False), "aws_autoscaling_group")
    assert "alarm_specification" not in without["instance_refresh"]["preferences"]


def test_ecs_drains_a_host_before_it_ends(stack: Stack) -> None:
    provider = only(stack, "aws_ecs_capacity_provider")["auto_scaling_group_provider"]
    assert provider["managed_draining"] == "ENABLED"
    assert provider["managed_scaling"]["status"] == "DISABLED"
    tags = only(stack, "aws_autoscaling_group")["dynamic"]["tag"]["for_each"]
    assert 'AmazonECSManaged = "true"' in tags


def test_a_draining_host_has_time_for_its_transfers(stack: Stack) -> None:
    # The registry drains within the stop timeout, and the balancer does not cut the drain short.
    stop = containers(stack)["registry"]["stopTimeout"]
    drain = int(environment(stack, "registry")["REGISTRY_HTTP_DRAINTIMEOUT"].rstrip("s"))
    delay = only(stack, "aws_lb_target_group")["deregistration_delay"]
    several, alone = re.findall(r"\d+", delay.removeprefix("${var.maximum_hosts > 1 "))
    assert drain < stop < int(several)
    assert int(alone) == 0, "a balancer without another host waits for nothing"


def test_a_stopping_proxy_waits_until_the_balancer_has_noticed(stack: Stack) -> None:
    # The proxy has as long for transfers as the registry; the balancer keeps them meanwhile.
    group = only(stack, "aws_lb_target_group")
    check, (state,) = group["health_check"], group["target_health_state"]
    notice = int(environment(stack, "nginx")["NGINX_NOTICE_SECONDS"])
    both = containers(stack)
    assert notice > check["interval"] * (check["unhealthy_threshold"] + 1)
    assert both["nginx"]["stopTimeout"] - notice == both["registry"]["stopTimeout"]
    assert state["enable_unhealthy_connection_termination"] is False
    assert state["unhealthy_draining_interval"] >= both["nginx"]["stopTimeout"]


def test_a_schedule_changes_the_minimum_and_takes_away_the_last_host(stack: Stack) -> None:
    schedule = only(stack, "aws_autoscaling_schedule")
    assert schedule["for_each"] == "${var.scheduled_hosts}"
    assert (schedule["min_size"], schedule["max_size"]) == ("${each.value}", -1)
    assert schedule["desired_capacity"] == "${each.value > 0 ? -1 : 0}"


def test_scaling_is_on_only_with_room_to_scale(stack: Stack) -> None:
    policies = stack["resource"]["aws_autoscaling_policy"].values()
    assert {policy["enabled"] for policy in policies} == {"${var.maximum_hosts > 1}"}
    metrics = {
        policy["target_tracking_configuration"]["predefined_metric_specification"][
            "predefined_metric_type"
        ]
        for policy in policies
    }
    assert metrics == {"ASGAverageCPUUtilization", "ASGAverageNetworkOut"}
