"""What ``test_moto_corrections.py`` asks of hosts: groups, launch templates, scaling policies."""

from integration.local.emulator import Emulator
from tests.aws_samples import (
    client,
    group,
    launch_template,
    new_name,
    scaling_policy,
    template_data,
)


def scaling_policies_can_be_off(aws: Emulator) -> bool:
    return scaling_policy(aws, Enabled=False).get("Enabled") is False


def scaling_policies_are_on_by_default(aws: Emulator) -> bool:
    return scaling_policy(aws).get("Enabled") is True


def scaling_policies_predict_nothing_unasked(aws: Emulator) -> bool:
    return "PredictiveScalingConfiguration" not in scaling_policy(aws)


def groups_keep_their_warmup(aws: Emulator) -> bool:
    name = group(aws, DefaultInstanceWarmup=120)
    answer = client(aws, "autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return bool(answer["AutoScalingGroups"][0].get("DefaultInstanceWarmup") == 120)


def launch_templates_keep_their_own_tags_apart(aws: Emulator) -> bool:
    name, tags = new_name(), [{"Key": "of", "Value": "the template"}]
    launch_template(
        aws, name, TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}]
    )
    ec2 = client(aws, "ec2")
    template = ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"][0]
    versions = ec2.describe_launch_template_versions(LaunchTemplateName=name)
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return template["Tags"] == tags and "TagSpecifications" not in data


def launch_templates_return_their_new_tags(aws: Emulator) -> bool:
    ec2, name, tags = client(aws, "ec2"), new_name(), [{"Key": "new", "Value": "tag"}]
    launch_template(aws, name)
    made = ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"][0]
    ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=tags)
    again = ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"][0]
    return bool(again.get("Tags") == tags)


def second_versions_can_be_launched(aws: Emulator) -> bool:
    ec2, name = client(aws, "ec2"), new_name()
    launch_template(aws, name)
    ec2.create_launch_template_version(
        LaunchTemplateName=name, LaunchTemplateData=template_data(aws)
    )
    scaling = client(aws, "autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "2"},
        AvailabilityZones=["us-east-1a"],
        MinSize=1,
        MaxSize=1,
    )
    answer = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return bool(answer["AutoScalingGroups"][0]["Instances"])


def instances_can_be_refreshed(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), group(aws, MinSize=1, MaxSize=1)

    def instances() -> list[str]:
        answer = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return [one["InstanceId"] for one in answer["AutoScalingGroups"][0]["Instances"]]

    before = instances()
    scaling.start_instance_refresh(AutoScalingGroupName=name)
    return len(instances()) == len(before) == 1 and instances() != before


def groups_keep_their_instance_types(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), new_name()
    launch_template(aws, name)
    template = {"LaunchTemplateSpecification": {"LaunchTemplateName": name, "Version": "1"}}
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=0,
        AvailabilityZones=["us-east-1a"],
        MixedInstancesPolicy={
            "LaunchTemplate": {**template, "Overrides": [{"InstanceType": "t3.large"}]}
        },
    )
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=1)
    answer = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    policy = answer["AutoScalingGroups"][0].get("MixedInstancesPolicy", {})
    overrides = policy.get("LaunchTemplate", {}).get("Overrides")
    return bool(overrides == [{"InstanceType": "t3.large"}])


def scaling_policies_go_with_their_group(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), scaling_policy(aws)["AutoScalingGroupName"]
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    return bool(scaling.describe_policies(PolicyNames=[name])["ScalingPolicies"] == [])


QUESTIONS = [
    scaling_policies_go_with_their_group,
    instances_can_be_refreshed,
    scaling_policies_can_be_off,
    scaling_policies_are_on_by_default,
    scaling_policies_predict_nothing_unasked,
    groups_keep_their_warmup,
    groups_keep_their_instance_types,
    launch_templates_keep_their_own_tags_apart,
    launch_templates_return_their_new_tags,
    second_versions_can_be_launched,
]
