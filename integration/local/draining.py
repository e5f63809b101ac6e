"""What the AWS API says of targets and instances that leave."""

from collections.abc import Sequence
from typing import Any

DELAY = "deregistration_delay.timeout_seconds"


def drained_groups(ecs: Any) -> frozenset[str]:
    """The autoscaling groups whose instances ECS empties before they end."""
    arns = ecs.list_clusters()["clusterArns"]
    clusters = ecs.describe_clusters(clusters=arns)["clusters"] if arns else []
    used = sorted({name for one in clusters for name in one.get("capacityProviders", ())})
    if not used:
        return frozenset()
    described = ecs.describe_capacity_providers(capacityProviders=used)["capacityProviders"]
    return frozenset(
        provider["autoScalingGroupProvider"]["autoScalingGroupArn"].rpartition("/")[2]
        for provider in described
        if provider.get("autoScalingGroupProvider", {}).get("managedDraining") == "ENABLED"
    )


def longest_drain(elbv2: Any, listeners: Sequence[dict[str, Any]]) -> int:
    """Seconds that the target groups of a network load balancer give those that leave."""
    seconds = [0]
    for listener in listeners:
        arn = listener["DefaultActions"][0]["TargetGroupArn"]
        attributes = elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        seconds += [int(one["Value"]) for one in attributes if one["Key"] == DELAY]
    return max(seconds)


def classic_drain(attributes: dict[str, Any]) -> int:
    """Seconds that a classic load balancer gives the instances that leave."""
    draining = attributes.get("ConnectionDraining", {})
    return int(draining.get("Timeout", 0)) if draining.get("Enabled") else 0
