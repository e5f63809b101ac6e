"""Questions of ``test_moto_corrections.py`` about groups, launch templates, scaling policies."""

from botocore.exceptions import ClientError

from integration.local.emulator.process import Emulator
from tests.support.aws_samples import (
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


def groups_return_what_they_were_given(aws: Emulator) -> bool:
    given = {
        "DefaultInstanceWarmup": 120,
        "InstanceMaintenancePolicy": {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110},
        "MaxInstanceLifetime": 86400,
    }
    name = group(aws, **given)
    response = client(aws, "autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    (found,) = response["AutoScalingGroups"]
    return {key: found.get(key) for key in given} == given


def groups_keep_to_their_minimum(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), group(aws, MinSize=1, MaxSize=2)
    try:
        scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    except ClientError as refused:
        return "below min value 1" in str(refused)
    return False


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
    response = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return bool(response["AutoScalingGroups"][0]["Instances"])


def instances_can_be_refreshed(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), group(aws, MinSize=1, MaxSize=1)

    def instances() -> list[str]:
        response = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return [
            instance["InstanceId"] for instance in response["AutoScalingGroups"][0]["Instances"]
        ]

    before = instances()
    started = scaling.start_instance_refresh(AutoScalingGroupName=name)["InstanceRefreshId"]
    (refresh,) = scaling.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"]
    if refresh["InstanceRefreshId"] != started:
        return False
    return len(instances()) == len(before) == 1 and instances() != before


def an_alarm_stops_a_refresh(aws: Emulator) -> bool:
    scaling, cloudwatch = client(aws, "autoscaling"), client(aws, "cloudwatch")
    name = group(aws, MinSize=1, MaxSize=1)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        Namespace="n",
        MetricName="m",
        Period=60,
        Statistic="Sum",
    )
    found = []
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
        before = only_instance(aws, name)
        scaling.start_instance_refresh(
            AutoScalingGroupName=name,
            Preferences={"AlarmSpecification": {"Alarms": [name]}},
        )
        found.append(only_instance(aws, name) == before)
    return found == [True, False]


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
    response = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    policy = response["AutoScalingGroups"][0].get("MixedInstancesPolicy", {})
    overrides = policy.get("LaunchTemplate", {}).get("Overrides")
    return bool(overrides == [{"InstanceType": "t3.large"}])


def scaling_policies_go_with_their_group(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), scaling_policy(aws)["AutoScalingGroupName"]
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    return bool(scaling.describe_policies(PolicyNames=[name])["ScalingPolicies"] == [])


def only_instance(aws: Emulator, name: str) -> tuple[str, str]:
    response = client(aws, "autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    (instance,) = response["AutoScalingGroups"][0]["Instances"]
    return instance["InstanceId"], instance["LifecycleState"]


QUESTIONS = [
    scaling_policies_go_with_their_group,
    instances_can_be_refreshed,
    an_alarm_stops_a_refresh,
    scaling_policies_can_be_off,
    scaling_policies_are_on_by_default,
    scaling_policies_predict_nothing_unasked,
    groups_return_what_they_were_given,
    groups_keep_their_instance_types,
    groups_keep_to_their_minimum,
    launch_templates_keep_their_own_tags_apart,
    launch_templates_return_their_new_tags,
    second_versions_can_be_launched,
]
