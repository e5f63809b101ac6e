"""Questions of ``test_moto_corrections.py`` about lifecycle hooks, of a launch and of an end."""

from botocore.exceptions import ClientError

from integration.local.api.draining import HOOK, WAITING
from integration.local.emulator.process import Emulator
from tests.support.aws_samples import client, group, role
from tests.support.moto_hosts_questions import only_instance


def drained_group(aws: Emulator, hosts: int) -> str:
    """Return the name of a group of hosts that ECS drains for a cluster."""
    scaling, ecs = client(aws, "autoscaling"), client(aws, "ecs")
    name = group(aws, MinSize=0, MaxSize=hosts, DesiredCapacity=hosts)
    described = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    arn = described["AutoScalingGroups"][0]["AutoScalingGroupARN"]
    details = {"autoScalingGroupArn": arn, "managedDraining": "ENABLED"}
    ecs.create_capacity_provider(name=name, autoScalingGroupProvider=details)
    ecs.create_cluster(clusterName=name)
    ecs.put_cluster_capacity_providers(
        cluster=name, capacityProviders=[name], defaultCapacityProviderStrategy=[]
    )
    return name


def states(aws: Emulator, name: str) -> dict[str, str]:
    described = client(aws, "autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[name]
    )
    instances = [
        instance for group in described["AutoScalingGroups"] for instance in group["Instances"]
    ]
    return {instance["InstanceId"]: instance["LifecycleState"] for instance in instances}


def drained_instances_wait_for_their_hook(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), drained_group(aws, 2)
    before = states(aws, name)
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    waiting = [instance for instance, state in states(aws, name).items() if state == WAITING]
    if len(waiting) != 1:
        return False
    scaling.complete_lifecycle_action(
        AutoScalingGroupName=name,
        LifecycleHookName=HOOK,
        InstanceId=waiting[0],
        LifecycleActionResult="CONTINUE",
    )
    return states(aws, name).keys() == before.keys() - set(waiting)


def ended_instances_wait_and_are_replaced(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), drained_group(aws, 1)
    (ended,) = states(aws, name)
    scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=ended, ShouldDecrementDesiredCapacity=False
    )
    now = states(aws, name)
    return now.pop(ended, "") == WAITING and list(now.values()) == ["InService"]


def instances_that_ecs_does_not_drain_wait_for_nothing(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), drained_group(aws, 1)
    client(aws, "ecs").update_capacity_provider(
        name=name, autoScalingGroupProvider={"managedDraining": "DISABLED"}
    )
    hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    return (hooks, states(aws, name)) == ([], {})


def groups_of_instances_are_deleted_by_force_only(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), drained_group(aws, 1)
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1)
    try:
        scaling.delete_auto_scaling_group(AutoScalingGroupName=name)
    except ClientError as error:
        refused = error.response["Error"]["Code"] == "ResourceInUse"
        scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        return refused and states(aws, name) == {}
    return False


def _group_with_launch_hook(aws: Emulator) -> str:
    scaling, name = client(aws, "autoscaling"), group(aws, MinSize=0, MaxSize=2)
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=name,
        LifecycleHookName="ready",
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
    )
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1)
    return name


def new_instances_wait_for_their_launch_hook(aws: Emulator) -> bool:
    name = _group_with_launch_hook(aws)
    first, state = only_instance(aws, name)
    client(aws, "autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    return (first, "Pending:Wait") == (first, state) == only_instance(aws, name)


def launch_hooks_notify_nobody_unasked(aws: Emulator) -> bool:
    name = _group_with_launch_hook(aws)
    response = client(aws, "autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=name)
    (hook,) = response["LifecycleHooks"]
    return not {"RoleARN", "NotificationTargetARN"} & hook.keys()


def launch_hooks_can_be_completed(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), _group_with_launch_hook(aws)
    instance, _ = only_instance(aws, name)
    hook = {"AutoScalingGroupName": name, "LifecycleHookName": "ready", "InstanceId": instance}
    scaling.complete_lifecycle_action(**hook, LifecycleActionResult="CONTINUE")
    _, state = only_instance(aws, name)
    try:
        scaling.complete_lifecycle_action(**hook, LifecycleActionResult="CONTINUE")
    except ClientError as refused:
        return state == "InService" and "No active Lifecycle Action found" in str(refused)
    return False


def abandoned_instances_are_replaced(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), _group_with_launch_hook(aws)
    instance, _ = only_instance(aws, name)
    scaling.complete_lifecycle_action(
        AutoScalingGroupName=name,
        LifecycleHookName="ready",
        InstanceId=instance,
        LifecycleActionResult="ABANDON",
    )
    other, state = only_instance(aws, name)
    return other != instance and state == "Pending:Wait"


def hosts_complete_the_hooks_of_their_own_group_only(aws: Emulator) -> bool:
    names = [_group_with_launch_hook(aws) for _ in range(2)]
    action = "autoscaling:CompleteLifecycleAction"
    allowed = f"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{names[0]}"
    arn = role(aws, {"Service": "ec2.amazonaws.com"}, allow={"Action": action, "Resource": allowed})
    credentials = aws.assume_role(arn, service="ec2.amazonaws.com")
    scaling = aws.session(credentials).client("autoscaling")

    def completes(name: str) -> bool:
        instance, _ = only_instance(aws, name)
        try:
            scaling.complete_lifecycle_action(
                AutoScalingGroupName=name,
                LifecycleHookName="ready",
                InstanceId=instance,
                LifecycleActionResult="CONTINUE",
            )
        except ClientError as refused:
            return "AccessDenied" not in str(refused)
        return True

    return [completes(name) for name in names] == [True, False]


def hosts_that_leave_complete_no_launch_hook(aws: Emulator) -> bool:
    scaling, name = client(aws, "autoscaling"), drained_group(aws, 1)
    (instance,) = states(aws, name)
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    try:
        scaling.complete_lifecycle_action(
            AutoScalingGroupName=name,
            LifecycleHookName="ready",
            InstanceId=instance,
            LifecycleActionResult="CONTINUE",
        )
    except ClientError as refused:
        return "No active" in str(refused) and states(aws, name) == {instance: WAITING}
    return False


QUESTIONS = [
    drained_instances_wait_for_their_hook,
    ended_instances_wait_and_are_replaced,
    groups_of_instances_are_deleted_by_force_only,
    hosts_that_leave_complete_no_launch_hook,
    launch_hooks_notify_nobody_unasked,
    new_instances_wait_for_their_launch_hook,
    launch_hooks_can_be_completed,
    abandoned_instances_are_replaced,
    hosts_complete_the_hooks_of_their_own_group_only,
]
