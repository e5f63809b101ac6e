"""Managed draining for moto 5.2.5: the hook that keeps an instance until it is empty.

Hooks are completed here, those of a launch (moto_hosts.py) as well.

ECS puts a termination hook on the group of a capacity provider. An instance that the group gives up
then waits until its hook is completed, which ECS does as long as the cluster has the capacity
provider, and nobody afterwards. The local cloud is ECS: it completes the hooks of hosts that it has
drained (``draining.complete_hooks``). An hour passes for nobody here, so no hook ends by itself.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html

See moto_corrections.py, which applies these with the others.
"""

from collections.abc import Callable
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    TerminateInstanceActivity,
    autoscaling_backends,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from integration.local.api.draining import HOOK, WAITING
from integration.local.api.instances import PENDING
from integration.local.emulator.moto_hosts import group_of
from integration.local.emulator.replacing import after, instead

#: Seconds that the hook keeps an instance.
HEARTBEAT = 3600


class ResourceInUse(AutoscalingClientError):
    """The response to who deletes a group of instances without force."""

    code = "ResourceInUse"


def apply_draining_corrections() -> None:
    """Correct moto in this process."""
    capacity_providers_put_a_hook_on_their_group()
    groups_keep_instances_until_their_hook_is_completed()
    lifecycle_actions_can_be_completed()
    groups_of_instances_are_deleted_by_force_only()


def capacity_providers_put_a_hook_on_their_group() -> None:
    """moto keeps ``managedDraining`` and does nothing for it."""

    def attached(backend: Any, cluster: Any) -> None:
        for name in cluster.capacity_providers or ():
            if provider := backend._get_provider(name):
                _set_hook(provider)

    def changed(_: Any, result: Any) -> None:
        _set_hook(result.result["capacityProvider"])

    after(EC2ContainerServiceBackend, "put_cluster_capacity_providers", attached)
    # Of the response, which is corrected to keep the change.
    after(EC2ContainerServiceResponse, "update_capacity_provider", changed)


def _set_hook(provider: Any) -> None:
    details = provider.auto_scaling_group_provider
    _, _, _, region, account, *_, group = (
        details["autoScalingGroupArn"].replace("/", ":").split(":")
    )
    backend = autoscaling_backends[account][region] if account and region else None
    if backend is None or group not in backend.autoscaling_groups:
        return
    if details.get("managedDraining") == "ENABLED":
        end = "autoscaling:EC2_INSTANCE_TERMINATING"
        backend.create_lifecycle_hook(HOOK, group, end, HEARTBEAT, "CONTINUE")
    else:
        backend.delete_lifecycle_hook(group, HOOK)


def groups_keep_instances_until_their_hook_is_completed() -> None:
    """moto ends an instance that its group gives up at once, whatever hooks the group has."""

    def resizing(original: Any) -> Callable[..., None]:
        def set_desired_capacity(group: Any, capacity: int | None) -> None:
            if _has_hook(group):
                wanted = group.min_size if capacity is None else capacity
                active = group.active_instances()
                for state in active[: max(len(active) - wanted, 0)]:
                    state.lifecycle_state = WAITING
            original(group, capacity)

        return set_desired_capacity

    def ending(original: Any) -> Callable[..., Any]:
        def terminate_instance(backend: Any, instance_id: str, should_decrement: bool) -> Any:
            states = [
                state
                for group in backend.autoscaling_groups.values()
                for state in group.instance_states
            ]
            state = next((state for state in states if state.instance.id == instance_id), None)
            if state is None or not _has_hook(state.auto_scaling_group):
                return original(backend, instance_id, should_decrement)
            group = state.auto_scaling_group
            before = group.desired_capacity
            state.lifecycle_state = WAITING
            group.set_desired_capacity(before - should_decrement)
            return TerminateInstanceActivity(state.instance, before)

        return terminate_instance

    instead(FakeAutoScalingGroup, "set_desired_capacity", resizing)
    instead(AutoScalingBackend, "terminate_instance", ending)


def _has_hook(group: Any) -> bool:
    return bool(group.autoscaling_backend.describe_lifecycle_hooks(group.name, [HOOK]))


def lifecycle_actions_can_be_completed() -> None:
    """moto does not know CompleteLifecycleAction; IAM is asked about the group.

    ECS completes its termination hook, and a host the launch hook of its group.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
    """

    def complete(response: Any) -> ActionResult:
        backend, group = response.autoscaling_backend, group_of(response)
        instance = response._get_param("InstanceId")
        held = WAITING if response._get_param("LifecycleHookName") == HOOK else PENDING
        for state in group.instance_states:
            if state.instance.id == instance and state.lifecycle_state == held:
                break
        else:
            raise ValidationError(f"No active Lifecycle Action found with instance ID {instance}")
        if held == WAITING:
            _end(backend, group, [state])
        elif response._get_param("LifecycleActionResult") == "CONTINUE":
            state.lifecycle_state = "InService"
        else:
            backend.terminate_instance(instance, should_decrement=False)
        return ActionResult({})

    def resource(response: Any) -> str:
        """Name what IAM is asked about: moto calls this method of every response that has it."""
        if response._get_action() != "CompleteLifecycleAction":
            return "*"
        return str(group_of(response).arn)

    AutoScalingResponse.complete_lifecycle_action = complete  # type: ignore[attr-defined]
    AutoScalingResponse._determine_resource = resource  # type: ignore[attr-defined]


def groups_of_instances_are_deleted_by_force_only() -> None:
    """moto takes no notice of ``ForceDelete``, without which AWS refuses, and no hook counts.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def delete(response: Any) -> Any:
            backend, name = (
                response.autoscaling_backend,
                response._get_param("AutoScalingGroupName"),
            )
            group = backend.autoscaling_groups.get(name)
            if group and group.instance_states and not response._get_bool_param("ForceDelete"):
                raise ResourceInUse(
                    "You cannot delete an AutoScalingGroup while there are instances or pending "
                    "Spot instance request(s) still in the group."
                )
            if group:
                backend.delete_lifecycle_hook(name, HOOK)
                _end(backend, group, list(group.instance_states))
            return original(response)

        return delete

    instead(AutoScalingResponse, "delete_auto_scaling_group", make)


def _end(backend: Any, group: Any, states: list[Any]) -> None:
    for state in states:
        group.instance_states.remove(state)
        backend.ec2_backend.terminate_instances([state.instance.id])
