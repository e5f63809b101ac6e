"""Corrections of moto 5.2.5, where it answers unlike AWS and Wharf's stack meets the difference.

Each is one function that says what is wrong; ``apply_corrections`` makes all of them, in the
process that serves moto. ``tests/integration/local/test_moto_corrections.py`` fails when moto no
longer needs one.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from moto.autoscaling.models import AutoScalingBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elb.models import LoadBalancer as ClassicBalancer

from integration.local.emulator.moto_access import apply_access_corrections
from integration.local.emulator.moto_buckets import apply_bucket_corrections
from integration.local.emulator.moto_draining import apply_draining_corrections
from integration.local.emulator.moto_hosts import apply_host_corrections
from integration.local.emulator.moto_network import apply_network_corrections
from integration.local.emulator.moto_route53 import apply_route53_corrections
from integration.local.emulator.moto_sts import apply_sts_corrections
from integration.local.emulator.moto_tasks import apply_task_corrections
from integration.local.emulator.replacing import after, instead

#: What CreateService is given and DescribeServices returns, and moto forgets: in moto's
#: spelling, with what AWS returns when it is not given (None: the field is absent).
#: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
SERVICE_FIELDS: dict[str, tuple[str, Any]] = {
    "availability_zone_rebalancing": ("availabilityZoneRebalancing", "DISABLED"),
    "capacity_provider_strategy": ("capacityProviderStrategy", None),
    "deployment_configuration": ("deploymentConfiguration", None),
    "enable_ecs_managed_tags": ("enableECSManagedTags", False),
    "enable_execute_command": ("enableExecuteCommand", False),
    "health_check_grace_period_seconds": ("healthCheckGracePeriodSeconds", None),
    "placement_constraints": ("placementConstraints", []),
    "placement_strategy": ("placementStrategy", []),
}


def apply_corrections() -> None:
    """Correct moto in this process. To be called once, before the first request."""
    ecs_services_return_what_they_were_given()
    ecs_deployment_configurations_are_complete()
    ecs_services_without_a_network_have_none()
    deleted_capacity_providers_are_inactive()
    capacity_providers_are_listed_without_a_name()
    capacity_providers_change_whether_they_drain()
    ec2_containers_may_reserve_memory_without_a_limit()
    rules_keep_their_description()
    classic_balancers_have_a_zone()
    tags_name_kinds_as_aws_does()
    scaling_policies_go_with_their_group()
    apply_bucket_corrections()
    apply_access_corrections()
    apply_host_corrections()
    apply_network_corrections()
    apply_draining_corrections()
    apply_sts_corrections()
    apply_route53_corrections()
    apply_task_corrections()


def ecs_services_return_what_they_were_given() -> None:
    """CreateService drops most settings; Terraform would set them again in every plan."""

    def keep(response: Any, result: Any) -> None:
        service = result.result["service"]
        for attribute, (parameter, default) in SERVICE_FIELDS.items():
            given = response._get_param(parameter)
            setattr(service, attribute, default if given is None else given)

    after(EC2ContainerServiceResponse, "create_service", keep)


def ecs_deployment_configurations_are_complete() -> None:
    """Let absent values of a deployment configuration keep their value, at first the default.

    The provider never sends the maximum of a daemon service and expects it back; in an update it
    sends what has changed, which moto takes for all of it.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def update(backend: Any, given: dict[str, Any]) -> Any:
            service = backend._get_service(given.get("cluster", "default"), given["service"])
            changes = given.get("deployment_configuration") or {}
            complete = {**service.deployment_configuration, **changes}
            return original(backend, {**given, "deployment_configuration": complete})

        return update

    after(EC2ContainerServiceResponse, "create_service", _complete_deployment)
    instead(EC2ContainerServiceBackend, "update_service", make)


def _complete_deployment(_: Any, result: Any) -> None:
    service = result.result["service"]
    daemon = service.scheduling_strategy == "DAEMON"
    service.deployment_configuration = {
        "maximumPercent": 100 if daemon else 200,
        "minimumHealthyPercent": 0 if daemon else 100,
        **(service.deployment_configuration or {}),
    }


def ecs_services_without_a_network_have_none() -> None:
    """Omit ``networkConfiguration: {}`` outside ``awsvpc``: it crashes the provider.

    The field must be absent: the provider reads the subnets of a configuration that is there.
    """

    def drop(_: Any, service: Any) -> None:
        service.network_configuration = service.network_configuration or None

    after(EC2ContainerServiceBackend, "create_service", drop)


def capacity_providers_change_whether_they_drain() -> None:
    """UpdateCapacityProvider drops ``managedDraining``."""

    def keep(response: Any, result: Any) -> None:
        asked = response._get_param("autoScalingGroupProvider")
        if "managedDraining" in asked:
            provider = result.result["capacityProvider"].auto_scaling_group_provider
            provider["managedDraining"] = asked["managedDraining"]

    after(EC2ContainerServiceResponse, "update_capacity_provider", keep)


def deleted_capacity_providers_are_inactive() -> None:
    """Describe a deleted capacity provider as INACTIVE; Terraform waits for that.

    And a deletion that is asked for again, because the answer to the first was lost, is a status
    500 of moto's, which the provider repeats for 20 minutes (seen).
    """

    def deleting_twice(original: Any) -> Callable[..., Any]:
        def delete(backend: Any, asked: str) -> Any:
            deleted = vars(backend).setdefault("deleted_capacity_providers", {})
            name = _bare_name(asked)
            if name not in deleted:
                provider = deleted[name] = original(backend, asked)
                provider.status = "INACTIVE"
                provider.update_status = "DELETE_COMPLETE"
            return deleted[name]

        return delete

    def forget(backend: Any, provider: Any) -> None:
        vars(backend).get("deleted_capacity_providers", {}).pop(provider.name, None)

    def with_deleted(original: Any) -> Callable[..., Any]:
        def describe(backend: Any, asked: list[str]) -> Any:
            providers, failures = original(backend, asked)
            deleted = vars(backend).get("deleted_capacity_providers", {})
            found = {name: deleted[name] for name in map(_bare_name, asked) if name in deleted}
            missing = [f for f in failures if _bare_name(f.arn) not in found]
            return [*providers, *found.values()], missing

        return describe

    instead(EC2ContainerServiceBackend, "delete_capacity_provider", deleting_twice)
    after(EC2ContainerServiceBackend, "create_capacity_provider", forget)
    instead(EC2ContainerServiceBackend, "describe_capacity_providers", with_deleted)


def capacity_providers_are_listed_without_a_name() -> None:
    """DescribeCapacityProviders that names none is about all; moto's answer is a status 500."""

    def about_all(original: Any) -> Callable[..., Any]:
        def describe(backend: Any, asked: list[str] | None) -> Any:
            return original(backend, list(backend.capacity_providers) if asked is None else asked)

        return describe

    instead(EC2ContainerServiceBackend, "describe_capacity_providers", about_all)


def _bare_name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def ec2_containers_may_reserve_memory_without_a_limit() -> None:
    """RegisterTaskDefinition wants ``memory`` of tasks for EC2, where AWS takes a reservation too.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def validate(memory: str | None, definitions: list[dict[str, Any]], kinds: Any) -> None:
            # Without a kind moto asks for one of the two, which is AWS's rule for EC2.
            original(memory, definitions, [kind for kind in kinds or () if kind != "EC2"])

        return staticmethod(validate)

    instead(EC2ContainerServiceBackend, "_validate_container_defs", make)


def rules_keep_their_description() -> None:
    """moto shows the description of a rule only where its peer is a network.

    A group is kept with its description, of a prefix list the identifier only.
    """

    def make(original: Any) -> Callable[..., None]:
        def __init__(rule: Any, *given: Any, **named: Any) -> None:
            original(rule, *given, **named)
            arguments = signature(original).bind(rule, *given, **named).arguments
            rule.prefix_list = arguments.get("prefix_list_id") or {}

        return __init__

    def described(rule: Any) -> Any:
        peers = (rule.ip_range, rule.source_group, rule.prefix_list)
        return next((peer["Description"] for peer in peers if peer.get("Description")), None)

    instead(SecurityGroupRule, "__init__", make)
    SecurityGroupRule.description = property(described)  # type: ignore[method-assign,assignment]


def classic_balancers_have_a_zone() -> None:
    """moto gives a classic balancer no zone, without which no record can point to it.

    https://docs.aws.amazon.com/general/latest/gr/elb.html has that of each region.
    """
    ClassicBalancer.canonical_hosted_zone_name_id = "Z35SXDOTRQ7X7K"  # type: ignore[attr-defined]


def tags_name_kinds_as_aws_does() -> None:
    """DescribeTags calls some kinds by names of moto's own; what is found by a tag has others.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
    """
    EC2_PREFIX_TO_RESOURCE.update(
        {"nat": "natgateway", "eipalloc": "elastic-ip", "fl": "vpc-flow-log"}
    )


def scaling_policies_go_with_their_group() -> None:
    """Delete the policies of a group with the group, as AWS does.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
    """

    def forget(backend: Any, _: Any) -> None:
        for name, policy in list(backend.policies.items()):
            if policy.auto_scaling_group_name not in backend.autoscaling_groups:
                del backend.policies[name]

    after(AutoScalingBackend, "delete_auto_scaling_group", forget)
