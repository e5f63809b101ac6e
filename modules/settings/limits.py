"""The rules of a setting, found in the annotations of its field."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from modules.settings.bounds import Bound, EmptyWhere, Ends
from modules.settings.rules import Cidr, Matches, Rule, Whole, Within


def rules_of(field: FieldInfo) -> tuple[Rule, ...]:
    """Return the rules of a value by itself; of a list or a table those of each value."""
    return tuple(rule for rule in _metadata(field) if isinstance(rule, Matches | Within | Cidr))


def bounds_of(field: FieldInfo) -> tuple[Bound, ...]:
    """Return the rules that depend on another setting."""
    return tuple(bound for bound in _metadata(field) if isinstance(bound, Bound))


def limits_of(field: FieldInfo) -> tuple[Rule | Bound, ...]:
    """Return the rules by themselves and those that depend on another setting."""
    return (*rules_of(field), *bounds_of(field))


def whole_rules_of(field: FieldInfo) -> tuple[Whole | Ends | EmptyWhere, ...]:
    """Return the rules of a list or a table as a whole."""
    return tuple(rule for rule in field.metadata if isinstance(rule, Whole | Ends | EmptyWhere))


def key_rules_of(field: FieldInfo) -> tuple[Rule, ...]:
    """Return the rules of the keys of a table."""
    return tuple(rule for rule in _metadata(field, keys=True) if isinstance(rule, Matches))


def parts_of(field: FieldInfo) -> dict[str, FieldInfo]:
    """Return the fields of each value of a table of tables; nothing for other settings."""
    if get_origin(field.annotation) is not dict:
        return {}
    kind = get_args(field.annotation)[1]
    is_table = isinstance(kind, type) and issubclass(kind, BaseModel)
    return dict(kind.model_fields) if is_table else {}


def refusal_of(value: Any, field: FieldInfo, others: Mapping[str, Any]) -> str | None:
    """Return the reason for a refusal, beside those of the settings before it; None if valid."""
    for key in value if isinstance(value, dict) else ():
        for rule in key_rules_of(field):
            if not rule.accepts(key):
                return f"each key must be {rule.allowed}"
    for whole in whole_rules_of(field):
        if isinstance(whole, Whole) and not whole.accepts(value):
            return f"it must have {whole.allowed}"
    for element in _elements(value):
        for name, part in parts_of(field).items():
            if refusal := refusal_of(getattr(element, name), part, others):
                return f"each {name}: {refusal}"
        for rule in rules_of(field):
            if not rule.accepts(element):
                return f"it must be {rule.allowed}"
        for bound in bounds_of(field):
            if refusal := bound.refuses(element, others):
                return refusal
    for whole in whole_rules_of(field):
        if isinstance(whole, Ends | EmptyWhere) and (refusal := whole.refuses(value, others)):
            return refusal
    return None


def _elements(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else [value]


def _metadata(field: FieldInfo, *, keys: bool = False) -> list[Any]:
    """Return the annotations of a field and of its elements; of a table, of its keys or values."""
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
