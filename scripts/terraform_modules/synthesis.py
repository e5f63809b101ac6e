"""Synthesis of the stack in memory: Terraform JSON, and types that only the bindings know."""

import inspect
import json
import keyword
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from modules.bindings.aws import App
from modules.settings.settings import Settings
from modules.stack import RegistryStack

#: Keys from the top of a block's body to a nested block, without indices of lists.
Path_ = tuple[str, ...]

TYPES: dict[Any, str] = {str: "string", bool: "bool", int: "number", float: "number"}


@dataclass(frozen=True)
class Synthesized:
    """A stack as Terraform JSON.

    Attributes:
        terraform: Terraform JSON, as ``cdktf synth`` writes it.
        parts: docstrings of the constructs directly below the stack, in order.
        blocks: for each address, such as ``data.aws_partition.x``, the keys that are blocks.
        attributes: for each address, the type of each attribute.
    """

    terraform: Mapping[str, Any]
    parts: Mapping[str, str]
    blocks: Mapping[str, frozenset[Path_]]
    attributes: Mapping[str, Mapping[str, str]]


def synthesize(settings: Settings) -> Synthesized:
    """Return the stack with these settings, without a change of the user's files."""
    with tempfile.TemporaryDirectory() as directory:
        app = App(outdir=directory)
        stack = RegistryStack(app, settings.name, settings)
        app.synth()
        file = Path(directory) / "stacks" / settings.name / "cdk.tf.json"
        terraform = json.loads(file.read_text())
    blocks, attributes = {}, {}
    elements: list[Any] = stack.node.find_all()
    for element in elements:
        if hasattr(element, "terraform_resource_type"):
            for kind, types in element.to_hcl_terraform().items():
                for address, body in _addressed(kind, types):
                    known = described_blocks(body)
                    for path in blocks_by_class(type(element), _body(terraform, address)):
                        known.setdefault(path, True)
                    blocks[address] = frozenset(
                        path for path, is_block in known.items() if is_block
                    )
                    attributes[address] = _attributes(type(element))
    parts = {
        child.node.id: inspect.cleandoc(type(child).__doc__ or "")
        for child in stack.node.children
        if not hasattr(child, "friendly_unique_id")
    }
    return Synthesized(terraform, parts, blocks, attributes)


def _addressed(kind: str, types: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if kind == "provider":
        return [(f"provider.{name}", bodies) for name, bodies in types.items()]
    if kind not in ("resource", "data"):
        return []
    prefix = "" if kind == "resource" else f"{kind}."
    return [
        (f"{prefix}{type_}.{name}", body)
        for type_, named in types.items()
        for name, body in named.items()
    ]


def _body(terraform: Mapping[str, Any], address: str) -> Any:
    """Return the body of a resource or a data source, or an empty body for a provider."""
    *kind, type_, name = address.split(".")
    return terraform.get(kind[0] if kind else "resource", {}).get(type_, {}).get(name, {})


def described_blocks(body: Any, path: Path_ = ()) -> dict[Path_, bool]:
    """Return for each key whether it is a block, by the description of the bindings."""
    found: dict[Path_, bool] = {}
    if isinstance(body, list):
        for each in body:
            found |= described_blocks(each, path)
    elif isinstance(body, dict):
        for key, described in body.items():
            if isinstance(described, dict) and "value" in described:
                # The Python bindings rename some of the keys.
                is_block = described.get("isBlock", described.get("is_block"))
                found[(*path, key)] = bool(is_block)
                found |= described_blocks(described["value"], (*path, key))
    return found


def blocks_by_class(cls: type, body: Any, path: Path_ = ()) -> set[Path_]:
    """Return the keys that are blocks, by the classes of the bindings.

    The description of the bindings lacks the content of dynamic blocks, and overrides.
    """
    found: set[Path_] = set()
    for each in body if isinstance(body, list) else [body]:
        if not isinstance(each, dict):
            continue
        dynamic = {name: block.get("content") for name, block in each.get("dynamic", {}).items()}
        for key, value in (each | dynamic).items():
            inner = _struct(cls, key)
            if inner is not None and isinstance(value, dict | list):
                found |= {(*path, key)} | blocks_by_class(inner, value, (*path, key))
    return found


def _struct(cls: type, key: str) -> type | None:
    """Return the class of a nested block, or None: only blocks have a method ``put_…``."""
    if not hasattr(cls, f"put_{key}"):
        return None
    # The bindings add an underscore to a keyword of Python, such as "and".
    name = f"{key}_" if keyword.iskeyword(key) else key
    inner = _returned(cls, getattr(cls, name).fget)
    # The method ``get`` of a list of blocks returns the class of its blocks.
    return _returned(inner, inner.get) if inner is not None and hasattr(inner, "get") else inner


def _returned(cls: type, function: Any) -> type | None:
    """Return the class that a function of the bindings returns, also if annotated by name."""
    hint = _annotated(function)
    return getattr(sys.modules[cls.__module__], hint, None) if isinstance(hint, str) else hint


def _annotated(function: Any) -> Any:
    """Return the annotation of a function's result; all annotations of cdktn are text."""
    return inspect.get_annotations(function, eval_str=True).get("return")


def _attributes(cls: type) -> dict[str, str]:
    """Return Terraform's type of each attribute of a resource, by the bindings' annotations."""
    found = {}
    for name, member in inspect.getmembers_static(cls, lambda member: isinstance(member, property)):
        if (type_ := _terraform_type(_annotated(member.fget))) is not None:
            found[name] = type_
    return found


def _terraform_type(hint: Any) -> str | None:
    if hint in TYPES:
        return TYPES[hint]
    arguments = get_args(hint)
    if get_origin(hint) is list and arguments[0] in TYPES:
        return f"list({TYPES[arguments[0]]})"
    if float in arguments:
        return "number"
    return "bool" if bool in arguments else None
