"""The order that the stack asks for is the order between the modules."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from wharf_proxy.errors import ConfigurationError

from modules.settings.settings import Settings
from scripts.terraform_modules.files import outputs
from scripts.terraform_modules.order import reached
from scripts.terraform_modules.partition import Module, partition
from scripts.terraform_modules.references import link
from scripts.terraform_modules.synthesis import Synthesized, synthesize
from scripts.terraform_modules.templates import references_in
from tests.support.small_stack import body, modules, resource

PRIVATE = {
    "registry_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1",
    "host_network": "endpoints",
}
SHAPES: dict[str, dict[str, Any]] = {
    "default": {},
    "largest": {"replica_bucket": "copies", "image_version_days": 30, **PRIVATE},
    "classic": {"load_balancer": "classic", "alarms": False},
}


def graph(made: dict[str, Module]) -> dict[str, set[str]]:
    """Return the addresses that each block, input and output of all modules names."""
    found: dict[str, set[str]] = {}
    for name, module in made.items():

        def full(address: str, name: str = name) -> str:
            return f"{name}:{address}"

        for block in module.blocks:
            found[full(block.address)] = {*map(full, references_in(block.body))}
        for output, content in module.outputs.items():
            found[full(f"output.{output}")] = {*map(full, references_in(content))}
        for variable, value in module.arguments.items():
            taken = re.fullmatch(r"module\.(\w+)\.(\w+)", value)
            found[full(f"var.{variable}")] = {f"{taken[1]}:output.{taken[2]}"} if taken else set()
    return found


def waits(stack: Synthesized) -> Iterator[tuple[str, str]]:
    """Yield each resource that waits, with the one that it waits for."""
    for type_, named in stack.terraform["resource"].items():
        for name, content in named.items():
            for other in content.get("depends_on", ()):
                yield f"{type_}.{name}", other


@pytest.mark.parametrize("shape", SHAPES)
def test_waits_of_the_stack_are_waits_of_the_modules(shape: str) -> None:
    stack = synthesize(Settings(**SHAPES[shape]))
    wanted = [*waits(stack)]
    made, owners = partition(stack)
    link(made, owners, stack.terraform)
    of_modules = graph(made)

    def place(address: str) -> str:
        owner, block = owners[address]
        return f"{owner}:{block.address}"

    kept = {
        waiting: reached([place(waiting)], of_modules)
        for waiting in {waiting for waiting, _ in wanted}
    }
    assert len(wanted) > 30
    assert [pair for pair in wanted if place(pair[1]) not in kept[pair[0]]] == []


def waiting(*for_: str, **value: str) -> tuple[dict[str, Module], dict[str, Any]]:
    """Return modules of which ``two`` waits for blocks of ``one``, and the outputs that wait."""
    resources = {
        "aws_a": {
            "one_x": resource("one/x", of="${aws_a.one_behind.id}"),
            "one_behind": resource("one/behind"),
            "one_lonely": resource("one/lonely"),
        },
        "aws_w": {
            "one_p": resource("one/p", of="${aws_a.one_x.id}"),
            "one_q": resource("one/q", of="${aws_w.one_p.id}"),
        },
        "aws_b": {
            "two_y": resource("two/y", depends_on=[*for_, "aws_b.two_z"], **value),
            "two_z": resource("two/z", of="${aws_a.one_behind.id}"),
        },
    }
    made = modules("one", "two", resource=resources)
    return made, {
        name: output["depends_on"]
        for name, output in made["one"].outputs.items()
        if "depends_on" in output
    }


def test_a_wait_for_another_construct_is_added_to_a_value_of_it() -> None:
    made, outputs_that_wait = waiting("aws_w.one_p", value="${aws_a.one_x.id}")
    assert made["two"].blocks[0].body == {"value": "${var.x_a_id}", "depends_on": ["aws_b.z"]}
    assert made["two"].arguments.keys() == {"x_a_id", "behind_a_id"}
    assert outputs_that_wait == {"x_a_id": ["aws_w.p"]}
    assert "= [\n    aws_w.p,\n  ]" in outputs(made["one"].outputs)


def test_a_wait_that_a_reference_implies_adds_nothing() -> None:
    _, outputs_that_wait = waiting("aws_a.one_x", "aws_a.one_behind", value="${aws_a.one_x.id}")
    assert outputs_that_wait == {}


def test_of_blocks_that_wait_for_each_other_only_the_last_is_kept() -> None:
    _, outputs_that_wait = waiting("aws_w.one_p", "aws_w.one_q", value="${aws_a.one_x.id}")
    assert {*map(tuple, outputs_that_wait.values())} == {("aws_w.q",)}


def test_a_wait_for_an_unrelated_block_is_added_to_the_nearest_value() -> None:
    _, outputs_that_wait = waiting("aws_a.one_lonely", value="${aws_a.one_x.id}")
    assert outputs_that_wait == {"x_a_id": ["aws_a.lonely"]}


def test_a_wait_for_a_construct_without_a_value_of_it_is_refused() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x")},
        "aws_b": {"two_y": resource("two/y", depends_on=["aws_a.one_x"])},
    }
    wanted = r"^The construct two waits for aws_a.x of one, but its aws_b.y takes no value of one: "
    with pytest.raises(ConfigurationError, match=wanted):
        modules("one", "two", resource=resources)


def test_the_root_waits_for_a_module() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x")},
        "aws_b": {"y": resource("y", depends_on=["aws_a.one_x"])},
    }
    assert body(modules("one", resource=resources)[""]) == {"depends_on": ["module.one"]}


def test_a_wait_for_a_block_of_no_module_is_refused() -> None:
    resources = {
        "aws_a": {"x": resource("x")},
        "aws_b": {"two_y": resource("two/y", depends_on=["aws_a.x"])},
    }
    with pytest.raises(
        ConfigurationError, match=r"^The construct two waits for aws_a.x, which is in none"
    ):
        modules("two", resource=resources)
