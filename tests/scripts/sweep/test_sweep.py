"""The sweep removes resources by the tag of nightly runs, and no other resources."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.ecs.models import EC2ContainerServiceBackend

from scripts.sweep.leftovers import ARN_KINDS, TAG, Leftover, kind_of
from scripts.sweep.removal import REMOVE, REMOVED_WITH_ANOTHER
from scripts.sweep.sweep_command import ATTEMPTS, WAIT, main, remove_leftover

pytestmark = pytest.mark.slow

OLD = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")
NEW = datetime.now(UTC).isoformat(timespec="seconds")
ZONE = "example.com"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
STATEMENT = '{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}'
POLICY = f'{{"Version": "2012-10-17", "Statement": [{STATEMENT}]}}'


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # moto returns status 500 for a call without names; the local cloud corrects it like this.
    named = EC2ContainerServiceBackend.describe_capacity_providers
    monkeypatch.setattr(
        EC2ContainerServiceBackend,
        "describe_capacity_providers",
        lambda ecs, names: named(ecs, names or [*ecs.capacity_providers]),
    )
    with mock_aws():
        boto3.client("route53").create_hosted_zone(Name=ZONE, CallerReference="1")
        yield


def tags(value: str) -> Any:
    return [{"Key": TAG, "Value": value}]


def zone() -> str:
    """Return the zone that all environments share."""
    return str(boto3.client("route53").list_hosted_zones()["HostedZones"][0]["Id"])


def record(name: str, target: str) -> None:
    """Create an alias record for a load balancer."""
    alias = {"HostedZoneId": "Z", "DNSName": target, "EvaluateTargetHealth": False}
    described = {"Name": f"{name}.{ZONE}", "Type": "A", "AliasTarget": alias}
    boto3.client("route53").change_resource_record_sets(
        HostedZoneId=zone(),
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": described}]},
    )


def environment(name: str, value: str) -> None:
    """Create most kinds of resources of a stack, each with the tag."""
    ec2, s3, iam = boto3.client("ec2"), boto3.client("s3"), boto3.client("iam")

    def spec(kind: str) -> list[Any]:
        return [{"ResourceType": kind, "Tags": tags(value)}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=spec("subnet")
    )["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway"))
    ec2.attach_internet_gateway(
        VpcId=vpc, InternetGatewayId=gateway["InternetGateway"]["InternetGatewayId"]
    )
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=spec("route-table"))
    ec2.associate_route_table(SubnetId=subnet, RouteTableId=table["RouteTable"]["RouteTableId"])
    group = ec2.create_security_group(
        VpcId=vpc, GroupName=name, Description=name, TagSpecifications=spec("security-group")
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}],
    )
    (balancer,) = boto3.client("elbv2").create_load_balancer(
        Name=name, Type="network", Subnets=[subnet], Tags=tags(value)
    )["LoadBalancers"]
    record(name, balancer["DNSName"])
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags(value)})
    for _ in range(2):
        s3.put_object(Bucket=name, Key="layer", Body=b"x")
    s3.create_multipart_upload(Bucket=name, Key="upload")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags(value))
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=POLICY)
    iam.create_instance_profile(InstanceProfileName=name, Tags=tags(value))
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    boto3.client("ecs").create_capacity_provider(
        name=name,
        autoScalingGroupProvider={"autoScalingGroupArn": name},
        tags=[{"key": TAG, "value": value}],
    )
    boto3.client("logs").create_log_group(logGroupName=f"/wharf/{name}", tags={TAG: value})


def there() -> dict[str, set[str]]:
    """Return the names of the resources, by kind."""
    ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
    providers = boto3.client("ecs").describe_capacity_providers()["capacityProviders"]
    listed = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone())
    return {
        "vpcs": {
            tag["Value"]
            for vpc in ec2.describe_vpcs()["Vpcs"]
            for tag in vpc.get("Tags", [])
            if tag["Key"] == TAG
        },
        "balancers": {
            balancer["LoadBalancerName"]
            for balancer in elb.describe_load_balancers()["LoadBalancers"]
        },
        "capacity providers": {provider["name"] for provider in providers},
        "records": {record["Name"] for record in listed["ResourceRecordSets"]},
        "buckets": {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]},
        "roles": {role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]},
        "log groups": {
            group["logGroupName"]
            for group in boto3.client("logs").describe_log_groups()["logGroups"]
        },
    }


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--wait", "0", *arguments])


def test_old_resources_are_removed_and_new_resources_stay() -> None:
    environment("new", NEW)
    before = there()
    environment("old", OLD)
    result = run()
    assert result.exit_code == 0, result.output
    assert there() == before


def test_since_removes_the_resources_of_one_night_only() -> None:
    environment("other", OLD)
    before = there()
    environment("named", NEW)
    result = run("--since", NEW)
    assert result.exit_code == 0, result.output
    assert there() == before


def test_since_without_a_timestamp_is_refused() -> None:
    result = run("--since", "tonight")
    assert result.exit_code == 2
    assert (
        "'tonight' is not a time with a zone; write a time such as 2026-01-31T01:17"
        in result.output
    )


def test_a_dry_run_removes_nothing() -> None:
    environment("old", OLD)
    before = there()
    result = run("--dry-run")
    assert "would remove bucket arn:aws:s3:::old" in result.output
    assert there() == before


def test_resources_without_a_tag_or_a_timestamp_stay() -> None:
    environment("kept", "for ever")
    boto3.client("s3").create_bucket(Bucket="production")
    before = there()
    result = run("--hours", "0")
    assert "left alone: bucket arn:aws:s3:::kept: 'for ever' is not a time" in result.output
    assert result.exit_code == 0
    assert there() == before


def test_a_resource_that_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REMOVE, "bucket")
    environment("old", OLD)
    result = run()
    assert result.exit_code == 1
    assert "1 could not be removed: bucket arn:aws:s3:::old: this program" in result.output
    assert there()["buckets"] == {"old"}
    assert there()["vpcs"] == set()


def test_a_subnet_waits_for_its_network_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    # Those of a load balancer and of a NAT gateway last for minutes after it.
    environment("old", OLD)
    refusals: Counter[str] = Counter()
    delete = REMOVE["subnet"]

    def subnet(session: Any, id: str) -> None:
        refusals[id] += 1
        if refusals[id] < 30:
            error = {"Error": {"Code": "DependencyViolation", "Message": "has dependencies"}}
            raise ClientError(error, "DeleteSubnet")  # type: ignore[arg-type]
        delete(session, id)

    monkeypatch.setitem(REMOVE, "subnet", subnet)
    assert run().exit_code == 0
    assert there()["vpcs"] == set()
    assert timedelta(minutes=20).total_seconds() <= ATTEMPTS * WAIT


def test_a_profile_that_does_not_exist_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nothing")
    result = run()
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: AWS: The config profile (nothing) could not be found")
    assert len(result.stderr.splitlines()) == 1


def test_a_second_sweep_finds_nothing() -> None:
    environment("old", OLD)
    run()
    assert "0 removed" in run().output


def task_definition() -> str:
    """Register one with the tag; return its ARN."""
    described = boto3.client("ecs").register_task_definition(
        family="old",
        containerDefinitions=[{"name": "nginx", "image": "nginx", "memory": 64}],
        tags=[{"key": TAG, "value": OLD}],
    )
    return str(described["taskDefinition"]["taskDefinitionArn"])


@pytest.mark.parametrize("deregistered", [False, True])
def test_a_task_definition_does_not_stay_inactive(deregistered: bool) -> None:
    ecs, arn = boto3.client("ecs"), task_definition()
    if deregistered:
        ecs.deregister_task_definition(taskDefinition=arn)
    assert remove_leftover(boto3.Session(), Leftover("task definition", arn, OLD)) is None
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == []
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []
    # AWS lists what is gone already for a while.
    assert remove_leftover(boto3.Session(), Leftover("task definition", arn, OLD)) is None


def test_a_task_definition_that_ecs_keeps_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = task_definition()
    monkeypatch.setattr(
        EC2ContainerServiceBackend,
        "deregister_task_definition",
        lambda ecs, _: ecs.task_definitions,
    )
    reason = remove_leftover(boto3.Session(), Leftover("task definition", arn, OLD))
    assert reason is not None
    assert "still in ACTIVE status" in reason


def test_every_kind_can_be_removed() -> None:
    assert set(ARN_KINDS.values()) <= {*REMOVE, *REMOVED_WITH_ANOTHER}
    assert kind_of("rds", "db:name") == "rds db"


def test_a_timestamp_without_a_zone_is_refused() -> None:
    assert Leftover("vpc", "vpc-1", "2026-01-01T00:00:00").since is None
    assert Leftover("vpc", "vpc-1", "2026-01-01T00:00:00+00:00").since is not None
