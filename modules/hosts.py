"""The hosts: an ECS cluster on an autoscaling group."""

from collections.abc import Sequence

from modules.alarms import OF_HOSTS, alarm_name
from modules.bindings.aws import (
    AutoscalingGroup,
    AutoscalingLifecycleHook,
    Construct,
    DataAwsPartition,
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
from modules.user_data import LAUNCH_HOOK, user_data

#: Where AWS publishes the newest ECS-optimized image of each region.
ECS_IMAGE = (
    "/aws/service/ecs/optimized-ami/amazon-linux-2023/"
    '${var.architecture == "arm64" ? "arm64/" : ""}recommended/image_id'
)

#: Whatever replaces a host. More than 100 percent: the new host comes first, also where there is
#: only one. By itself AWS ends a host first that is too old, or that it finds broken.
NEW_FIRST = {"min_healthy_percentage": 100, "max_healthy_percentage": 110}

DAY = 86400
#: Seconds from a host's word that it serves until the balancer sends it clients, and until its
#: figures mean something. A network balancer takes up to 190 to register a target.
WARM_UP = 240
#: Seconds that a new host has to say so; then another is tried in its place.
LAUNCH_TIMEOUT = 900


class Hosts(Construct):
    """An ECS cluster and the autoscaling group of its hosts.

    A change of the image, or of anything else in the launch template, replaces the hosts one after
    the other: a new one comes before an old one goes, and counts only when it serves. A host that
    goes, for whatever reason, is first drained by ECS: it gets no new clients, and its transfers
    may end.

    Args:
        subnet_ids: where the hosts are.
        security_group_id: the security group of the hosts.
        instance_profile_arn: the instance profile with the rights of the ECS agent.
        check: the URL by which a host asks itself whether it serves, as the load balancer does.
        alarms: whether there are alarms. Some of them stop a replacement of hosts; that of the disk
            needs the use of the disks.

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
        check: str,
        alarms: bool,
    ) -> None:
        super().__init__(scope, id)
        cluster = EcsCluster(
            self,
            "cluster",
            name="${var.name}",
            setting=[{"name": "containerInsights", "value": "enabled"}],
        )
        partition = DataAwsPartition(self, "partition")
        program = user_data(
            f"{_address(cluster)}.name",
            check=check,
            dns_suffix=f"{_address(partition)}.dns_suffix",
            metrics=alarms,
        )
        template = self._template(
            program,
            security_group_id,
            instance_profile_arn,
        )
        self.group = self._group(template, subnet_ids)
        if alarms:
            # By their names: they need the name of the group.
            self.group.add_override(
                "instance_refresh.preferences.alarm_specification",
                {"alarms": [alarm_name(name) for name in OF_HOSTS]},
            )
        self._hold_back(self.group)
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
            # ECS's hook keeps a host until ECS has emptied it. When the stack is destroyed, the
            # capacity provider goes before the group, so nobody would complete the hook, and
            # Terraform would give up after 10 minutes.
            force_delete=True,
            enabled_metrics=["GroupInServiceInstances", "GroupDesiredCapacity"],
            max_instance_lifetime=number(f"var.maximum_host_days * {DAY}"),
            instance_maintenance_policy=NEW_FIRST,
            instance_refresh={"strategy": "Rolling", "preferences": NEW_FIRST},
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

    def _hold_back(self, group: AutoscalingGroup) -> None:
        """Count a new host only when it says that it serves; a host that never does is terminated.

        Not in the group itself: the first hosts can serve only when an operator has published the
        configuration files, and Terraform would wait for them.
        """
        AutoscalingLifecycleHook(
            self,
            LAUNCH_HOOK,
            name=LAUNCH_HOOK,
            autoscaling_group_name=group.name,
            lifecycle_transition="autoscaling:EC2_INSTANCE_LAUNCHING",
            heartbeat_timeout=LAUNCH_TIMEOUT,
            default_result="ABANDON",
        )

    def _drain(self, cluster: EcsCluster, group: AutoscalingGroup) -> None:
        """Let ECS drain a host before it ends; the group alone decides the number of hosts.

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


def _address(element: EcsCluster | DataAwsPartition) -> str:
    """Return the address of a resource or a data source in Terraform's expressions."""
    data = "data." if isinstance(element, DataAwsPartition) else ""
    return f"{data}{element.terraform_resource_type}.{element.friendly_unique_id}"
