"""JSON as the registry reads it: with ``encoding/json`` of Go, into fields of fixed types.

Go accepts keys in any letter case, reads null as an absent field, and ignores unknown keys. It
merges the values of a repeated key, which this module does not: such a document is ambiguous.

https://pkg.go.dev/encoding/json#Unmarshal
"""

import base64
import json
from typing import Any

#: Type of a field: ``str``, ``int``, ``bytes`` (base64), ``TEXTS``, a list with the type of its
#: elements, or a dictionary with the fields of an object.
Shape = Any
#: A map of strings.
TEXTS = object()


class AmbiguousError(Exception):
    """A document that Go may read in another way than this module."""


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object: its keys and values in their order."""

    __slots__ = ()


class _Integer(str):
    """A number without fraction and exponent, of any length."""

    __slots__ = ()


class _Fraction(str):
    """A number with a fraction or an exponent."""

    __slots__ = ()


def parse(content: bytes) -> Any:
    """Return a document for :func:`decode`.

    Raises:
        ValueError: Go refuses the document: it is not JSON.
        AmbiguousError: the document is too deep for Python, or has bytes that Go replaces.
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

    An object becomes a dictionary without absent fields; null becomes None.

    Raises:
        ValueError: Go refuses the value: it has another type.
        AmbiguousError: the document repeats a field.
    """
    if value is None:
        return None
    if isinstance(shape, dict):
        return {name: decode(each, shape[name]) for name, each in _fields(value, shape).items()}
    if isinstance(shape, list) and type(value) is list:
        return [decode(each, shape[0]) for each in value]
    if shape is TEXTS and isinstance(value, _Object):
        return {key: decode(each, str) for key, each in value}
    if shape is str and type(value) is str:
        return value
    if shape is int and type(value) is _Integer and _is_int64(value):
        return int(value)
    if shape is bytes and type(value) is str:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    raise ValueError("the registry does not accept this type of value")


def _fields(value: Any, shape: dict[str, Shape]) -> dict[str, Any]:
    if not isinstance(value, _Object):
        raise ValueError("the registry accepts an object only")
    names = {_folded(name): name for name in shape}
    found: dict[str, Any] = {}
    for key, field in value:
        name = names.get(_folded(key))
        if name in found:
            raise AmbiguousError
        if name:
            found[name] = field
    return found


def _is_int64(text: str) -> bool:
    return len(text) <= 20 and -(2**63) <= int(text) < 2**63


def _folded(key: str) -> str:
    # Beside the letter case, Go folds the long s to an s, and the Kelvin sign to a k.
    return key.lower().replace("\u017f", "s")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
