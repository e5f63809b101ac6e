"""The hosts: what they are, how many, and how they are replaced."""

from typing import Any

Stack = dict[str, Any]


def only(stack: Stack, kind: str) -> Any:
    (resource,) = stack["resource"][kind].values()
    return resource


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


def test_a_changed_host_comes_before_the_old_one_goes(stack: Stack) -> None:
    refresh = only(stack, "aws_autoscaling_group")["instance_refresh"]
    preferences = refresh["preferences"]
    assert preferences["min_healthy_percentage"] == 100
    assert preferences["max_healthy_percentage"] > 100


def test_ecs_drains_a_host_before_it_ends(stack: Stack) -> None:
    provider = only(stack, "aws_ecs_capacity_provider")["auto_scaling_group_provider"]
    assert provider["managed_draining"] == "ENABLED"
    assert provider["managed_scaling"]["status"] == "DISABLED"
    tags = only(stack, "aws_autoscaling_group")["dynamic"]["tag"]["for_each"]
    assert 'AmazonECSManaged = "true"' in tags


def test_a_draining_host_has_time_for_its_transfers(stack: Stack) -> None:
    """The registry drains within the stop timeout, and the balancer does not cut it short."""
    text = only(stack, "aws_ecs_task_definition")["container_definitions"]
    stop = int(text.split('"stopTimeout": ')[1].split(",")[0])
    drain = int(text.split('"REGISTRY_HTTP_DRAINTIMEOUT", "value": "')[1].split("s")[0])
    delay = int(only(stack, "aws_lb_target_group")["deregistration_delay"])
    assert drain < stop < delay


def test_a_schedule_changes_neither_limit(stack: Stack) -> None:
    schedule = only(stack, "aws_autoscaling_schedule")
    assert schedule["for_each"] == "${var.scheduled_hosts}"
    assert (schedule["min_size"], schedule["max_size"]) == (-1, -1)
    assert schedule["desired_capacity"] == "${each.value}"


def test_scaling_is_on_only_with_room_to_scale(stack: Stack) -> None:
    policies = stack["resource"]["aws_autoscaling_policy"].values()
    assert {one["enabled"] for one in policies} == {"${var.maximum_hosts > 1}"}
    metrics = {
        one["target_tracking_configuration"]["predefined_metric_specification"][
            "predefined_metric_type"
        ]
        for one in policies
    }
    assert metrics == {"ASGAverageCPUUtilization", "ASGAverageNetworkOut"}
