"""Each question has one right answer: AWS's. moto alone gets it wrong, corrected moto right.

When ``test_moto_alone_is_wrong`` fails, moto has learned: delete that correction.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from integration.local.emulator import Emulator
from tests.aws_samples import (
    bucket,
    client,
    group,
    launch_template,
    new_name,
    policy,
    role,
    scaling_policy,
    service,
    template_data,
)

ADMINISTRATOR = "arn:aws:iam::123456789012:user/administrator"
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    yield from _running(tmp_path_factory.mktemp("corrected"), corrected=True)


@pytest.fixture(scope="module")
def moto_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    yield from _running(tmp_path_factory.mktemp("alone"), corrected=False)


def _running(directory: Path, corrected: bool) -> Iterator[Emulator]:
    emulator = Emulator.start(directory / "log", corrected=corrected)
    yield emulator
    emulator.stop()


def services_return_what_they_were_given(aws: Emulator) -> bool:
    given = {
        "availabilityZoneRebalancing": "ENABLED",
        "capacityProviderStrategy": [{"capacityProvider": "p", "weight": 1, "base": 1}],
        "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50},
        "enableECSManagedTags": True,
        "enableExecuteCommand": True,
        "healthCheckGracePeriodSeconds": 60,
        "placementConstraints": [{"type": "distinctInstance"}],
        "placementStrategy": [{"type": "spread", "field": "host"}],
    }
    return bool(given.items() <= service(aws, desiredCount=0, **given).items())


def services_know_their_default_deployment(aws: Emulator) -> bool:
    given = {"minimumHealthyPercent": 50}
    made = service(aws, schedulingStrategy="DAEMON", deploymentConfiguration=given)
    return bool(made.get("deploymentConfiguration") == {**given, "maximumPercent": 100})


def updates_keep_the_rest_of_the_deployment(aws: Emulator) -> bool:
    made = service(aws, desiredCount=0, deploymentConfiguration={"maximumPercent": 150})
    changed = client(aws, "ecs").update_service(
        cluster=made["clusterArn"],
        service=made["serviceName"],
        deploymentConfiguration={"minimumHealthyPercent": 50},
    )["service"]["deploymentConfiguration"]
    return bool(changed == {"maximumPercent": 150, "minimumHealthyPercent": 50})


def services_without_a_network_have_none(aws: Emulator) -> bool:
    return "networkConfiguration" not in service(aws, desiredCount=0)


def deleted_capacity_providers_are_inactive(aws: Emulator) -> bool:
    ecs, name = client(aws, "ecs"), new_name()
    ecs.create_capacity_provider(
        name=name, autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:::g"}
    )
    for _ in ("at first", "after a lost answer"):
        ecs.delete_capacity_provider(capacityProvider=name)
    answer = ecs.describe_capacity_providers(capacityProviders=[name])
    states = [provider["status"] for provider in answer["capacityProviders"]]
    return states == ["INACTIVE"] and answer["failures"] == []


def containers_may_reserve_memory_without_a_limit(aws: Emulator) -> bool:
    container = {"name": "c", "image": "i", "memoryReservation": 4}
    client(aws, "ecs").register_task_definition(
        family=new_name(), containerDefinitions=[container], requiresCompatibilities=["EC2"]
    )
    return True


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


def services_may_assume_the_roles_that_trust_them(aws: Emulator) -> bool:
    sts = aws.session(aws.services["ecs-tasks.amazonaws.com"]).client(
        "sts", config=Config(retries={"total_max_attempts": 1})
    )
    trusting = role(aws, {"Service": "ecs-tasks.amazonaws.com"})
    return bool(sts.assume_role(RoleArn=trusting, RoleSessionName="test")["Credentials"])


def nobody_else_may_assume_the_role_of_a_service(aws: Emulator) -> bool:
    trusting = role(aws, {"Service": "ecs-tasks.amazonaws.com"})
    return refusal(aws, trusting) == "AccessDenied"


def roles_that_do_not_exist_cannot_be_assumed(aws: Emulator) -> bool:
    return refusal(aws, "arn:aws:iam::123456789012:role/none") == "AccessDenied"


def refusal(aws: Emulator, role_arn: str) -> str:
    try:
        client(aws, "sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


def the_second_statement_counts_too(aws: Emulator) -> bool:
    other = {"AWS": "arn:aws:iam::123456789012:user/other"}
    return refusal(aws, role(aws, other, {"AWS": ADMINISTRATOR})) == ""


def tls_only_buckets_let_tls_pass(aws: Emulator) -> bool:
    name = bucket(aws)
    s3 = client(aws, "s3")
    s3.put_bucket_policy(Bucket=name, Policy=policy(TLS_ONLY))
    return bool(s3.get_object(Bucket=name, Key="a/b")["Body"].read() == b"layer")


def presigned_urls_are_answered(aws: Emulator) -> bool:
    return httpx.get(presigned(aws)).content == b"layer"


def presigned(aws: Emulator, seconds: int = 60) -> str:
    s3 = client(aws, "s3", config=Config(signature_version="s3v4"))
    what = {"Bucket": bucket(aws), "Key": "a/b"}
    return str(s3.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds))


def roles_may_delete_many_of_their_objects(aws: Emulator) -> bool:
    name = bucket(aws)
    allow = {"Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{name}/*"}
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    s3 = aws.session(mine).client("s3")
    answer = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a/b"}]})
    return "Errors" not in answer


def roles_may_read_one_secret(aws: Emulator) -> bool:
    name = new_name()
    made = client(aws, "secretsmanager").create_secret(Name=name, SecretString="s")["ARN"]
    allow = {"Action": "secretsmanager:GetSecretValue", "Resource": made}
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    answer = aws.session(mine).client("secretsmanager").get_secret_value(SecretId=made)
    return bool(answer["SecretString"] == "s")


def rules_between_groups_keep_their_description(aws: Emulator) -> bool:
    ec2, name = client(aws, "ec2"), new_name()
    group = ec2.create_security_group(GroupName=name, Description=name)["GroupId"]
    peer = {"GroupId": group, "Description": "why"}
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [peer]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return "why" in [rule.get("Description") for rule in rules["SecurityGroupRules"]]


def suspended_buckets_can_be_emptied(aws: Emulator) -> bool:
    name, s3 = bucket(aws), client(aws, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket=name, Key="a/b")["VersionId"]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket=name, Key="a/b", VersionId=marker)
    return "DeleteMarkers" not in s3.list_object_versions(Bucket=name)


def replication_tells_what_it_selects(aws: Emulator) -> bool:
    name, copies, s3 = bucket(aws), bucket(aws), client(aws, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    selected = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    rule = {
        "ID": "r",
        "Status": "Enabled",
        "SourceSelectionCriteria": selected,
        "Destination": {"Bucket": f"arn:aws:s3:::{copies}"},
    }
    s3.put_bucket_replication(
        Bucket=name, ReplicationConfiguration={"Role": ADMINISTRATOR, "Rules": [rule]}
    )
    told = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"][0]
    return bool(told.get("SourceSelectionCriteria") == selected)


def zones_can_be_looked_at(aws: Emulator) -> bool:
    route53, name = client(aws, "route53"), f"{new_name()}.example"
    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    return bool(route53.get_hosted_zone(Id=zone)["HostedZone"]["Id"] == zone)


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


def classic_balancers_have_a_zone(aws: Emulator) -> bool:
    elb, name = client(aws, "elb"), new_name()[:32]
    listener = {"Protocol": "tcp", "LoadBalancerPort": 443, "InstancePort": 444}
    elb.create_load_balancer(
        LoadBalancerName=name, Listeners=[listener], AvailabilityZones=["us-east-1a"]
    )
    answer = elb.describe_load_balancers(LoadBalancerNames=[name])
    zone = answer["LoadBalancerDescriptions"][0].get("CanonicalHostedZoneNameID", "")
    return bool(zone.startswith("Z"))


def tags_name_kinds_as_aws_does(aws: Emulator) -> bool:
    ec2 = client(aws, "ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_tags(Resources=[address], Tags=[{"Key": "of", "Value": "test"}])
    (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [address]}])["Tags"]
    return bool(tag["ResourceType"] == "elastic-ip")


def scaling_policies_go_with_their_group(aws: Emulator) -> bool:
    autoscaling, name = client(aws, "autoscaling"), new_name()
    template = client(aws, "ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12c6146b"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateId": template},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )
    autoscaling.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName=name,
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
    )
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    return bool(autoscaling.describe_policies(PolicyNames=[name])["ScalingPolicies"] == [])


QUESTIONS = [
    tags_name_kinds_as_aws_does,
    scaling_policies_go_with_their_group,
    zones_can_be_looked_at,
    classic_balancers_have_a_zone,
    replication_tells_what_it_selects,
    instances_can_be_refreshed,
    services_return_what_they_were_given,
    services_know_their_default_deployment,
    updates_keep_the_rest_of_the_deployment,
    services_without_a_network_have_none,
    deleted_capacity_providers_are_inactive,
    containers_may_reserve_memory_without_a_limit,
    scaling_policies_can_be_off,
    scaling_policies_are_on_by_default,
    scaling_policies_predict_nothing_unasked,
    groups_keep_their_warmup,
    groups_keep_their_instance_types,
    launch_templates_keep_their_own_tags_apart,
    launch_templates_return_their_new_tags,
    second_versions_can_be_launched,
    services_may_assume_the_roles_that_trust_them,
    nobody_else_may_assume_the_role_of_a_service,
    roles_that_do_not_exist_cannot_be_assumed,
    the_second_statement_counts_too,
    tls_only_buckets_let_tls_pass,
    presigned_urls_are_answered,
    roles_may_delete_many_of_their_objects,
    roles_may_read_one_secret,
    rules_between_groups_keep_their_description,
    suspended_buckets_can_be_emptied,
]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.__name__)


@each_question
def test_corrected_moto_is_right(question: Callable[[Emulator], bool], corrected: Emulator) -> None:
    assert question(corrected)


@each_question
def test_moto_alone_is_wrong(question: Callable[[Emulator], bool], moto_alone: Emulator) -> None:
    try:
        right = question(moto_alone)
    except (ClientError, ResponseParserError):  # the latter is what a status 500 becomes
        right = False
    assert not right, "moto has learned: delete this correction"


def test_tls_only_buckets_refuse_what_came_without(corrected: Emulator) -> None:
    url = presigned(corrected)
    name = url.removeprefix(corrected.endpoint).split("/")[1]
    client(corrected, "s3").put_bucket_policy(Bucket=name, Policy=policy(TLS_ONLY))
    assert httpx.get(url, headers={"X-Forwarded-Proto": "http"}).status_code == 403


def test_a_presigned_url_ends(corrected: Emulator) -> None:
    assert httpx.get(presigned(corrected, seconds=-1)).status_code == 403


def test_a_presigned_url_cannot_be_changed(corrected: Emulator) -> None:
    assert httpx.get(presigned(corrected).replace("a/b", "a/c")).status_code == 403
