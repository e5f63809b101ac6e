"""The instances of autoscaling groups, as the AWS API lists them."""

import base64
from dataclasses import dataclass
from typing import Any

#: Hops from a container in bridge mode to the metadata of its host: the bridge, then the host.
CONTAINER_HOPS = 2
#: The state of an instance that has not completed its launch hook.
PENDING = "Pending:Wait"
#: Larger than any hop count.
ALL_HOPS = 64


@dataclass(frozen=True)
class Instance:
    """A host of an autoscaling group, as its launch template describes it."""

    id: str
    group: str
    user_data: str
    security_groups: tuple[str, ...]
    #: Hops that the metadata of the host travels; 0 where it has none.
    metadata_hops: int = 0
    #: The ARN of the instance profile, whose role the host has.
    profile: str = ""
    #: Whether the group waits for the host to complete a launch hook.
    waits: bool = False


def read_instances(session: Any) -> list[Instance]:
    """Return the instances of all groups that are in service or about to be, by identifier."""
    ec2 = session.client("ec2")
    found = []
    for group in session.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        for instance in group["Instances"]:
            if instance["LifecycleState"] not in ("InService", PENDING):
                continue
            data = _template_data(ec2, instance.get("LaunchTemplate") or _template(group))
            found.append(
                Instance(
                    id=instance["InstanceId"],
                    group=group["AutoScalingGroupName"],
                    user_data=base64.b64decode(data.get("UserData", "")).decode(),
                    security_groups=tuple(data.get("SecurityGroupIds", ())),
                    metadata_hops=metadata_hops(data.get("MetadataOptions", {})),
                    profile=data.get("IamInstanceProfile", {}).get("Arn", ""),
                    waits=instance["LifecycleState"] == PENDING,
                )
            )
    return sorted(found, key=lambda instance: instance.id)


def hooked_groups(scaling: Any) -> frozenset[str]:
    """Return the autoscaling groups that hold a new instance back until a hook is completed."""
    names = [
        group["AutoScalingGroupName"]
        for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    ]
    return frozenset(
        name
        for name in names
        for hook in scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        if hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    )


def _template(group: dict[str, Any]) -> dict[str, Any]:
    """Return the launch template of a group, of one type of instance or of several."""
    if "LaunchTemplate" in group:
        return dict(group["LaunchTemplate"])
    return dict(group["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"])


def _template_data(ec2: Any, template: dict[str, Any]) -> dict[str, Any]:
    version = {"LaunchTemplateId": template["LaunchTemplateId"]}
    response = ec2.describe_launch_template_versions(**version, Versions=[str(template["Version"])])
    return dict(response["LaunchTemplateVersions"][0]["LaunchTemplateData"])


def metadata_hops(options: dict[str, Any]) -> int:
    """Return the hops that metadata travels, by the options of a launch template.

    The limit is for the session token only: without the need of one it keeps nobody away. Options
    that are not given are those of the ECS image.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
    """
    if options.get("HttpEndpoint") == "disabled":
        return 0
    if options.get("HttpTokens", "required") != "required":
        return ALL_HOPS
    return int(options.get("HttpPutResponseHopLimit", CONTAINER_HOPS))
