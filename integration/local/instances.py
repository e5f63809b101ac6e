"""The instances of autoscaling groups, as the AWS API lists them."""

import base64
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Instance:
    """A host of an autoscaling group, as its launch template describes it."""

    id: str
    group: str
    user_data: str
    security_groups: tuple[str, ...]


def read_instances(session: Any) -> list[Instance]:
    """The instances of all autoscaling groups that are in service, by identifier."""
    ec2 = session.client("ec2")
    found = []
    for group in session.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        for instance in group["Instances"]:
            if instance["LifecycleState"] != "InService":
                continue
            data = _template_data(ec2, instance.get("LaunchTemplate") or _template(group))
            found.append(
                Instance(
                    id=instance["InstanceId"],
                    group=group["AutoScalingGroupName"],
                    user_data=base64.b64decode(data.get("UserData", "")).decode(),
                    security_groups=tuple(data.get("SecurityGroupIds", ())),
                )
            )
    return sorted(found, key=lambda instance: instance.id)


def _template(group: dict[str, Any]) -> dict[str, Any]:
    """The launch template of a group, of one type of instance or of several."""
    if "LaunchTemplate" in group:
        return dict(group["LaunchTemplate"])
    return dict(group["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"])


def _template_data(ec2: Any, template: dict[str, Any]) -> dict[str, Any]:
    version = {"LaunchTemplateId": template["LaunchTemplateId"]}
    answer = ec2.describe_launch_template_versions(**version, Versions=[str(template["Version"])])
    return dict(answer["LaunchTemplateVersions"][0]["LaunchTemplateData"])
