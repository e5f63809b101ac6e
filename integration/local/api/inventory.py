"""Inventory of an AWS account: resources of the kinds that Wharf makes.

Taken before an apply and after the destroy, the two must be equal:

    assert inventory(session) - before == frozenset()
"""

from collections.abc import Iterator
from typing import Any

import jmespath  # type: ignore[import-untyped]

#: Where to look: service, operation that lists, and the JMESPath of the names in its answer.
#: What goes with its owner is no kind: a network interface (moto keeps those of ended instances), a
#: balancer's listener, a topic's subscription, a log group's filter, a role's policy.
KINDS: tuple[tuple[str, str, str], ...] = (
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups[].AutoScalingGroupARN"),
    ("autoscaling", "describe_policies", "ScalingPolicies[].PolicyARN"),
    (
        "autoscaling",
        "describe_scheduled_actions",
        "ScheduledUpdateGroupActions[].ScheduledActionARN",
    ),
    ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmArn"),
    ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardArn"),
    ("ec2", "describe_addresses", "Addresses[].AllocationId"),
    ("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    ("ec2", "describe_internet_gateways", "InternetGateways[].InternetGatewayId"),
    ("ec2", "describe_key_pairs", "KeyPairs[].KeyPairId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates[].LaunchTemplateId"),
    ("ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    ("ec2", "describe_route_tables", "RouteTables[].RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    ("ec2", "describe_security_group_rules", "SecurityGroupRules[].SecurityGroupRuleId"),
    ("ec2", "describe_subnets", "Subnets[].SubnetId"),
    ("ec2", "describe_volumes", "Volumes[].VolumeId"),
    ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    (
        "ec2",
        "describe_instances",
        "Reservations[].Instances[] | [?State.Name!='terminated'].InstanceId",
    ),
    (
        "ecs",
        "describe_capacity_providers",
        # FARGATE and FARGATE_SPOT are AWS's own.
        "capacityProviders[?status=='ACTIVE' && !starts_with(name, 'FARGATE')].capacityProviderArn",
    ),
    ("ecs", "list_task_definitions", "taskDefinitionArns[]"),  # only those that are ACTIVE
    ("elb", "describe_load_balancers", "LoadBalancerDescriptions[].LoadBalancerName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupArn"),
    ("iam", "list_instance_profiles", "InstanceProfiles[].Arn"),
    ("iam", "list_policies", "Policies[].Arn"),
    # Service-linked roles belong to AWS: Terraform neither makes nor removes them.
    ("iam", "list_roles", "Roles[?!starts_with(Path, '/aws-service-role/')].Arn"),
    ("iam", "list_users", "Users[].Arn"),
    ("logs", "describe_log_groups", "logGroups[].arn"),
    ("s3", "list_buckets", "Buckets[].Name"),
    ("secretsmanager", "list_secrets", "SecretList[].ARN"),
    ("sns", "list_topics", "Topics[].TopicArn"),
)
#: Without these the answer holds what AWS itself owns, too.
ARGUMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("iam", "list_policies"): {"Scope": "Local"},
}


def inventory(session: Any) -> frozenset[str]:
    """Name everything that exists: an ARN where there is one, else ``service/operation/id``.

    ``session`` is a boto3 session or one like it. Resources that AWS keeps for a while after they
    were deleted (terminated instances, inactive clusters and task definitions) do not count.
    """
    found = set(_clusters_and_services(session.client("ecs")))
    found.update(_records(session.client("route53")))
    for service, operation, path in KINDS:
        client = session.client(service)
        arguments = ARGUMENTS.get((service, operation), {})
        for identifier in _search(client, operation, path, arguments):
            is_arn = identifier.startswith("arn:")
            found.add(identifier if is_arn else f"{service}/{operation}/{identifier}")
    return frozenset(found)


def _search(client: Any, operation: str, path: str, arguments: dict[str, Any]) -> Iterator[str]:
    if not client.can_paginate(operation):
        yield from jmespath.search(path, getattr(client, operation)(**arguments)) or ()
        return
    yield from client.get_paginator(operation).paginate(**arguments).search(path)


def _clusters_and_services(ecs: Any) -> Iterator[str]:
    """Yield clusters and services without deleted ones, which stay listed as inactive."""
    for cluster in _search(ecs, "list_clusters", "clusterArns[]", {}):
        described = ecs.describe_clusters(clusters=[cluster])["clusters"]
        yield from _alive(described, "clusterArn")
        arns = list(_search(ecs, "list_services", "serviceArns[]", {"cluster": cluster}))
        # DescribeServices takes at most 10.
        for start in range(0, len(arns), 10):
            some = ecs.describe_services(cluster=cluster, services=arns[start : start + 10])
            yield from _alive(some["services"], "serviceArn")


def _records(route53: Any) -> Iterator[str]:
    """Yield the records of each zone, without the two kinds that Route 53 itself creates."""
    kind = "ResourceRecordSets[?Type!='NS' && Type!='SOA'].join('/', [Name, Type])"
    for zone in _search(route53, "list_hosted_zones", "HostedZones[].Id", {}):
        of = {"HostedZoneId": zone}
        for record in _search(route53, "list_resource_record_sets", kind, of):
            yield f"route53{zone}/{record}"


def _alive(described: list[dict[str, Any]], arn: str) -> list[str]:
    return [str(resource[arn]) for resource in described if resource["status"] != "INACTIVE"]
