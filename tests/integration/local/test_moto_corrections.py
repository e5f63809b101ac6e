"""Each question has one right answer: AWS's. moto alone gets it wrong, corrected moto right.

When ``test_moto_alone_is_wrong`` fails, moto has learned: delete that correction.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from integration.local.emulator.iam import not_enforced
from integration.local.emulator.process import Emulator
from tests.support import (
    moto_access_questions,
    moto_buckets_questions,
    moto_hooks_questions,
    moto_hosts_questions,
    moto_tasks_questions,
)
from tests.support.aws_samples import (
    client,
    new_name,
    policy,
    service,
)
from tests.support.moto_access_questions import TLS_ONLY, presigned

pytestmark = pytest.mark.slow


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
    response = ecs.describe_capacity_providers(capacityProviders=[name])
    states = [provider["status"] for provider in response["capacityProviders"]]
    return states == ["INACTIVE"] and response["failures"] == []


def capacity_providers_are_listed_without_a_name(aws: Emulator) -> bool:
    ecs, name = client(aws, "ecs"), new_name()
    ecs.create_capacity_provider(
        name=name, autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:::g"}
    )
    listed = ecs.describe_capacity_providers()["capacityProviders"]
    return name in [provider["name"] for provider in listed]


def capacity_providers_change_whether_they_drain(aws: Emulator) -> bool:
    ecs, name = client(aws, "ecs"), new_name()
    group = {"autoScalingGroupArn": "arn:aws:autoscaling:::g", "managedDraining": "ENABLED"}
    ecs.create_capacity_provider(name=name, autoScalingGroupProvider=group)
    ecs.update_capacity_provider(
        name=name, autoScalingGroupProvider={"managedDraining": "DISABLED"}
    )
    (provider,) = ecs.describe_capacity_providers(capacityProviders=[name])["capacityProviders"]
    return bool(provider["autoScalingGroupProvider"]["managedDraining"] == "DISABLED")


def containers_may_reserve_memory_without_a_limit(aws: Emulator) -> bool:
    container = {"name": "c", "image": "i", "memoryReservation": 4}
    client(aws, "ecs").register_task_definition(
        family=new_name(), containerDefinitions=[container], requiresCompatibilities=["EC2"]
    )
    return True


def rules_between_groups_keep_their_description(aws: Emulator) -> bool:
    return keeps_description(aws, "UserIdGroupPairs", lambda group: {"GroupId": group})


def rules_for_prefix_lists_keep_their_description(aws: Emulator) -> bool:
    (some, *_) = client(aws, "ec2").describe_prefix_lists()["PrefixLists"]
    peer = {"PrefixListId": some["PrefixListId"]}
    return keeps_description(aws, "PrefixListIds", lambda _: peer)


def keeps_description(aws: Emulator, kind: str, peer: Callable[[str], dict[str, str]]) -> bool:
    ec2, name = client(aws, "ec2"), new_name()
    group = ec2.create_security_group(GroupName=name, Description=name)["GroupId"]
    described = {**peer(group), "Description": "why"}
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, kind: [described]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return "why" in [rule.get("Description") for rule in rules["SecurityGroupRules"]]


def classic_balancers_have_a_zone(aws: Emulator) -> bool:
    elb, name = client(aws, "elb"), new_name()[:32]
    listener = {"Protocol": "tcp", "LoadBalancerPort": 443, "InstancePort": 444}
    elb.create_load_balancer(
        LoadBalancerName=name, Listeners=[listener], AvailabilityZones=["us-east-1a"]
    )
    response = elb.describe_load_balancers(LoadBalancerNames=[name])
    zone = response["LoadBalancerDescriptions"][0].get("CanonicalHostedZoneNameID", "")
    return bool(zone.startswith("Z"))


def tags_name_kinds_as_aws_does(aws: Emulator) -> bool:
    ec2 = client(aws, "ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_tags(Resources=[address], Tags=[{"Key": "of", "Value": "test"}])
    (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [address]}])["Tags"]
    return bool(tag["ResourceType"] == "elastic-ip")


def services_in_china_have_their_names(aws: Emulator) -> bool:
    pages = (
        aws.in_region("cn-north-1")
        .session()
        .client("ec2")
        .get_paginator("describe_vpc_endpoint_services")
    )
    with not_enforced(aws.endpoint):
        names = set(pages.paginate().search("ServiceNames[]"))
    return {f"{prefix}.cn-north-1.s3" for prefix in ("com.amazonaws", "cn.com.amazonaws")} <= names


def services_are_filtered_by_their_names(aws: Emulator) -> bool:
    wanted = {"Name": "service-name", "Values": ["com.amazonaws.us-east-1.ecs", "x"]}
    found = client(aws, "ec2").describe_vpc_endpoint_services(Filters=[wanted])
    return bool(found["ServiceNames"] == ["com.amazonaws.us-east-1.ecs"])


QUESTIONS = [
    tags_name_kinds_as_aws_does,
    classic_balancers_have_a_zone,
    services_return_what_they_were_given,
    services_know_their_default_deployment,
    updates_keep_the_rest_of_the_deployment,
    services_without_a_network_have_none,
    deleted_capacity_providers_are_inactive,
    capacity_providers_are_listed_without_a_name,
    capacity_providers_change_whether_they_drain,
    containers_may_reserve_memory_without_a_limit,
    rules_between_groups_keep_their_description,
    rules_for_prefix_lists_keep_their_description,
    services_in_china_have_their_names,
    services_are_filtered_by_their_names,
    *moto_access_questions.QUESTIONS,
    *moto_buckets_questions.QUESTIONS,
    *moto_hosts_questions.QUESTIONS,
    *moto_hooks_questions.QUESTIONS,
    *moto_tasks_questions.QUESTIONS,
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


def test_instances_that_ecs_does_not_drain_wait_for_nothing(corrected: Emulator) -> None:
    assert moto_hooks_questions.instances_that_ecs_does_not_drain_wait_for_nothing(corrected)
