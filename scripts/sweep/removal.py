"""How each kind of thing is removed from an account, in the order in which that works."""

from collections.abc import Callable
from typing import Any

Remove = Callable[[Any, str], object]


def remove_bucket(session: Any, arn: str) -> None:
    """Delete a bucket with all its objects, their versions, and uploads that go on."""
    bucket = session.resource("s3").Bucket(arn.rpartition(":")[2])
    for upload in bucket.multipart_uploads.all():
        upload.abort()
    bucket.object_versions.delete()
    bucket.delete()


def remove_role(session: Any, name: str) -> None:
    """Delete a role with what is attached to it."""
    role = session.resource("iam").Role(name)
    for policy in role.attached_policies.all():
        role.detach_policy(PolicyArn=policy.arn)
    for inline in role.policies.all():
        inline.delete()
    role.delete()


def remove_instance_profile(session: Any, name: str) -> None:
    """Delete an instance profile, which a role may still be in."""
    profile = session.resource("iam").InstanceProfile(name)
    for role in profile.roles:
        profile.remove_role(RoleName=role.name)
    profile.delete()


def remove_route_table(session: Any, id: str) -> None:
    """Delete a route table and its associations with subnets."""
    table = session.resource("ec2").RouteTable(id)
    for association in table.associations:
        if not association.main:
            association.delete()
    table.delete()


def remove_internet_gateway(session: Any, id: str) -> None:
    """Detach a gateway from its network, and delete it."""
    gateway = session.resource("ec2").InternetGateway(id)
    for attachment in gateway.attachments:
        gateway.detach_from_vpc(VpcId=attachment["VpcId"])
    gateway.delete()


def remove_security_group(session: Any, id: str) -> None:
    """Delete a security group, and its rules first: two groups may name each other."""
    ec2 = session.client("ec2")
    # By their ids: AWS does not always describe a rule in the words by which it is revoked.
    pages = ec2.get_paginator("describe_security_group_rules")
    rules = pages.paginate(Filters=[{"Name": "group-id", "Values": [id]}]).build_full_result()
    for egress, revoke in (
        (False, ec2.revoke_security_group_ingress),
        (True, ec2.revoke_security_group_egress),
    ):
        ids = [
            one["SecurityGroupRuleId"]
            for one in rules["SecurityGroupRules"]
            if one["IsEgress"] is egress
        ]
        if ids:
            revoke(GroupId=id, SecurityGroupRuleIds=ids)
    (group,) = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"]
    if group["GroupName"] != "default":  # which goes with its network
        ec2.delete_security_group(GroupId=id)


def remove_service(session: Any, arn: str) -> None:
    """End an ECS service."""
    cluster = arn.split("/")[-2]
    session.client("ecs").delete_service(cluster=cluster, service=arn, force=True)


def remove_record(session: Any, id: str) -> None:
    """Delete a record: zone, name and type."""
    zone, _, name_and_type = id.partition("/")
    name, _, type_ = name_and_type.rpartition("/")
    route53 = session.client("route53")
    # What is to be deleted has to be told in full.
    found = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="1"
    )["ResourceRecordSets"]
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": one}
        for one in found
        if (one["Name"], one["Type"]) == (name, type_)
    ]
    if changes:
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def remove_cluster(session: Any, arn: str) -> None:
    """Delete a cluster; its hosts are known to it until they are gone."""
    ecs = session.client("ecs")
    for instance in ecs.list_container_instances(cluster=arn)["containerInstanceArns"]:
        ecs.deregister_container_instance(cluster=arn, containerInstance=instance, force=True)
    ecs.delete_cluster(cluster=arn)


def _call(service: str, method: str, argument: str, *, many: bool = False, **more: Any) -> Remove:
    def remove(session: Any, id: str) -> None:
        getattr(session.client(service), method)(**{argument: [id] if many else id}, **more)

    return remove


def _named(service: str, method: str, argument: str, mark: str, *, many: bool = False) -> Remove:
    """By the part of the ARN that comes after a mark."""

    def remove(session: Any, arn: str) -> None:
        name = arn.rpartition(mark)[2].removesuffix(":*")
        getattr(session.client(service), method)(**{argument: [name] if many else name})

    return remove


def none(_: Any, __: str) -> None:
    """Goes with something else: an instance's disk and address, a balancer's listener."""


#: From what uses to what is used.
REMOVE: dict[str, Remove] = {
    # Before its balancer, and a dashboard before its cluster, by which they are found.
    "record": remove_record,
    "dashboard": _call("cloudwatch", "delete_dashboards", "DashboardNames", many=True),
    "ECS service": remove_service,
    "autoscaling group": _call(
        "autoscaling", "delete_auto_scaling_group", "AutoScalingGroupName", ForceDelete=True
    ),
    "instance": _call("ec2", "terminate_instances", "InstanceIds", many=True),
    "listener": none,
    "load balancer": _call("elbv2", "delete_load_balancer", "LoadBalancerArn"),
    "classic load balancer": _named("elb", "delete_load_balancer", "LoadBalancerName", "/"),
    "target group": _call("elbv2", "delete_target_group", "TargetGroupArn"),
    "ECS cluster": remove_cluster,
    "capacity provider": _call("ecs", "delete_capacity_provider", "capacityProvider"),
    "task definition": _call("ecs", "deregister_task_definition", "taskDefinition"),
    "launch-template": _call("ec2", "delete_launch_template", "LaunchTemplateId"),
    "alarm": _named("cloudwatch", "delete_alarms", "AlarmNames", ":alarm:", many=True),
    "topic": _call("sns", "delete_topic", "TopicArn"),
    "log group": _named("logs", "delete_log_group", "logGroupName", ":log-group:"),
    "secret": _call("secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True),
    "bucket": remove_bucket,
    "instance profile": remove_instance_profile,
    "role": remove_role,
    "vpc-endpoint": _call("ec2", "delete_vpc_endpoints", "VpcEndpointIds", many=True),
    "natgateway": _call("ec2", "delete_nat_gateway", "NatGatewayId"),
    "elastic-ip": _call("ec2", "release_address", "AllocationId"),
    "network-interface": none,
    "volume": none,
    "security-group-rule": none,
    "security-group": remove_security_group,
    "internet-gateway": remove_internet_gateway,
    "subnet": _call("ec2", "delete_subnet", "SubnetId"),
    "route-table": remove_route_table,
    "vpc": _call("ec2", "delete_vpc", "VpcId"),
}
