"""Terraform variables, made from the settings: same names, defaults, descriptions and limits."""

import json
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from modules.bindings.aws import Construct, TerraformVariable, TerraformVariableValidationConfig
from modules.settings.limits import key_rules_of, limits_of, parts_of, rules_of, whole_rules_of
from modules.settings.settings import Settings
from modules.settings.shape import SECRETS, SHAPE

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
        default=_default(value),
    )


def _default(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict):
        return {
            key: entry.model_dump() if isinstance(entry, BaseModel) else entry
            for key, entry in value.items()
        }
    return value


def terraform_type(field: FieldInfo) -> str:
    """Return Terraform's type for a setting: a tuple is a list of text, a table a map."""
    if get_origin(field.annotation) is tuple:
        return "list(string)"
    if parts := parts_of(field):
        fields = ", ".join(
            f"{name} = optional({TYPES[part.annotation]}, {json.dumps(part.default)})"
            for name, part in parts.items()
        )
        return f"map(object({{ {fields} }}))"
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
    for part, of_part in parts_of(field).items():
        for rule in rules_of(of_part):
            condition = f"alltrue([for value in var.{name} : {rule.condition(f'value.{part}')}])"
            checks.append(_check(condition, f"Each {part} of {name} must be {rule.allowed}."))
    for whole in whole_rules_of(field):
        condition = _with_shape(whole.condition(f"var.{name}"), settings)
        checks.append(_check(condition, f"{name} must have {whole.allowed}."))
    for rule in key_rules_of(field):
        condition = f"alltrue([for value in keys(var.{name}) : {rule.condition('value')}])"
        checks.append(_check(condition, f"Each key of {name} must be {rule.allowed}."))
    return checks


def _with_shape(condition: str, settings: Settings) -> str:
    """Return the condition with the values of settings that shape the stack: no variables."""
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
