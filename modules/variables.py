"""Terraform variables, made from the settings: same names, defaults, descriptions and limits."""

import json
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from modules.aws import Construct, TerraformVariable, TerraformVariableValidationConfig
from modules.limits import key_rules_of, limits_of, whole_rules_of
from modules.settings import SECRETS, SHAPE, Settings

TYPES: dict[Any, str] = {str: "string", str | None: "string", int: "number", bool: "bool"}


def declare_variables(scope: Construct, settings: Settings) -> None:
    """Declare a variable for every setting that does not shape the stack, and for the secrets."""
    for name, field in Settings.model_fields.items():
        if name not in SHAPE:
            _declare(scope, name, field, settings)
    for name, description in SECRETS.items():
        TerraformVariable(
            scope,
            name,
            type="string",
            default="",
            description=description,
            sensitive=True,
            nullable=False,
            # On one of the two only: Terraform takes checks that name each other for a cycle.
            validation=[_keys_come_in_pairs()] if name == "aws_secret_access_key" else None,
        )


def _declare(scope: Construct, name: str, field: FieldInfo, settings: Settings) -> None:
    value = getattr(settings, name)
    TerraformVariable(
        scope,
        name,
        type=terraform_type(field),
        description=field.description,
        nullable=False,
        validation=_validation(name, field, settings),
        default=list(value) if isinstance(value, tuple) else value,
    )


def terraform_type(field: FieldInfo) -> str:
    """Terraform's type for a setting: a tuple is a list of text, a table a map."""
    if get_origin(field.annotation) is tuple:
        return "list(string)"
    if get_origin(field.annotation) is dict:
        value = get_args(get_args(field.annotation)[1])[0]
        return f"map({TYPES[value]})"
    return TYPES.get(field.annotation, "string")


def _validation(
    name: str, field: FieldInfo, settings: Settings
) -> list[TerraformVariableValidationConfig]:
    is_one = terraform_type(field) in TYPES.values()
    checks = []
    for rule in limits_of(field):
        condition = rule.condition(f"var.{name}" if is_one else "value")
        if not is_one:
            # Of a map these are the values.
            condition = f"alltrue([for value in var.{name} : {condition}])"
        checks.append(_check(_with_shape(condition, settings), f"{name} must be {rule.allowed}."))
    for whole in whole_rules_of(field):
        checks.append(_check(whole.condition(f"var.{name}"), f"{name} must have {whole.allowed}."))
    for rule in key_rules_of(field):
        condition = f"alltrue([for value in keys(var.{name}) : {rule.condition('value')}])"
        checks.append(_check(condition, f"Each key of {name} must be {rule.allowed}."))
    return checks


def _with_shape(condition: str, settings: Settings) -> str:
    """What shapes the stack is no variable: its value takes the place of its name."""
    for name in SHAPE:
        condition = condition.replace(f"var.{name} ", f"{json.dumps(getattr(settings, name))} ")
    return condition


def _keys_come_in_pairs() -> TerraformVariableValidationConfig:
    return _check(
        '(var.aws_access_key == "") == (var.aws_secret_access_key == "")',
        "aws_access_key and aws_secret_access_key go together: give both or neither.",
    )


def _check(condition: str, message: str) -> TerraformVariableValidationConfig:
    return TerraformVariableValidationConfig(condition=f"${{{condition}}}", error_message=message)
