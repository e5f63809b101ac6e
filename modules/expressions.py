"""Terraform expressions where the bindings ask for a number or a truth value."""

from typing import Any

from modules.bindings.aws import Token


def number(expression: str) -> Any:
    """Return a Terraform expression, such as ``var.volume_size``, as a number."""
    return Token.as_number(f"${{{expression}}}")


def truth(expression: str) -> Any:
    """Return a Terraform expression, such as ``var.force_destroy``, as a truth value."""
    return Token.as_any(f"${{{expression}}}")


def if_given(variable: str) -> str:
    """Return the text of a variable, or Terraform's null where it is empty."""
    return f'${{var.{variable} == "" ? null : var.{variable}}}'


#: The user's key for all encryption, or null.
CUSTOMER_KEY = if_given("kms_key_arn")


def tags(**more: str) -> str:
    """Return the tags of everything, the user's first, and ``more``; values are expressions."""
    own = {"Project": '"wharf"', "Environment": "var.name", **more}
    listed = ", ".join(f"{key} = {value}" for key, value in own.items())
    return f"${{merge(var.tags, {{{listed}}})}}"
