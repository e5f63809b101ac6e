"""JSON as the registry reads it: with ``encoding/json`` of Go, into fields of fixed types.

Go takes the keys of an object in any letter case, takes null for the absence of a field, and
ignores what it has no field for. Of a key that comes twice it keeps parts of both values; that is
not imitated here: such a document is ambiguous. https://pkg.go.dev/encoding/json#Unmarshal
"""

import base64
import json
from typing import Any

#: A type of a field: ``str``, ``int``, ``bytes`` (base64), ``TEXTS``, a list of one type, or an
#: object as its fields.
Shape = Any
#: A map of strings.
TEXTS = object()


class AmbiguousError(Exception):
    """A document of which this module does not know for certain how Go reads it."""


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object: its keys and values in their order."""

    __slots__ = ()


class _Integer(str):
    """A number without fraction and exponent, of any length."""

    __slots__ = ()


class _Fraction(str):
    """Another number."""

    __slots__ = ()


def parse(content: bytes) -> Any:
    """Return a document for :func:`decode`.

    Raises:
        ValueError: Go refuses it: it is no JSON.
        AmbiguousError: it is too deep for Python, or has bytes that Go replaces.
    """
    try:
        return json.loads(
            content.decode(),
            object_pairs_hook=_Object,
            parse_int=_Integer,
            parse_float=_Fraction,
            parse_constant=_refuse,
        )
    except (RecursionError, UnicodeDecodeError):
        raise AmbiguousError from None


def decode(value: Any, shape: Shape) -> Any:
    """Return a value of the document as Go decodes it into a field of a type.

    An object is a dictionary of those of its fields that the document has; null is None.

    Raises:
        ValueError: Go refuses it: the value is of another type.
        AmbiguousError: the document has a field twice.
    """
    if value is None:
        return None
    if isinstance(shape, dict):
        return {name: decode(one, shape[name]) for name, one in _fields(value, shape).items()}
    if isinstance(shape, list) and type(value) is list:
        return [decode(one, shape[0]) for one in value]
    if shape is TEXTS and isinstance(value, _Object):
        return {key: decode(one, str) for key, one in value}
    if shape is str and type(value) is str:
        return value
    if shape is int and type(value) is _Integer and _is_int64(value):
        return int(value)
    if shape is bytes and type(value) is str:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    raise ValueError("a value is of a type that the registry does not take there")


def _fields(value: Any, shape: dict[str, Shape]) -> dict[str, Any]:
    if not isinstance(value, _Object):
        raise ValueError("a value is no object where the registry needs one")
    names = {_folded(name): name for name in shape}
    found: dict[str, Any] = {}
    for key, one in value:
        name = names.get(_folded(key))
        if name in found:
            raise AmbiguousError
        if name:
            found[name] = one
    return found


def _is_int64(text: str) -> bool:
    return len(text) <= 20 and -(2**63) <= int(text) < 2**63


def _folded(key: str) -> str:
    # Beside the letter case, Go takes the long s for an s, and the Kelvin sign for a k.
    return key.lower().replace("\u017f", "s")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
