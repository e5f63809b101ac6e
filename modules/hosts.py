"""The hosts: an ECS cluster on an autoscaling group."""

import json
from collections.abc import Sequence

from modules.alarms import DISK_DIMENSIONS, NAMESPACE
from modules.aws import (
    AutoscalingGroup,
    AutoscalingGroupTag,
    AutoscalingPolicy,
    Construct,
    DataAwsSsmParameter,
    EcsCluster,
    Fn,
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
)
from modules.expressions import CUSTOMER_KEY, if_given, number, truth

#: Where AWS publishes the newest ECS-optimized image of each region.
ECS_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"

USER_DATA = """\
#!/bin/bash
set -eu
mkdir -p /etc/ecs
echo ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config
"""

#: What a host reports by CloudWatch's agent, which the image does not have. A host that cannot
#: get it serves all the same.
METRICS = """\
cat > /etc/wharf-metrics.json <<'END'
{configuration}
END
if dnf install --assumeyes amazon-cloudwatch-agent; then
    cd /opt/aws/amazon-cloudwatch-agent/bin
    ./amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/wharf-metrics.json
else
    echo "No CloudWatch agent: nothing tells how full the disk is" >&2
fi
"""
METRICS_CONFIGURATION = {
    "agent": {"metrics_collection_interval": 60},
    "metrics": {
        "namespace": NAMESPACE,
        "aggregation_dimensions": [list(DISK_DIMENSIONS)],
        "metrics_collected": {
            "disk": {
                "measurement": ["used_percent"],
                "resources": ["/"],
                "append_dimensions": DISK_DIMENSIONS,
            }
        },
    },
}

#: Seconds until a new host carries load, and its figures mean something.
WARM_UP = 120

# A megabyte as CloudWatch counts it.
MEGABYTE = 1_000_000


class Hosts(Construct):
    """An ECS cluster and the autoscaling group of its hosts.

    Args:
        subnet_ids: where the hosts are.
        security_group_id: who may reach them.
        instance_profile_arn: what their ECS agent may do.
        metrics: whether they report how full their disks are.

    Exposes ``cluster_id``, ``cluster_name``, ``group`` and ``group_name``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        subnet_ids: Sequence[str],
        security_group_id: str,
        instance_profile_arn: str,
        metrics: bool,
    ) -> None:
        super().__init__(scope, id)
        cluster = EcsCluster(
            self,
            "cluster",
            name="${var.name}",
            setting=[{"name": "containerInsights", "value": "enabled"}],
        )
        user_data = USER_DATA.format(
            cluster=f"${{{cluster.terraform_resource_type}.{cluster.friendly_unique_id}.name}}"
        )
        if metrics:
            user_data += METRICS.format(configuration=json.dumps(METRICS_CONFIGURATION, indent=1))
        template = self._template(user_data, security_group_id, instance_profile_arn)
        group = AutoscalingGroup(
            self,
            "group",
            name="${var.name}",
            min_size=number("var.minimum_hosts"),
            max_size=number("var.maximum_hosts"),
            vpc_zone_identifier=list(subnet_ids),
            launch_template={"id": template.id, "version": Fn.tostring(template.latest_version)},
            # ECS replaces a task that fails the load balancer's check; a host is replaced when
            # EC2 finds it broken. A check of S3's making must never replace the fleet.
            health_check_type="EC2",
            default_instance_warmup=WARM_UP,
            enabled_metrics=["GroupInServiceInstances", "GroupDesiredCapacity"],
            tag=[AutoscalingGroupTag(key="Name", value="${var.name}", propagate_at_launch=True)],
        )
        self._scale(group)
        self.group = group
        self.cluster_id = cluster.id
        self.cluster_name = cluster.name
        self.group_name = group.name

    def _template(self, user_data: str, group_id: str, profile_arn: str) -> LaunchTemplate:
        image = DataAwsSsmParameter(self, "image", name=ECS_IMAGE)
        return LaunchTemplate(
            self,
            "template",
            name="${var.name}",
            image_id=image.insecure_value,
            instance_type="${var.instance_type}",
            key_name=if_given("key_pair"),
            # CDKTF's own function takes neither quotes nor references to variables.
            user_data=f"${{base64encode({json.dumps(user_data)})}}",
            vpc_security_group_ids=[group_id],
            iam_instance_profile={"arn": profile_arn},
            # Only with a session token, and containers in bridge mode are a hop too far away.
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            # Figures each minute instead of every five: a deployment's storm is over by then.
            monitoring={"enabled": True},
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name="/dev/xvda",
                    ebs={
                        "volume_size": number("var.volume_size"),
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "kms_key_id": CUSTOMER_KEY,
                        "delete_on_termination": "true",
                    },
                )
            ],
            update_default_version=True,
        )

    def _scale(self, group: AutoscalingGroup) -> None:
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
