"""Corrections of moto 5.2.5 about hosts: autoscaling groups and launch templates.

See moto_corrections.py, which applies them with the others.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import parse_user_data

from integration.local.api.instances import PENDING
from integration.local.emulator.replacing import after, instead

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"


def apply_host_corrections() -> None:
    """Correct moto in this process."""
    scaling_policies_return_whether_they_are_enabled()
    autoscaling_groups_return_what_they_were_given()
    autoscaling_groups_keep_their_instance_types()
    autoscaling_groups_keep_to_their_minimum()
    launch_templates_keep_their_own_tags_apart()
    launch_templates_return_their_new_tags()
    launch_template_versions_can_be_launched()
    instances_can_be_refreshed()
    launch_hooks_notify_nobody_unasked()
    new_instances_wait_for_their_launch_hook()


def scaling_policies_return_whether_they_are_enabled() -> None:
    """PutScalingPolicy drops ``Enabled`` and returns an empty predictive configuration.

    Terraform reads both as a difference from what it asked for.
    """

    def keep(response: Any, _: Any) -> None:
        given = response._get_params()
        policy = response.autoscaling_backend.policies[given["PolicyName"]]
        policy.enabled = given.get("Enabled", True)
        policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None

    after(AutoScalingResponse, "put_scaling_policy", keep)


#: What CreateAutoScalingGroup and UpdateAutoScalingGroup are given, and moto forgets.
GROUP_FIELDS = {
    "default_instance_warmup": "DefaultInstanceWarmup",
    "instance_maintenance_policy": "InstanceMaintenancePolicy",
    "max_instance_lifetime": "MaxInstanceLifetime",
}


def autoscaling_groups_return_what_they_were_given() -> None:
    """Keep the settings that moto drops; Terraform would set them again in every plan."""

    def keep(response: Any, _: Any) -> None:
        name = response._get_param("AutoScalingGroupName")
        group = response.autoscaling_backend.autoscaling_groups[name]
        for attribute, parameter in GROUP_FIELDS.items():
            if (given := response._get_param(parameter)) is not None:
                setattr(group, attribute, given)

    after(AutoScalingResponse, "create_auto_scaling_group", keep)
    after(AutoScalingResponse, "update_auto_scaling_group", keep)


def autoscaling_groups_keep_their_instance_types() -> None:
    """UpdateAutoScalingGroup drops the MixedInstancesPolicy when it is given none.

    Terraform then finds a difference after every scaling, and replaces all hosts for it.
    """

    def make(original: Any) -> Callable[..., Any]:
        def update(group: Any, **given: Any) -> None:
            kept = group.mixed_instances_policy
            original(group, **given)
            launched_from = "mixed_instances_policy", "launch_template", "launch_config_name"
            if not any(given.get(source) for source in launched_from):
                group.mixed_instances_policy = kept

        return update

    instead(FakeAutoScalingGroup, "update", make)


def autoscaling_groups_keep_to_their_minimum() -> None:
    """SetDesiredCapacity takes a number below the minimum, which AWS refuses to all.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def set_desired(response: Any) -> Any:
            hosts, least = response._get_int_param("DesiredCapacity"), group_of(response).min_size
            if hosts < least:
                raise AutoscalingClientError(
                    "ValidationError",
                    f"New SetDesiredCapacity value {hosts} is below min value {least} for the "
                    "AutoScalingGroup.",
                )
            return original(response)

        return set_desired

    # Of the response: a group that is deleted by force is emptied, too.
    instead(AutoScalingResponse, "set_desired_capacity", make)


def launch_templates_keep_their_own_tags_apart() -> None:
    """CreateLaunchTemplate adds the template's tags to the tags of what is launched from it."""

    def remove(response: Any, result: Any) -> None:
        template = response.ec2_backend.get_launch_template(
            result.result["LaunchTemplate"]["LaunchTemplateId"]
        )
        data = template.latest_version().data
        kept = [
            specification
            for specification in data.pop("TagSpecifications", [])
            if specification["ResourceType"] != "launch-template"
        ]
        if kept:
            data["TagSpecifications"] = kept

    after(LaunchTemplates, "create_launch_template", remove)


def launch_templates_return_their_new_tags() -> None:
    """moto describes a template with the tags of its creation, whatever was tagged since."""

    def make(original: Any) -> Callable[..., Any]:
        def describe(backend: Any, **filters: Any) -> Any:
            templates = original(backend, **filters)
            for template in templates:
                template.tags = template.get_tags()
            return templates

        return describe

    instead(LaunchTemplateBackend, "describe_launch_templates", make)


def launch_template_versions_can_be_launched() -> None:
    """User data of a second version is kept in a form that moto itself refuses: status 500.

    Terraform then retries for minutes whatever launches hosts from that version.
    """

    def convert(_: Any, result: Any) -> None:
        data = result.result["LaunchTemplateVersion"]["LaunchTemplateData"]
        if "UserData" in data:
            data["UserData"] = parse_user_data(data["UserData"])

    after(LaunchTemplates, "create_launch_template_version", convert)


def instances_can_be_refreshed() -> None:
    """moto does not know StartInstanceRefresh, which Terraform calls for a changed template.

    All instances are replaced at once: AWS keeps to the percentages of healthy ones. The local
    cloud lets the old ones serve until the new ones do. None is where one of its alarms is on.
    """

    def start(response: Any) -> ActionResult:
        backend, group = response.autoscaling_backend, group_of(response)
        preferences = response._get_param("Preferences") or {}
        named = preferences.get("AlarmSpecification", {}).get("Alarms", [])
        known = cloudwatch_backends[response.current_account][response.region].alarms
        if not any(known[name].state_value == "ALARM" for name in named if name in known):
            for state in group.active_instances():
                backend.terminate_instance(state.instance.id, should_decrement=False)
        group.refresh = {"InstanceRefreshId": str(uuid4()), "Status": "Successful"}
        return ActionResult(group.refresh)

    def describe(response: Any) -> ActionResult:
        refresh = getattr(group_of(response), "refresh", None)
        return ActionResult({"InstanceRefreshes": [refresh] if refresh else []})

    AutoScalingResponse.start_instance_refresh = start  # type: ignore[attr-defined]
    AutoScalingResponse.describe_instance_refreshes = describe  # type: ignore[attr-defined]


def launch_hooks_notify_nobody_unasked() -> None:
    """Omit moto's role and queue of each hook, which Terraform would remove in every plan."""

    def forget(_: Any, hook: Any) -> None:
        hook.role_arn = hook.notification_target_arn = None

    after(AutoScalingBackend, "create_lifecycle_hook", forget)


def new_instances_wait_for_their_launch_hook() -> None:
    """Hold a new instance back for its launch hook; in moto it is in service at once.

    Here nothing ends it when the hook's time is over: the local cloud gives up first.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
    """

    def hold_back(group: Any, _: Any) -> None:
        hooks = group.autoscaling_backend.describe_lifecycle_hooks(group.name)
        if any(hook.lifecycle_transition == LAUNCHING for hook in hooks):
            for state in group.instance_states:
                # Those from before have been told of already.
                if not hasattr(state, "known"):
                    state.lifecycle_state = PENDING
        for state in group.instance_states:
            state.known = True

    def with_waiting(group: Any) -> list[Any]:
        counted = ("InService", PENDING)
        return [state for state in group.instance_states if state.lifecycle_state in counted]

    after(FakeAutoScalingGroup, "replace_autoscaling_group_instances", hold_back)
    # Or as many would be started again.
    FakeAutoScalingGroup.active_instances = with_waiting  # type: ignore[assignment,method-assign]


def group_of(response: Any) -> Any:
    """Return the autoscaling group that a request names."""
    return response.autoscaling_backend.autoscaling_groups[
        response._get_param("AutoScalingGroupName")
    ]
