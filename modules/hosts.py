"""The hosts: an ECS cluster on an autoscaling group."""

from collections.abc import Sequence

from modules.aws import (
    AutoscalingGroup,
    Construct,
    DataAwsSsmParameter,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    Fn,
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
)
from modules.expressions import CUSTOMER_KEY, if_given, number, tags
from modules.scaling import Scaling
from modules.user_data import user_data

#: Where AWS publishes the newest ECS-optimized image of each region.
ECS_IMAGE = (
    "/aws/service/ecs/optimized-ami/amazon-linux-2023/"
    '${var.architecture == "arm64" ? "arm64/" : ""}recommended/image_id'
)

#: Seconds until a new host carries load, and its figures mean something.
WARM_UP = 120


class Hosts(Construct):
    """An ECS cluster and the autoscaling group of its hosts.

    A change of the image, or of anything else in the launch template, replaces the hosts one after
    the other: a new one comes before an old one goes. A host that goes, for whatever reason, is
    first drained by ECS: it gets no new clients, and its transfers may end.

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
        template = self._template(
            user_data(f"{_address(cluster)}.name", metrics=metrics),
            security_group_id,
            instance_profile_arn,
        )
        self.group = self._group(template, subnet_ids)
        self._drain(cluster, self.group)
        Scaling(self, "scaling", group=self.group)
        self.cluster_id = cluster.id
        self.cluster_name = cluster.name
        self.group_name = self.group.name

    def _template(self, program: str, group_id: str, profile_arn: str) -> LaunchTemplate:
        image = DataAwsSsmParameter(self, "image", name=ECS_IMAGE)
        template = LaunchTemplate(
            self,
            "template",
            name="${var.name}",
            image_id=image.insecure_value,
            instance_type="${var.instance_type}",
            key_name=if_given("key_pair"),
            user_data=program,
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
        template.add_override(
            "tag_specifications", [{"resource_type": "volume", "tags": tags(Name="var.name")}]
        )
        return template

    def _group(self, template: LaunchTemplate, subnet_ids: Sequence[str]) -> AutoscalingGroup:
        group = AutoscalingGroup(
            self,
            "group",
            name="${var.name}",
            min_size=number("var.minimum_hosts"),
            max_size=number("var.maximum_hosts"),
            vpc_zone_identifier=list(subnet_ids),
            mixed_instances_policy={
                "instances_distribution": {
                    # AWS may take Spot hosts back: those that always run are none.
                    "on_demand_base_capacity": number("var.minimum_hosts"),
                    "on_demand_percentage_above_base_capacity": number("100 - var.spot_percent"),
                    "spot_allocation_strategy": "price-capacity-optimized",
                },
                "launch_template": {
                    "launch_template_specification": {
                        "launch_template_id": template.id,
                        "version": Fn.tostring(template.latest_version),
                    },
                },
            },
            # ECS replaces a task that fails the load balancer's check; a host is replaced when
            # EC2 finds it broken. A check of S3's making must never replace the fleet.
            health_check_type="EC2",
            default_instance_warmup=WARM_UP,
            enabled_metrics=["GroupInServiceInstances", "GroupDesiredCapacity"],
            # More than 100 percent: the new host comes first, also where there is only one.
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {"min_healthy_percentage": 100, "max_healthy_percentage": 110},
            },
        )
        # The provider's default tags reach neither the group nor what it launches. AmazonECSManaged
        # comes with the capacity provider: Terraform would take it away again.
        group.add_override(
            "dynamic.tag",
            {
                "for_each": tags(Name="var.name", AmazonECSManaged='"true"'),
                "content": {
                    "key": "${tag.key}",
                    "value": "${tag.value}",
                    "propagate_at_launch": True,
                },
            },
        )
        group.add_override(
            "mixed_instances_policy.launch_template.dynamic.override",
            {
                "for_each": "${concat([var.instance_type], var.other_instance_types)}",
                "content": {"instance_type": "${override.value}"},
            },
        )
        return group

    def _drain(self, cluster: EcsCluster, group: AutoscalingGroup) -> None:
        """Let ECS empty a host before it ends; how many there are is left to the group.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
        """
        provider = EcsCapacityProvider(
            self,
            "provider",
            # A name may not begin with ecs, which an environment's may.
            name="hosts-${var.name}",
            auto_scaling_group_provider={
                "auto_scaling_group_arn": group.arn,
                "managed_draining": "ENABLED",
                "managed_scaling": {"status": "DISABLED"},
                "managed_termination_protection": "DISABLED",
            },
        )
        EcsClusterCapacityProviders(
            self,
            "providers",
            cluster_name=cluster.name,
            capacity_providers=[provider.name],
        )


def _address(resource: EcsCluster) -> str:
    """The name of a resource as Terraform's expressions have it."""
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}"
