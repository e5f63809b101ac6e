"""The rules of a setting, found in the annotations of its field."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from modules.bounds import Bound
from modules.rules import Cidr, Matches, Rule, Whole, Within


def rules_of(field: FieldInfo) -> tuple[Rule, ...]:
    """Return the rules of a value by itself; of a list or a table those of each value."""
    return tuple(one for one in _metadata(field) if isinstance(one, Matches | Within | Cidr))


def bounds_of(field: FieldInfo) -> tuple[Bound, ...]:
    """Return the rules that depend on another setting."""
    return tuple(one for one in _metadata(field) if isinstance(one, Bound))


def limits_of(field: FieldInfo) -> tuple[Rule | Bound, ...]:
    """Return both."""
    return (*rules_of(field), *bounds_of(field))


def whole_rules_of(field: FieldInfo) -> tuple[Whole, ...]:
    """Return the rules of a list or a table as a whole."""
    return tuple(one for one in field.metadata if isinstance(one, Whole))


def key_rules_of(field: FieldInfo) -> tuple[Rule, ...]:
    """Return the rules of the keys of a table."""
    return tuple(one for one in _metadata(field, keys=True) if isinstance(one, Matches))


def refusal_of(value: Any, field: FieldInfo, others: Mapping[str, Any]) -> str | None:
    """Say why a value is refused, beside those of the settings before it; None if it is not."""
    for key in value if isinstance(value, dict) else ():
        for rule in key_rules_of(field):
            if not rule.accepts(key):
                return f"each key must be {rule.allowed}"
    for whole in whole_rules_of(field):
        if not whole.accepts(value):
            return f"it must have {whole.allowed}"
    for one in _elements(value):
        for rule in rules_of(field):
            if not rule.accepts(one):
                return f"it must be {rule.allowed}"
        for bound in bounds_of(field):
            if refusal := bound.refuses(one, others):
                return refusal
    return None


def _elements(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else [value]


def _metadata(field: FieldInfo, *, keys: bool = False) -> list[Any]:
    """What is annotated to a field or to a part of its type; of a table to its keys or values."""
    annotation: Any = field.annotation
    found = list(field.metadata)
    if get_origin(annotation) is dict:
        annotation = get_args(annotation)[0 if keys else 1]
    elif keys:
        return []
    stack = [annotation]
    while stack:
        annotation = stack.pop()
        found += getattr(annotation, "__metadata__", ())
        stack += get_args(annotation)
    return found
