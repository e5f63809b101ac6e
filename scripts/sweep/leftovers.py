"""Resources with a tag in an account and region, and their age."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scripts.options import parse_timestamp

TAG = "wharf-nightly"
#: Kinds by service, and by the first characters after the account number in an ARN.
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
    """A resource with the tag.

    Attributes:
        kind: a key of ``removal.REMOVE``, or the words of an ARN of another kind.
        id: ARN, name or ID, whichever AWS needs to delete the resource.
        value: value of the tag.
    """

    kind: str
    id: str
    value: str

    @property
    def since(self) -> datetime | None:
        """Timestamp in the tag; None if the tag has no timestamp with a zone."""
        return parse_timestamp(self.value)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}, of {self.value}"


def leftovers(session: Any, tag: str) -> list[Leftover]:
    """Return all resources with the tag, each once.

    Raises:
        botocore.exceptions.ClientError: the credentials do not allow to list resources.
    """
    found = [
        *_tagged(session, tag),
        *_described(session, "ec2", tag),
        *_described(session, "autoscaling", tag),
    ]
    found += [
        *_capacity_providers(session, tag),
        *_iam(session, tag),
        *_dashboards(session, found),
        *_records(session, found),
    ]
    return sorted(set(found), key=lambda leftover: (leftover.kind, leftover.id))


def _tagged(session: Any, tag: str) -> Iterator[Leftover]:
    pages = session.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": tag}]):
        for resource in page["ResourceTagMappingList"]:
            arn = resource["ResourceARN"]
            _, _, service, _, _, rest = arn.split(":", 5)
            # The services' own APIs, below, list more of their resources.
            if service not in ("ec2", "iam", "autoscaling"):
                value = next(pair["Value"] for pair in resource["Tags"] if pair["Key"] == tag)
                yield Leftover(kind_of(service, rest), arn, value)


def kind_of(service: str, rest: str) -> str:
    """Return the kind of the resource of an ARN, or the words of the ARN for an unknown kind."""
    kinds = (
        kind
        for (of, beginning), kind in ARN_KINDS.items()
        if of == service and rest.startswith(beginning)
    )
    return next(kinds, f"{service} {rest.split('/')[0].split(':')[0]}")


def _described(session: Any, service: str, tag: str) -> Iterator[Leftover]:
    """Yield the resources of EC2, or the groups of autoscaling, which describe their tags alike."""
    pages = session.client(service).get_paginator("describe_tags")
    for page in pages.paginate(Filters=[{"Name": "key", "Values": [tag]}]):
        for pair in page["Tags"]:
            kind = pair["ResourceType"].replace("auto-scaling-group", "autoscaling group")
            yield Leftover(kind, pair["ResourceId"], pair["Value"])


def _capacity_providers(session: Any, tag: str) -> Iterator[Leftover]:
    ecs = session.client("ecs")
    more: dict[str, str] | None = {}
    while more is not None:
        page = ecs.describe_capacity_providers(include=["TAGS"], **more)
        for provider in page["capacityProviders"]:
            for pair in provider.get("tags", ()):
                if pair["key"] == tag and provider["status"] == "ACTIVE":
                    arn = provider["capacityProviderArn"]
                    yield Leftover("capacity provider", arn, pair["value"])
        more = {"nextToken": page["nextToken"]} if page.get("nextToken") else None


def _dashboards(session: Any, found: list[Leftover]) -> Iterator[Leftover]:
    """Yield the dashboards, which have no tags: the stack names them by cluster and region."""
    names = {
        f"{leftover.id.rpartition('/')[2]}-{session.region_name}": leftover.value
        for leftover in found
        if leftover.kind == "ECS cluster"
    }
    for page in session.client("cloudwatch").get_paginator("list_dashboards").paginate():
        for dashboard in page["DashboardEntries"]:
            name = dashboard["DashboardName"]
            if name in names:
                yield Leftover("dashboard", name, names[name])


def _records(session: Any, found: list[Leftover]) -> Iterator[Leftover]:
    """Yield the records of Route 53 for the load balancers: records have no tags."""
    values = {
        leftover.id.rpartition(":loadbalancer/")[2]: leftover.value
        for leftover in found
        if leftover.kind.endswith("load balancer")
    }
    if not values:
        return
    targets = {name: values[arn] for name, arn in _dns_names(session) if arn in values}
    route53 = session.client("route53")
    zones = route53.get_paginator("list_hosted_zones").paginate()
    for zone in zones.search("HostedZones[].Id"):
        records = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        for record in records.search("ResourceRecordSets[?AliasTarget]"):
            target = record["AliasTarget"]["DNSName"].rstrip(".").lower()
            if target in targets:
                id = f"{zone.rpartition('/')[2]}/{record['Name']}/{record['Type']}"
                yield Leftover("record", id, targets[target])


def _dns_names(session: Any) -> Iterator[tuple[str, str]]:
    """Yield the DNS name of each load balancer, as in records, and the end of its ARN."""
    pages = session.client("elbv2").get_paginator("describe_load_balancers").paginate()
    for balancer in pages.search("LoadBalancers[]"):
        arn = balancer["LoadBalancerArn"]
        yield balancer["DNSName"].lower(), arn.rpartition(":loadbalancer/")[2]
    pages = session.client("elb").get_paginator("describe_load_balancers").paginate()
    for balancer in pages.search("LoadBalancerDescriptions[]"):
        yield balancer["DNSName"].lower(), balancer["LoadBalancerName"]


def _iam(session: Any, tag: str) -> Iterator[Leftover]:
    iam = session.client("iam")
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            yield from _if_tagged("role", role["RoleName"], tags, tag)
    for page in iam.get_paginator("list_instance_profiles").paginate():
        for listed in page["InstanceProfiles"]:
            name = listed["InstanceProfileName"]
            profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
            tags = profile.get("Tags", [])
            yield from _if_tagged("instance profile", name, tags, tag)


def _if_tagged(kind: str, name: str, tags: list[dict[str, str]], wanted: str) -> Iterator[Leftover]:
    for pair in tags:
        if pair["Key"] == wanted:
            yield Leftover(kind, name, pair["Value"])
