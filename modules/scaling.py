"""The number of hosts: by their load, and at known times."""

from modules.bindings.aws import AutoscalingGroup, AutoscalingPolicy, AutoscalingSchedule, Construct
from modules.expressions import number, truth

# A megabyte as CloudWatch counts it.
MEGABYTE = 1_000_000
#: The value with which AWS leaves a size as it is.
UNCHANGED = -1


class Scaling(Construct):
    """Target tracking of CPU and network, and a schedule.

    Args:
        group: the autoscaling group of the hosts.
    """

    def __init__(self, scope: Construct, id: str, *, group: AutoscalingGroup) -> None:
        super().__init__(scope, id)
        network = number(f"var.scale_network_megabytes * {MEGABYTE}")
        targets = {
            "cpu": ("ASGAverageCPUUtilization", number("var.scale_cpu_percent")),
            "network": ("ASGAverageNetworkOut", network),
        }
        for name, (metric, target) in targets.items():
            AutoscalingPolicy(
                self,
                name,
                name=f"${{var.name}}-{name}",
                autoscaling_group_name=group.name,
                policy_type="TargetTrackingScaling",
                # With room for one host there is nothing to scale.
                enabled=truth("var.maximum_hosts > 1"),
                target_tracking_configuration={
                    "predefined_metric_specification": {"predefined_metric_type": metric},
                    "target_value": target,
                },
            )
        schedule = AutoscalingSchedule(
            self,
            "schedule",
            scheduled_action_name="${var.name}-${substr(sha256(each.key), 0, 8)}",
            autoscaling_group_name=group.name,
            recurrence="${each.key}",
            # A desired capacity would not last: target tracking, which has had too many hosts since
            # before, removes them again within minutes. The group grows to its minimum.
            min_size=number("each.value"),
            # Only the schedule removes the last host.
            desired_capacity=number(f"each.value > 0 ? {UNCHANGED} : 0"),
            max_size=UNCHANGED,
        )
        schedule.add_override("for_each", "${var.scheduled_hosts}")
