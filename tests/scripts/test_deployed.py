"""What ``wharf start`` reads from AWS: the place of a registry, and why it does not respond."""

from datetime import UTC, datetime

import pytest
from click import ClickException

from integration.local.emulator.process import Emulator
from scripts.deployed import Deployed
from tests.support.aws_samples import new_name
from tests.support.deployed_account import Account

pytestmark = pytest.mark.slow

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def account(aws: Emulator) -> Account:
    return Account(aws)


def test_a_task_that_ended_tells_its_log(account: Account) -> None:
    account.end_task('{"event":"start_failed"}', "the last line")
    found = Deployed(account.session, account.name).reason(LONG_AGO)
    assert found.text == "Essential container in task exited; nginx: status 1"
    assert found.log == f"the log group {account.log}"
    assert found.lines == ('{"event":"start_failed"}', "the last line")


def test_a_task_of_the_certificate_is_no_task_of_the_registry(account: Account) -> None:
    account.end_task("the last line of nginx")
    account.run_certificate_task()
    account.end_certificate_task()
    deployed = Deployed(account.session, account.name)
    assert len(deployed.ended(LONG_AGO)) == 1
    assert deployed.reason(LONG_AGO).lines == ("the last line of nginx",)


def test_an_image_that_is_missing_names_the_remedy(account: Account) -> None:
    reason = "CannotPullContainerError: manifest unknown"
    (agent,) = (
        account.ecs.register_container_instance(
            cluster=account.name, instanceIdentityDocument=f'{{"instanceId": "{host}"}}'
        )["containerInstance"]["containerInstanceArn"]
        for host in [account.host_of_its_own()]
    )
    (task,) = account.ecs.start_task(
        cluster=account.name, taskDefinition=account.name, containerInstances=[agent]
    )["tasks"]
    account.ecs.stop_task(cluster=account.name, task=task["taskArn"], reason=reason)
    found = Deployed(account.session, account.name).reason(LONG_AGO)
    assert found.text == reason
    assert "`wharf image --tag NEW`" in found.log


def test_hosts_that_never_join_tell_their_console(account: Account) -> None:
    account.group.set_desired_capacity(AutoScalingGroupName=account.name, DesiredCapacity=1)
    deployed = Deployed(account.session, account.name)
    assert deployed.state()["hosts"] == "1 InService of 1"
    found = deployed.reason(LONG_AGO)
    assert found.text.startswith("no task runs on i-")
    assert "/var/log/cloud-init-output.log" in found.log


def test_a_network_balancer_is_found(account: Account) -> None:
    subnet = account.session.client("ec2").describe_subnets()["Subnets"][0]
    elbv2 = account.session.client("elbv2")
    balancer = elbv2.create_load_balancer(
        Name=account.name, Subnets=[subnet["SubnetId"]], Type="network"
    )["LoadBalancers"][0]
    group = elbv2.create_target_group(
        Name=account.name, Protocol="TCP", Port=443, VpcId=subnet["VpcId"]
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Port=443,
        Protocol="TCP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    name = new_name()
    account.ecs.create_cluster(clusterName=name)
    account.ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=account.name,
        desiredCount=0,
        loadBalancers=[{"targetGroupArn": group, "containerName": "nginx", "containerPort": 443}],
    )
    assert Deployed(account.session, name).host == balancer["DNSName"]


def test_a_service_of_something_else_is_refused(account: Account) -> None:
    name = new_name()
    container = {"name": "app", "image": "i", "memory": 4}
    account.ecs.register_task_definition(family=name, containerDefinitions=[container])
    account.ecs.create_cluster(clusterName=name)
    account.ecs.create_service(cluster=name, serviceName=name, taskDefinition=name, desiredCount=0)
    with pytest.raises(ClickException, match=f"the ECS service {name} is no registry of Wharf"):
        Deployed(account.session, name)
