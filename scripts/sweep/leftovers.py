"""What bears a tag in an account and region, and since when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scripts.moment import moment_of

#: Kinds by the beginning of what comes after the account's number in an ARN.
ARN_KINDS = {
    ("elasticloadbalancing", "loadbalancer/net/"): "load balancer",
    ("elasticloadbalancing", "loadbalancer/app/"): "load balancer",
    ("elasticloadbalancing", "loadbalancer/"): "classic load balancer",
    ("elasticloadbalancing", "targetgroup/"): "target group",
    ("elasticloadbalancing", "listener/"): "listener",
    ("ecs", "service/"): "ECS service",
    ("ecs", "cluster/"): "ECS cluster",
    ("ecs", "task-definition/"): "task definition",
    ("ecs", "capacity-provider/"): "capacity provider",
    ("logs", "log-group:"): "log group",
    ("cloudwatch", "alarm:"): "alarm",
    ("sns", ""): "topic",
    ("secretsmanager", "secret:"): "secret",
    ("s3", ""): "bucket",
}


@dataclass(frozen=True)
class Leftover:
    """Something that bears the tag.

    Attributes:
        kind: what it is, one of the keys of ``removal.REMOVE``, or an ARN's own words.
        id: its ARN, name or ID, whichever it is removed by.
        value: of the tag.
    """

    kind: str
    id: str
    value: str

    @property
    def since(self) -> datetime | None:
        """When it was made, as its tag says; None if the tag holds no time with a zone."""
        return moment_of(self.value)


def leftovers(session: Any, tag: str) -> list[Leftover]:
    """All that bears the tag, each once.

    Raises:
        botocore.exceptions.ClientError: the account may not be looked into.
    """
    found = [*_tagged(session, tag), *_ec2(session, tag), *_groups(session, tag)]
    found += [
        *_capacity_providers(session, tag),
        *_iam(session, tag),
        *_dashboards(session, found),
        *_records(session, found),
    ]
    return sorted(set(found), key=lambda one: (one.kind, one.id))


def _tagged(session: Any, tag: str) -> Iterator[Leftover]:
    pages = session.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": tag}]):
        for one in page["ResourceTagMappingList"]:
            arn = one["ResourceARN"]
            _, _, service, _, _, rest = arn.split(":", 5)
            # Those have ways of their own to be listed, which know more of them.
            if service not in ("ec2", "iam", "autoscaling"):
                value = next(pair["Value"] for pair in one["Tags"] if pair["Key"] == tag)
                yield Leftover(kind_of(service, rest), arn, value)


def kind_of(service: str, rest: str) -> str:
    """The kind of what an ARN names, or the ARN's own words for it."""
    kinds = (
        kind
        for (of, beginning), kind in ARN_KINDS.items()
        if of == service and rest.startswith(beginning)
    )
    return next(kinds, f"{service} {rest.split('/')[0].split(':')[0]}")


def _ec2(session: Any, tag: str) -> Iterator[Leftover]:
    pages = session.client("ec2").get_paginator("describe_tags")
    for page in pages.paginate(Filters=[{"Name": "key", "Values": [tag]}]):
        for one in page["Tags"]:
            yield Leftover(one["ResourceType"], one["ResourceId"], one["Value"])


def _groups(session: Any, tag: str) -> Iterator[Leftover]:
    pages = session.client("autoscaling").get_paginator("describe_tags")
    for page in pages.paginate(Filters=[{"Name": "key", "Values": [tag]}]):
        for one in page["Tags"]:
            yield Leftover("autoscaling group", one["ResourceId"], one["Value"])


def _capacity_providers(session: Any, tag: str) -> Iterator[Leftover]:
    ecs = session.client("ecs")
    more: dict[str, str] | None = {}
    while more is not None:
        page = ecs.describe_capacity_providers(include=["TAGS"], **more)
        for one in page["capacityProviders"]:
            for pair in one.get("tags", ()):
                if pair["key"] == tag and one["status"] == "ACTIVE":
                    yield Leftover("capacity provider", one["capacityProviderArn"], pair["value"])
        more = {"nextToken": page["nextToken"]} if page.get("nextToken") else None


def _dashboards(session: Any, found: list[Leftover]) -> Iterator[Leftover]:
    """Those that the stack calls after its cluster and region: a dashboard bears no tags."""
    clusters = [one for one in found if one.kind == "ECS cluster"]
    names = {f"{one.id.rpartition('/')[2]}-{session.region_name}": one.value for one in clusters}
    for page in session.client("cloudwatch").get_paginator("list_dashboards").paginate():
        for one in page["DashboardEntries"]:
            name = one["DashboardName"]
            if name in names:
                yield Leftover("dashboard", name, names[name])


def _records(session: Any, found: list[Leftover]) -> Iterator[Leftover]:
    """Those of Route 53 that stand for one of the load balancers: a record bears no tags."""
    balancers = [one for one in found if one.kind.endswith("load balancer")]
    if not balancers:
        return
    values = {one.id.rpartition(":loadbalancer/")[2]: one.value for one in balancers}
    targets = {name: values[of] for name, of in _names(session) if of in values}
    route53 = session.client("route53")
    zones = route53.get_paginator("list_hosted_zones").paginate()
    for zone in zones.search("HostedZones[].Id"):
        records = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        for one in records.search("ResourceRecordSets[?AliasTarget]"):
            target = one["AliasTarget"]["DNSName"].rstrip(".").lower()
            if target in targets:
                id = f"{zone.rpartition('/')[2]}/{one['Name']}/{one['Type']}"
                yield Leftover("record", id, targets[target])


def _names(session: Any) -> Iterator[tuple[str, str]]:
    """The DNS name of each load balancer, as records have it, and what ends its ARN."""
    pages = session.client("elbv2").get_paginator("describe_load_balancers").paginate()
    for one in pages.search("LoadBalancers[]"):
        yield one["DNSName"].lower(), one["LoadBalancerArn"].rpartition(":loadbalancer/")[2]
    pages = session.client("elb").get_paginator("describe_load_balancers").paginate()
    for one in pages.search("LoadBalancerDescriptions[]"):
        yield one["DNSName"].lower(), one["LoadBalancerName"]


def _iam(session: Any, tag: str) -> Iterator[Leftover]:
    iam = session.client("iam")
    for page in iam.get_paginator("list_roles").paginate():
        for one in page["Roles"]:
            tags = iam.list_role_tags(RoleName=one["RoleName"])["Tags"]
            yield from _if_tagged("role", one["RoleName"], tags, tag)
    for page in iam.get_paginator("list_instance_profiles").paginate():
        for one in page["InstanceProfiles"]:
            name = one["InstanceProfileName"]
            profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
            tags = profile.get("Tags", [])
            yield from _if_tagged("instance profile", name, tags, tag)


def _if_tagged(kind: str, name: str, tags: list[dict[str, str]], wanted: str) -> Iterator[Leftover]:
    for pair in tags:
        if pair["Key"] == wanted:
            yield Leftover(kind, name, pair["Value"])
