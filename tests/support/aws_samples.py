"""Small AWS resources to ask questions about, each with a new name."""

import base64
import itertools
import json
from typing import Any

from botocore.config import Config

from integration.local.emulator.process import Emulator

_numbers = itertools.count()


def new_name() -> str:
    """Return a name that nothing else in this test run has."""
    return f"test-{next(_numbers)}"


def client(aws: Emulator, service: str, **more: Any) -> Any:
    """Make a client that does not retry: some wrong answers are a status 500."""
    more.setdefault("config", Config(retries={"total_max_attempts": 1}))
    return aws.session().client(service, **more)


def policy(*statements: dict[str, Any]) -> str:
    """Write a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role(aws: Emulator, *principals: dict[str, str], allow: dict[str, Any] | None = None) -> str:
    """Make a role that trusts each of the principals, and return its ARN."""
    iam, name = client(aws, "iam"), new_name()
    trust = [{"Effect": "Allow", "Principal": p, "Action": "sts:AssumeRole"} for p in principals]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(*trust))["Role"]["Arn"]
    if allow:
        document = policy({"Effect": "Allow", **allow})
        iam.put_role_policy(RoleName=name, PolicyName="allow", PolicyDocument=document)
    return str(arn)


def bucket(aws: Emulator) -> str:
    """Make a bucket with the object ``a/b``, and return its name."""
    name = new_name()
    client(aws, "s3").create_bucket(Bucket=name)
    client(aws, "s3").put_object(Bucket=name, Key="a/b", Body=b"layer")
    return name


def service(aws: Emulator, **settings: Any) -> Any:
    """Make an ECS service in a cluster of its own, and describe it."""
    ecs, name = client(aws, "ecs"), new_name()
    container = {"name": "c", "image": "i", "memory": 4}
    ecs.register_task_definition(family=name, containerDefinitions=[container])
    ecs.create_cluster(clusterName=name)
    ecs.create_service(cluster=name, serviceName=name, taskDefinition=name, **settings)
    return ecs.describe_services(cluster=name, services=[name])["services"][0]


def scaling_policy(aws: Emulator, **settings: Any) -> Any:
    """Make a target tracking policy of a new group, and describe it."""
    name, scaling = group(aws), client(aws, "autoscaling")
    scaling.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 60,
        },
        **settings,
    )
    return scaling.describe_policies(PolicyNames=[name])["ScalingPolicies"][0]


def group(aws: Emulator, **settings: Any) -> str:
    """Make an autoscaling group with a template of the same name, and return the name."""
    name = new_name()
    launch_template(aws, name)
    client(aws, "autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "1"},
        AvailabilityZones=["us-east-1a"],
        **{"MinSize": 0, "MaxSize": 0, **settings},
    )
    return name


def launch_template(aws: Emulator, name: str, **settings: Any) -> None:
    """Make a launch template."""
    client(aws, "ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData=template_data(aws), **settings
    )


def template_data(aws: Emulator) -> dict[str, str]:
    """Return what a host of ECS is launched from."""
    image = client(aws, "ssm").get_parameter(
        Name="/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    )["Parameter"]["Value"]
    data = base64.b64encode(b"#!/bin/sh").decode()
    return {"ImageId": image, "InstanceType": "t3.small", "UserData": data}
