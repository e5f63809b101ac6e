"""Removal of each kind of resource from an account, in an order that AWS accepts."""

from collections.abc import Callable
from typing import Any

Remove = Callable[[Any, str], object]


class NotRemovedError(Exception):
    """A resource still exists, for the reason in a response of AWS that is no error."""


def remove_bucket(session: Any, arn: str) -> None:
    """Delete a bucket with all objects, their versions, and unfinished uploads."""
    bucket = session.resource("s3").Bucket(arn.rpartition(":")[2])
    for upload in bucket.multipart_uploads.all():
        upload.abort()
    bucket.object_versions.delete()
    bucket.delete()


def remove_role(session: Any, name: str) -> None:
    """Delete a role, its inline policies, and the attachments of managed policies."""
    role = session.resource("iam").Role(name)
    for policy in role.attached_policies.all():
        role.detach_policy(PolicyArn=policy.arn)
    for inline in role.policies.all():
        inline.delete()
    role.delete()


def remove_instance_profile(session: Any, name: str) -> None:
    """Remove the role from an instance profile, and delete the profile."""
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
    """Detach a gateway from its network, and delete the gateway."""
    gateway = session.resource("ec2").InternetGateway(id)
    for attachment in gateway.attachments:
        gateway.detach_from_vpc(VpcId=attachment["VpcId"])
    gateway.delete()


def remove_security_group(session: Any, id: str) -> None:
    """Delete the rules of a security group, and the group: two groups may refer to each other."""
    ec2 = session.client("ec2")
    # AWS does not always describe a rule in the words that revoke it, so the ID is used.
    pages = ec2.get_paginator("describe_security_group_rules")
    rules = pages.paginate(Filters=[{"Name": "group-id", "Values": [id]}]).build_full_result()
    for egress, revoke in (
        (False, ec2.revoke_security_group_ingress),
        (True, ec2.revoke_security_group_egress),
    ):
        ids = [
            rule["SecurityGroupRuleId"]
            for rule in rules["SecurityGroupRules"]
            if rule["IsEgress"] is egress
        ]
        if ids:
            revoke(GroupId=id, SecurityGroupRuleIds=ids)
    (group,) = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"]
    if group["GroupName"] != "default":  # deleted with its network
        ec2.delete_security_group(GroupId=id)


def remove_service(session: Any, arn: str) -> None:
    """Delete an ECS service and its tasks."""
    cluster = arn.split("/")[-2]
    session.client("ecs").delete_service(cluster=cluster, service=arn, force=True)


def remove_task_definition(session: Any, arn: str) -> None:
    """Deregister a task definition if it is ACTIVE, then delete it.

    A deregistered task definition stays INACTIVE and tagged. After the deletion its status is
    DELETE_IN_PROGRESS until no task uses it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-definition-state.html

    Raises:
        NotRemovedError: ECS refused the deletion.
    """
    ecs = session.client("ecs")
    try:
        status = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["status"]
    except ecs.exceptions.ClientException:  # the task definition does not exist
        return
    if status == "ACTIVE":
        ecs.deregister_task_definition(taskDefinition=arn)
    if status != "DELETE_IN_PROGRESS":
        failures = ecs.delete_task_definitions(taskDefinitions=[arn])["failures"]
        if failures:
            raise NotRemovedError(failures[0]["reason"])


def remove_record(session: Any, id: str) -> None:
    """Delete a record; the ID is ``ZONE/NAME/TYPE``."""
    zone, _, name_and_type = id.partition("/")
    name, _, type_ = name_and_type.rpartition("/")
    route53 = session.client("route53")
    # Route 53 deletes a record only by its complete content.
    found = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="1"
    )["ResourceRecordSets"]
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": record}
        for record in found
        if (record["Name"], record["Type"]) == (name, type_)
    ]
    if changes:
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def remove_cluster(session: Any, arn: str) -> None:
    """Deregister the hosts of a cluster, and delete the cluster."""
    ecs = session.client("ecs")
    for instance in ecs.list_container_instances(cluster=arn)["containerInstanceArns"]:
        ecs.deregister_container_instance(cluster=arn, containerInstance=instance, force=True)
    ecs.delete_cluster(cluster=arn)


def _call(service: str, method: str, argument: str, *, many: bool = False, **more: Any) -> Remove:
    def remove(session: Any, id: str) -> None:
        getattr(session.client(service), method)(**{argument: [id] if many else id}, **more)

    return remove


def _named(service: str, method: str, argument: str, mark: str, *, many: bool = False) -> Remove:
    """Return a removal by the part of an ARN after ``mark``."""

    def remove(session: Any, arn: str) -> None:
        name = arn.rpartition(mark)[2].removesuffix(":*")
        getattr(session.client(service), method)(**{argument: [name] if many else name})

    return remove


#: Kinds that AWS deletes with another resource: an instance, a load balancer or a security group.
REMOVED_WITH_ANOTHER = ("listener", "network-interface", "volume", "security-group-rule")
#: Removal by kind, each kind before the kinds that it uses.
REMOVE: dict[str, Remove] = {
    # Records are found by their load balancer, dashboards by their cluster.
    "record": remove_record,
    "dashboard": _call("cloudwatch", "delete_dashboards", "DashboardNames", many=True),
    "ECS service": remove_service,
    "autoscaling group": _call(
        "autoscaling", "delete_auto_scaling_group", "AutoScalingGroupName", ForceDelete=True
    ),
    "instance": _call("ec2", "terminate_instances", "InstanceIds", many=True),
    "load balancer": _call("elbv2", "delete_load_balancer", "LoadBalancerArn"),
    "classic load balancer": _named("elb", "delete_load_balancer", "LoadBalancerName", "/"),
    "target group": _call("elbv2", "delete_target_group", "TargetGroupArn"),
    "ECS cluster": remove_cluster,
    "capacity provider": _call("ecs", "delete_capacity_provider", "capacityProvider"),
    "task definition": remove_task_definition,
    "launch-template": _call("ec2", "delete_launch_template", "LaunchTemplateId"),
    "alarm": _named("cloudwatch", "delete_alarms", "AlarmNames", ":alarm:", many=True),
    "topic": _call("sns", "delete_topic", "TopicArn"),
    "log group": _named("logs", "delete_log_group", "logGroupName", ":log-group:"),
    "secret": _call("secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True),
    "bucket": remove_bucket,
    "instance profile": remove_instance_profile,
    "role": remove_role,
    "vpc-flow-log": _call("ec2", "delete_flow_logs", "FlowLogIds", many=True),
    "vpc-endpoint": _call("ec2", "delete_vpc_endpoints", "VpcEndpointIds", many=True),
    "natgateway": _call("ec2", "delete_nat_gateway", "NatGatewayId"),
    "elastic-ip": _call("ec2", "release_address", "AllocationId"),
    "security-group": remove_security_group,
    "internet-gateway": remove_internet_gateway,
    "subnet": _call("ec2", "delete_subnet", "SubnetId"),
    "route-table": remove_route_table,
    "vpc": _call("ec2", "delete_vpc", "VpcId"),
}
