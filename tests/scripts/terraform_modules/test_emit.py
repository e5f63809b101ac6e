"""The division of a stack into modules: on small stacks that no construct makes."""

from typing import Any

import pytest
from wharf_proxy.errors import ConfigurationError

from scripts.terraform_modules.files import main
from scripts.terraform_modules.partition import Module
from tests.support.small_stack import body, modules, resource


def two(expression: Any, **more: Any) -> dict[str, Module]:
    """Return the modules of two constructs; the second names the first."""
    resources = {
        "aws_a": {"one_x": resource("one/x")},
        "aws_b": {"two_y": resource("two/y", value=expression)},
    }
    return modules("one", "two", resource=resources, **more)


def test_each_construct_is_a_module_and_its_name_is_dropped_inside() -> None:
    made = two("text")
    assert [*made] == ["", "one", "two"]
    assert made["one"].blocks[0].address == "aws_a.x"


def test_a_construct_more_is_a_module_more() -> None:
    resources = {"aws_a": {"alarms_x": resource("alarms/x"), "one_x": resource("one/x")}}
    assert {"alarms", "one"} <= modules("one", "alarms", resource=resources).keys()


def test_a_reference_is_an_output_of_one_and_a_variable_of_the_other() -> None:
    made = two("${aws_a.one_x.id}")
    assert body(made["two"])["value"] == "${var.x_a_id}"
    assert made["one"].outputs["x_a_id"]["value"] == "${aws_a.x.id}"
    assert made["two"].variables["x_a_id"]["type"] == "string"
    assert made["two"].arguments == {"x_a_id": "module.one.x_a_id"}


def test_an_input_does_not_repeat_the_name_of_its_module() -> None:
    resources = {
        "aws_group": {f"one_{name}": resource(f"one/{name}") for name in ("two", "x")},
        "aws_b": {"two_y": resource("two/y", value="${aws_group.one_two.id}")},
    }
    made = modules("one", "two", resource=resources)
    assert made["two"].arguments == {"group_id": "module.one.two_group_id"}


def test_an_input_that_would_have_the_name_of_a_variable_has_the_whole_name() -> None:
    resources = {
        "aws_a": {"one_two": resource("one/two")},
        "aws_b": {"two_y": resource("two/y", value="${aws_a.one_two.id}${var.a_id}")},
    }
    made = modules("one", "two", resource=resources, variable={"a_id": {"type": "string"}})
    assert made["two"].arguments == {"two_a_id": "module.one.two_a_id", "a_id": "var.a_id"}


def test_a_reference_within_an_expression_is_replaced_where_it_is() -> None:
    made = two('${length(aws_a.one_x.list[0].name) > 1 ? "aws_a.one_x.id" : "a ${aws_a.one_x.id}"}')
    assert body(made["two"])["value"] == (
        '${length(var.x_a_list_0_name) > 1 ? "aws_a.one_x.id" : "a ${var.x_a_id}"}'
    )


@pytest.mark.parametrize("text", ["$${aws_a.one_x.id}", "aws_a.one_x.id", "${each.value}"])
def test_text_without_a_reference_stays(text: str) -> None:
    made = two(text)
    assert body(made["two"])["value"] == text
    assert not made["two"].variables


def test_a_reference_within_a_module_needs_no_variable() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x"), "one_y": resource("one/y", v="${aws_a.one_x.id}")}
    }
    made = modules("one", resource=resources)
    assert made["one"].blocks[1].body["v"] == "${aws_a.x.id}"
    assert not made["one"].variables
    assert not made["one"].outputs


def test_a_name_that_begins_like_another_is_another() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x"), "one_x_y": resource("one/x/y")},
        "aws_b": {"two_y": resource("two/y", value="${aws_a.one_x_y.id}")},
    }
    made = modules("one", "two", resource=resources)
    assert made["two"].arguments == {"x_y_a_id": "module.one.x_y_a_id"}


def test_a_list_of_numbered_resources_is_one_variable() -> None:
    resources = {
        "aws_a": {f"one_z_{number}": resource(f"one/z_{number}") for number in range(3)},
        "aws_b": {"two_y": resource("two/y", value=[f"${{aws_a.one_z_{n}.id}}" for n in range(3)])},
    }
    made = modules("one", "two", resource=resources)
    assert body(made["two"])["value"] == "${var.a_ids}"
    assert made["two"].variables["a_ids"]["type"] == "list(string)"
    assert made["one"].outputs["z_a_ids"]["value"] == [f"${{aws_a.z_{n}.id}}" for n in range(3)]


def test_other_members_of_a_list_have_an_output_of_their_own() -> None:
    def some(*numbers: int) -> list[str]:
        return [f"${{aws_a.one_z_{number}.id}}" for number in numbers]

    resources = {
        "aws_a": {f"one_z_{number}": resource(f"one/z_{number}") for number in range(3)},
        "aws_b": {"two_x": resource("two/x", value=some(0, 1), more=some(1, 2))},
    }
    made = modules("one", "two", resource=resources)
    assert body(made["two"]) == {"value": "${var.a_ids}", "more": "${var.z_a_ids}"}
    assert made["two"].arguments["z_a_ids"] == "module.one.z_a_ids_2"
    assert made["one"].outputs["z_a_ids_2"]["value"] == ["${aws_a.z_1.id}", "${aws_a.z_2.id}"]


def test_two_values_that_would_have_one_name_have_two() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x")},
        "aws_a_y": {"one_x": resource("one/x")},
        "aws_b": {"two_x": resource("two/x", v="${aws_a.one_x.y_id}", w="${aws_a_y.one_x.id}")},
    }
    made = modules("one", "two", resource=resources)
    assert body(made["two"]) == {"v": "${var.x_a_y_id}", "w": "${var.x_a_y_id_2}"}
    assert made["two"].arguments["x_a_y_id_2"] == "module.one.x_a_y_id_2"


def test_references_in_keys_are_found() -> None:
    made = two({"${aws_a.one_x.id}": 1})
    assert body(made["two"])["value"] == {"${var.x_a_id}": 1}


def test_a_variable_is_passed_on_as_it_is() -> None:
    variable = {"type": "string", "description": "A name.", "sensitive": True}
    made = two("${upper(var.name)}", variable={"name": variable, "unused": variable})
    assert made["two"].variables["name"] | variable == made["two"].variables["name"]
    assert made["two"].arguments == {"name": "var.name"}
    assert [*made[""].variables] == ["name"]


def test_a_check_stays_where_all_its_variables_are() -> None:
    alone = {"condition": "${var.low > 0}", "error_message": "alone"}
    both = {"condition": "${var.low < var.high}", "error_message": "both"}
    variables = {
        "low": {"type": "number", "validation": [alone, both]},
        "high": {"type": "number"},
    }
    resources = {
        "aws_a": {"one_x": resource("one/x", value="${var.low}")},
        "aws_b": {"two_y": resource("two/y", value="${var.high}")},
    }
    made = modules("one", "two", resource=resources, variable=variables)
    assert made["one"].variables["low"]["validation"] == [alone]
    assert made[""].variables["low"]["validation"] == [alone, both]


def test_an_ephemeral_value_stays_ephemeral_between_modules() -> None:
    ephemeral: dict[str, Any] = {"aws_e": {"one_e": {}}}
    made = two("${ephemeral.aws_e.one_e.secret}", ephemeral=ephemeral)
    assert made["one"].outputs["e_secret"]["ephemeral"]
    assert made["two"].variables["e_secret"]["ephemeral"]


def test_a_block_without_a_path_goes_to_the_only_module_that_uses_it() -> None:
    made = two("${ephemeral.aws_e.secret.value}", ephemeral={"aws_e": {"secret": {}}})
    assert [block.address for block in made["two"].blocks] == [
        "ephemeral.aws_e.secret",
        "aws_b.y",
    ]


def test_a_local_value_goes_with_its_construct() -> None:
    made = two("${local.one_l}", locals={"one_l": "${aws_a.one_x.id}"})
    assert made["one"].outputs["l"]["value"] == "${local.l}"
    assert [block.body for block in made["one"].blocks if block.kind == "locals"] == [
        "${aws_a.x.id}"
    ]
    assert "l = aws_a.x.id" in main(made["one"], {})


def test_outputs_of_the_stack_are_of_the_root() -> None:
    made = two("text", output={"url": {"value": "https://${aws_a.one_x.id}"}})
    assert made[""].outputs["url"]["value"] == "https://${module.one.x_a_id}"


def test_a_block_directly_in_the_stack_stays_in_the_root() -> None:
    resources = {
        "aws_a": {"x": resource("x")},
        "aws_b": {"two_y": resource("two/y", value="${aws_a.x.id}")},
    }
    made = modules("two", resource=resources)
    assert made[""].blocks[0].address == "aws_a.x"
    assert made["two"].arguments == {"x_a_id": "aws_a.x.id"}


def test_being_replaced_with_another_module_is_refused() -> None:
    resources = {
        "aws_a": {"one_x": resource("one/x")},
        "aws_b": {"two_y": resource("two/y", lifecycle={"replace_triggered_by": ["aws_a.one_x"]})},
    }
    with pytest.raises(
        ConfigurationError, match=r"^The construct two has replace_triggered_by with aws_a"
    ):
        modules("one", "two", resource=resources)


def test_an_unknown_kind_of_block_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^The stack has moved, which"):
        two("text", moved=[])


def test_another_provider_than_the_default_is_refused() -> None:
    resources = {"aws_a": {"one_x": resource("one/x", provider="aws.other")}}
    with pytest.raises(ConfigurationError, match=r"^aws_a.one_x names a provider"):
        modules("one", resource=resources)
