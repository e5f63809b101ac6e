"""Targets and instances that leave, as the AWS API lists them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

DELAY = "deregistration_delay.timeout_seconds"
UNHEALTHY = "target_health_state.unhealthy"
#: ECS's hook on the groups that it drains, and the state of an instance that waits for it.
HOOK = "ecs-managed-draining-termination-hook"
WAITING = "Terminating:Wait"


def drained_groups(ecs: Any) -> frozenset[str]:
    """Return the autoscaling groups whose instances ECS empties before they end."""
    arns = ecs.list_clusters()["clusterArns"]
    clusters = ecs.describe_clusters(clusters=arns)["clusters"] if arns else []
    used = sorted({name for cluster in clusters for name in cluster.get("capacityProviders", ())})
    if not used:
        return frozenset()
    described = ecs.describe_capacity_providers(capacityProviders=used)["capacityProviders"]
    return frozenset(
        provider["autoScalingGroupProvider"]["autoScalingGroupArn"].rpartition("/")[2]
        for provider in described
        if provider.get("autoScalingGroupProvider", {}).get("managedDraining") == "ENABLED"
    )


def complete_hooks(session: Any, groups: Collection[str], running: Collection[str]) -> None:
    """Let groups that ECS drains end their waiting instances, but for those that still run."""
    scaling = session.client("autoscaling")
    for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        name = group["AutoScalingGroupName"]
        waiting = {i["InstanceId"] for i in group["Instances"] if i["LifecycleState"] == WAITING}
        for instance in sorted(waiting - set(running) if name in groups else ()):
            scaling.complete_lifecycle_action(
                AutoScalingGroupName=name,
                LifecycleHookName=HOOK,
                InstanceId=instance,
                LifecycleActionResult="CONTINUE",
            )


def longest_drain(elbv2: Any, listeners: Sequence[dict[str, Any]]) -> int:
    """Return the seconds that leaving targets of a network load balancer get."""
    arns = [listener["DefaultActions"][0]["TargetGroupArn"] for listener in listeners]
    return max((int(target_group_attributes(elbv2, arn).get(DELAY, 0)) for arn in arns), default=0)


def target_group_attributes(elbv2: Any, arn: str) -> dict[str, str]:
    """Return the attributes of a target group by their keys."""
    described = elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    return {attribute["Key"]: attribute["Value"] for attribute in described}


def unhealthy_drain(attributes: Mapping[str, str]) -> int | None:
    """Return the seconds after which connections to an unhealthy target end; None: never.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    """
    if attributes.get(f"{UNHEALTHY}.connection_termination.enabled", "true") == "true":
        return 0
    return int(attributes.get(f"{UNHEALTHY}.draining_interval_seconds", 0)) or None


def classic_drain(attributes: dict[str, Any]) -> int:
    """Return the seconds that leaving instances of a classic load balancer get."""
    draining = attributes.get("ConnectionDraining", {})
    return int(draining.get("Timeout", 0)) if draining.get("Enabled") else 0
