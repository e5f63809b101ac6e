"""Corrections of moto 5.2.5 about hosts: autoscaling groups and launch templates.

See moto_corrections.py, which applies them with the others.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import parse_user_data

from integration.local.replacing import after, instead


def apply_host_corrections() -> None:
    """Correct moto in this process."""
    scaling_policies_return_whether_they_are_enabled()
    autoscaling_groups_keep_their_warmup()
    autoscaling_groups_keep_their_instance_types()
    launch_templates_keep_their_own_tags_apart()
    launch_templates_return_their_new_tags()
    launch_template_versions_can_be_launched()
    instances_can_be_refreshed()


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


def autoscaling_groups_keep_their_warmup() -> None:
    """CreateAutoScalingGroup and UpdateAutoScalingGroup drop ``DefaultInstanceWarmup``."""

    def keep(response: Any, _: Any) -> None:
        seconds = response._get_int_param("DefaultInstanceWarmup")
        if seconds is not None:
            name = response._get_param("AutoScalingGroupName")
            group = response.autoscaling_backend.autoscaling_groups[name]
            group.default_instance_warmup = seconds

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
            if not any(given.get(one) for one in launched_from):
                group.mixed_instances_policy = kept

        return update

    instead(FakeAutoScalingGroup, "update", make)


def launch_templates_keep_their_own_tags_apart() -> None:
    """CreateLaunchTemplate adds the template's tags to the tags of what is launched from it."""

    def remove(response: Any, answer: Any) -> None:
        template = response.ec2_backend.get_launch_template(
            answer.result["LaunchTemplate"]["LaunchTemplateId"]
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

    def convert(_: Any, answer: Any) -> None:
        data = answer.result["LaunchTemplateVersion"]["LaunchTemplateData"]
        if "UserData" in data:
            data["UserData"] = parse_user_data(data["UserData"])

    after(LaunchTemplates, "create_launch_template_version", convert)


def instances_can_be_refreshed() -> None:
    """moto does not know StartInstanceRefresh, which Terraform calls for a changed template.

    All instances are replaced at once: AWS keeps to the percentages of healthy ones. The local
    cloud lets the old ones serve until the new ones do.
    """

    def start(response: Any) -> ActionResult:
        backend = response.autoscaling_backend
        group = backend.autoscaling_groups[response._get_param("AutoScalingGroupName")]
        for state in list(group.instance_states):
            backend.terminate_instance(state.instance.id, should_decrement=False)
        return ActionResult({"InstanceRefreshId": str(uuid4())})

    AutoScalingResponse.start_instance_refresh = start  # type: ignore[attr-defined]
