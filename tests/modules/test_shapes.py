"""Properties of the stack for every combination of two choices that shape it."""

import json
import re
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

import pytest
from allpairspy import AllPairs

from modules.settings.shape import SHAPE

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]

CHOICES: dict[str, list[Any]] = {
    "load_balancer": ["network", "classic"],
    "blob_delivery": ["cache", "proxy", "redirect"],
    "zones": [2, 3],
    "host_network": ["public", "nat", "nat_per_zone", "endpoints"],
    "alarms": [True, False],
    "acme_email": ["", "a@example.com"],
    "replica_bucket": ["", "copies"],
    "backend": ["local", "s3", "cloud"],
}
#: What some of these ask for; it shapes nothing more.
FIXED: dict[str, Any] = {
    "registry_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1",
    "image_version_days": 30,
    "backend_bucket": "states",
    "backend_organization": "acme",
    "acme_directory": "https://acme.example.com/directory",
    "acme_trust": "",
    "dns_zone_id": "Z0123456789",
    "domain": "registry.example.com",
}
#: Chosen by the tests of the backend.
ELSEWHERE = {"backend_workspace", "backend_tags"}

#: Named within something that has the environment's name.
INSIDE = {
    "aws_autoscaling_lifecycle_hook",
    "aws_cloudwatch_log_metric_filter",
    "aws_iam_role_policy",
}
NAMES = ("name", "alarm_name", "dashboard_name", "scheduled_action_name", "family")


class Shape(NamedTuple):
    """One combination."""

    choices: dict[str, Any]

    def __str__(self) -> str:
        return "-".join(str(value) for value in self.choices.values())


def _is_possible(row: list[Any]) -> bool:
    """Return whether the choices so far go together: an authority is not reached by endpoints."""
    chosen = dict(zip(CHOICES, row, strict=False))
    return not (chosen.get("acme_email") and chosen.get("host_network") == "endpoints")


SHAPES = [
    Shape(dict(zip(CHOICES, row, strict=True)))
    for row in AllPairs(list(CHOICES.values()), filter_func=_is_possible)
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


@pytest.fixture
def shaped(synthesize: Synthesize, shape: Shape) -> Stack:
    return synthesize(**FIXED, **shape.choices)


def test_every_setting_that_shapes_the_stack_is_varied() -> None:
    assert CHOICES.keys() | FIXED.keys() & SHAPE | ELSEWHERE == SHAPE


def blocks(stack: Stack) -> Iterator[tuple[str, str, Any]]:
    """Yield each resource and data source with its address and its top-level construct."""
    for prefix, section in (("", "resource"), ("data.", "data")):
        for kind, named in stack[section].items():
            for name, block in named.items():
                path = block["//"]["metadata"]["path"]
                yield f"{prefix}{kind}.{name}", path.split("/")[1], block


def references(block: Any) -> set[str]:
    """Yield the addresses that a block names."""
    text = json.dumps({key: value for key, value in block.items() if key != "//"})
    return set(re.findall(r"(?:data\.)?\baws_\w+\.\w+", text))


@each_shape
def test_every_reference_is_to_something_that_exists(shaped: Stack) -> None:
    there = {address for address, _, _ in blocks(shaped)}
    there |= {f"{kind}.{name}" for kind, named in shaped["ephemeral"].items() for name in named}
    named = {reference for _, _, block in blocks(shaped) for reference in references(block)}
    text = json.dumps({key: shaped[key] for key in ("resource", "data", "output", "variable")})
    assert named - there == set()
    assert set(re.findall(r"var\.(\w+)", text)) <= shaped["variable"].keys()


@each_shape
def test_top_level_constructs_do_not_refer_in_a_circle(shaped: Stack) -> None:
    owners = {address: owner for address, owner, _ in blocks(shaped)}
    graph: dict[str, set[str]] = {}
    for _, owner, block in blocks(shaped):
        needed = {owners[reference] for reference in references(block) & owners.keys()} - {owner}
        graph.setdefault(owner, set()).update(needed)
    assert list(TopologicalSorter(graph).static_order())


@each_shape
def test_names_begin_with_that_of_the_environment(shaped: Stack) -> None:
    for kind, named in shaped["resource"].items():
        for address, block in named.items():
            for field in NAMES:
                name = block.get(field, "${var.name}")
                assert kind in INSIDE or re.match(
                    r"\$\{var\.name\}|/wharf/\$\{var\.name\}|hosts-\$\{var\.name\}|\$\{(aws_|each)",
                    name,
                ), f"{kind}.{address}: {name}"


@each_shape
def test_only_the_balancer_is_reached_from_outside(shaped: Stack) -> None:
    rules = shaped["resource"]["aws_vpc_security_group_ingress_rule"].values()
    open_to_networks = {
        (rule["security_group_id"], rule["from_port"]) for rule in rules if "cidr_ipv4" in rule
    }
    assert open_to_networks == {
        ("${aws_security_group.network_balancer.id}", 443),
        ("${aws_security_group.network_hosts.id}", 22),
        ("${aws_security_group.network_hosts.id}", 9113),
    }


@each_shape
def test_only_nginx_reaches_the_registry(shaped: Stack) -> None:
    task = shaped["resource"]["aws_ecs_task_definition"]["service_task"]
    assert task["container_definitions"].count('"portMappings"') == 1
    assert '"containerPort": 5000' not in task["container_definitions"]


@each_shape
def test_no_secret_is_in_the_text_of_the_stack(shaped: Stack) -> None:
    text = json.dumps(shaped["resource"]["aws_ecs_task_definition"])
    assert "var.aws_secret_access_key" not in text
    versions = shaped["resource"]["aws_secretsmanager_secret_version"].values()
    assert all("secret_string" not in version for version in versions)
