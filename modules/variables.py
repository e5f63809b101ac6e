"""Terraform variables, made from the settings: same names, defaults, descriptions and limits."""

from typing import Any

from pydantic.fields import FieldInfo

from modules.aws import Construct, TerraformVariable, TerraformVariableValidationConfig
from modules.settings import SECRETS, SHAPE, Settings, bounds_of, rules_of

TYPES: dict[Any, str] = {str: "string", str | None: "string", int: "number", bool: "bool"}


def declare_variables(scope: Construct, settings: Settings) -> None:
    """Declare a variable for every setting that does not shape the stack, and for the secrets."""
    for name, field in Settings.model_fields.items():
        if name not in SHAPE:
            _declare(scope, name, field, getattr(settings, name))
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


def _declare(scope: Construct, name: str, field: FieldInfo, value: Any) -> None:
    TerraformVariable(
        scope,
        name,
        type=terraform_type(field),
        description=field.description,
        nullable=False,
        validation=_validation(name, field),
        default=list(value) if isinstance(value, tuple) else value,
    )


def terraform_type(field: FieldInfo) -> str:
    """Terraform's type for a setting; a tuple is a list of text."""
    if getattr(field.annotation, "__origin__", None) is tuple:
        return "list(string)"
    return TYPES.get(field.annotation, "string")


def _validation(name: str, field: FieldInfo) -> list[TerraformVariableValidationConfig]:
    is_list = terraform_type(field) == "list(string)"
    checks = []
    for rule in (*rules_of(name), *bounds_of(name)):
        condition = rule.condition("value" if is_list else f"var.{name}")
        if is_list:
            condition = f"alltrue([for value in var.{name} : {condition}])"
        checks.append(_check(condition, f"{name} must be {rule.allowed}."))
    return checks


def _keys_come_in_pairs() -> TerraformVariableValidationConfig:
    return _check(
        '(var.aws_access_key == "") == (var.aws_secret_access_key == "")',
        "aws_access_key and aws_secret_access_key go together: give both or neither.",
    )


def _check(condition: str, message: str) -> TerraformVariableValidationConfig:
    return TerraformVariableValidationConfig(condition=f"${{{condition}}}", error_message=message)
