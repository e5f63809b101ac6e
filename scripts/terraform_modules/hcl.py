"""Conversion of Terraform JSON to HCL: text that is code, and quoting of other text."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import hcl2
from hcl2.const import IS_BLOCK
from hcl2.deserializer import DeserializerOptions

from scripts.terraform_modules.synthesis import Path_
from scripts.terraform_modules.templates import interpolations, sole_expression

IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
#: Blank lines that do not separate blocks; quoted text has no line of its own.
BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+(?![ \t]*[a-z_]+(?: \"[^\"]*\")* \{\n)")
#: Arguments whose text is code, although Terraform JSON has it without ``${…}``.
CODE = frozenset({"depends_on", "replace_triggered_by", "ignore_changes", "provider"})
ESCAPE = re.compile(r"\\.")
HCL_ESCAPES = {r"\b": r"\u0008", r"\f": r"\u000c"}
OPTIONS = DeserializerOptions(object_elements_trailing_comma=False)
#: Arguments at the beginning and at the end of a block.
FIRST = ("for_each", "count", "provider", "source", "version")
LAST = ("lifecycle", "depends_on")


def block(
    kind: str, labels: Collection[str], body: Mapping[str, Any], blocks: Collection[Path_] = ()
) -> str:
    """Return a block as HCL; ``blocks`` are the keys of its body that are blocks, too."""
    written: Any = _body(body, blocks)
    for label in reversed([*labels]):
        written = {f'"{label}"': written}
    text = hcl2.dumps({kind: [written]}, deserializer_options=OPTIONS).strip()
    return BLANK_LINES.sub("\n", text) + "\n"


def _body(body: Mapping[str, Any], blocks: Collection[Path_]) -> dict[str, Any]:
    written: dict[str, Any] = {IS_BLOCK: True}
    inside: dict[str, Any] = {}
    for key in sorted(body, key=_rank):
        value = body[key]
        if key == "dynamic":
            inside[key] = [
                {f'"{name}"': _dynamic(name, inner, blocks)} for name, inner in value.items()
            ]
        elif (key,) in blocks:
            below = _below(key, blocks)
            nested = value if isinstance(value, list) else [value]
            # python-hcl2 would write the key of an empty list as an attribute.
            if nested:
                inside[key] = [_body(each, below) for each in nested]
        elif key in CODE:
            written[key] = _code(value)
        else:
            written[key] = value_of(value)
    return written | inside


def _dynamic(name: str, body: Mapping[str, Any], blocks: Collection[Path_]) -> dict[str, Any]:
    """Return a ``dynamic`` block; its content has the nested blocks of the block of its name."""
    content = {("content", *path) for path in _below(name, blocks)}
    iterator = {"iterator": "${" + body["iterator"] + "}"} if "iterator" in body else {}
    return _body({**body, **iterator}, {("content",), *content})


def _below(key: str, blocks: Collection[Path_]) -> set[Path_]:
    """Return the blocks within a block."""
    return {path[1:] for path in blocks if path[0] == key and len(path) > 1}


def _rank(key: str) -> int:
    if key in FIRST:
        return FIRST.index(key) - len(FIRST)
    return LAST.index(key) + 1 if key in LAST else 0


def _code(value: Any) -> Any:
    if isinstance(value, list):
        return [_code(each) for each in value]
    return "${" + str(value) + "}"


def value_of(value: Any) -> Any:
    """Return a value of Terraform JSON for python-hcl2, with text quoted or as ``${code}``."""
    if isinstance(value, dict):
        return {_key(key): value_of(each) for key, each in value.items()}
    if isinstance(value, list):
        return [value_of(each) for each in value]
    if isinstance(value, str):
        code = sole_expression(value)
        return quoted(value) if code is None else "${" + code + "}"
    return value


def expression(value: Any) -> str:
    """Return a value of Terraform JSON as code."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        lines = [f"{_key(key)} = {expression(each)}" for key, each in value.items()]
        return "{\n" + "\n".join(lines) + "\n}"
    if isinstance(value, list):
        return "[" + ", ".join(map(expression, value)) + "]"
    if isinstance(value, str):
        code = sole_expression(value)
        return quoted(value) if code is None else code
    return json.dumps(value)


def quoted(template: str) -> str:
    """Return a template in quotes, with its text escaped and its code unchanged."""
    pieces, done = [], 0
    for start, end in interpolations(template):
        pieces += [_escaped(template[done:start]), template[start:end]]
        done = end
    return '"' + "".join([*pieces, _escaped(template[done:])]) + '"'


def _escaped(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    # HCL lacks two escapes of JSON.
    return ESCAPE.sub(lambda match: HCL_ESCAPES.get(match[0], match[0]), escaped)


def _key(key: str) -> str:
    return key if IDENTIFIER.fullmatch(key) else quoted(key)
