"""What nightly runs leave is swept by its tag; nothing else is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.ecs.models import EC2ContainerServiceBackend

from scripts.sweep.__main__ import TAG, main
from scripts.sweep.leftovers import ARN_KINDS, Leftover, kind_of
from scripts.sweep.removal import REMOVE

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
    # As the local cloud corrects it: moto's answer to a call that names none is a status 500.
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
    """The zone that all environments share."""
    return str(boto3.client("route53").list_hosted_zones()["HostedZones"][0]["Id"])


def record(name: str, target: str) -> None:
    """A name that stands for a load balancer."""
    alias = {"HostedZoneId": "Z", "DNSName": target, "EvaluateTargetHealth": False}
    described = {"Name": f"{name}.{ZONE}", "Type": "A", "AliasTarget": alias}
    boto3.client("route53").change_resource_record_sets(
        HostedZoneId=zone(),
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": described}]},
    )


def environment(name: str, value: str) -> None:
    """A good part of what a stack makes, each with the tag."""
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
    """The names of what an environment has made, by its kind."""
    ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
    providers = boto3.client("ecs").describe_capacity_providers()["capacityProviders"]
    listed = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone())
    return {
        "vpcs": {
            one["Value"]
            for vpc in ec2.describe_vpcs()["Vpcs"]
            for one in vpc.get("Tags", [])
            if one["Key"] == TAG
        },
        "balancers": {
            one["LoadBalancerName"] for one in elb.describe_load_balancers()["LoadBalancers"]
        },
        "capacity providers": {one["name"] for one in providers},
        "records": {one["Name"] for one in listed["ResourceRecordSets"]},
        "buckets": {one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]},
        "roles": {one["RoleName"] for one in boto3.client("iam").list_roles()["Roles"]},
        "log groups": {
            one["logGroupName"] for one in boto3.client("logs").describe_log_groups()["logGroups"]
        },
    }


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--wait", "0", *arguments])


def test_what_is_old_goes_and_what_is_new_stays() -> None:
    environment("new", NEW)
    before = there()
    environment("old", OLD)
    result = run()
    assert result.exit_code == 0, result.output
    assert there() == before


def test_of_a_night_that_is_named_all_goes_and_of_no_other_anything() -> None:
    environment("other", OLD)
    before = there()
    environment("named", NEW)
    result = run("--since", NEW)
    assert result.exit_code == 0, result.output
    assert there() == before


def test_a_night_that_is_none_is_refused() -> None:
    result = run("--since", "tonight")
    assert result.exit_code == 2
    assert "'tonight' is no time with a zone; write one like 2026-01-31T01:17" in result.output


def test_a_dry_run_removes_nothing() -> None:
    environment("old", OLD)
    before = there()
    result = run("--dry-run")
    assert "would remove bucket arn:aws:s3:::old" in result.output
    assert there() == before


def test_what_bears_no_tag_or_no_time_stays() -> None:
    environment("kept", "for ever")
    boto3.client("s3").create_bucket(Bucket="production")
    before = there()
    result = run("--hours", "0")
    assert "left alone: bucket arn:aws:s3:::kept: 'for ever' is no time" in result.output
    assert result.exit_code == 0
    assert there() == before


def test_what_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REMOVE, "bucket")
    environment("old", OLD)
    result = run()
    assert result.exit_code == 1
    assert "1 could not be removed: bucket arn:aws:s3:::old: this program" in result.output
    assert there()["buckets"] == {"old"}
    assert there()["vpcs"] == set()


def test_a_second_sweep_finds_nothing() -> None:
    environment("old", OLD)
    run()
    assert "0 removed" in run().output


def test_every_kind_can_be_removed() -> None:
    assert set(ARN_KINDS.values()) <= set(REMOVE)
    assert kind_of("rds", "db:name") == "rds db"


def test_a_time_without_a_zone_is_no_time() -> None:
    assert Leftover("vpc", "vpc-1", "2026-01-01T00:00:00").since is None
    assert Leftover("vpc", "vpc-1", "2026-01-01T00:00:00+00:00").since is not None
