"""The stack in memory: its Terraform JSON, and what only its constructs know."""

import inspect
import json
import keyword
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from modules.aws import App
from modules.settings import Settings
from modules.stack import RegistryStack

#: Keys from the top of a block's body to a block in it, without the places in lists.
Path_ = tuple[str, ...]

TYPES: dict[Any, str] = {str: "string", bool: "bool", int: "number", float: "number"}


@dataclass(frozen=True)
class Synthesized:
    """A stack as Terraform JSON.

    Attributes:
        terraform: what ``cdktf synth`` would write.
        parts: the constructs directly below the stack in their order, with their doc strings.
        blocks: for each address such as ``data.aws_partition.x``, which keys of it are blocks.
        attributes: for each address, the type of each of its attributes.
    """

    terraform: Mapping[str, Any]
    parts: Mapping[str, str]
    blocks: Mapping[str, frozenset[Path_]]
    attributes: Mapping[str, Mapping[str, str]]


def synthesize(settings: Settings) -> Synthesized:
    """Make the stack with these settings, without touching any file of the user's."""
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
    """The body of a resource or a data source; a provider's are none of these."""
    *kind, type_, name = address.split(".")
    return terraform.get(kind[0] if kind else "resource", {}).get(type_, {}).get(name, {})


def described_blocks(body: Any, path: Path_ = ()) -> dict[Path_, bool]:
    """Which keys are blocks and which are not, by what the bindings say of a construct."""
    found: dict[Path_, bool] = {}
    if isinstance(body, list):
        for one in body:
            found |= described_blocks(one, path)
    elif isinstance(body, dict):
        for key, described in body.items():
            if isinstance(described, dict) and "value" in described:
                # Python's bindings rename some of the keys on the way.
                is_block = described.get("isBlock", described.get("is_block"))
                found[(*path, key)] = bool(is_block)
                found |= described_blocks(described["value"], (*path, key))
    return found


def blocks_by_class(cls: type, body: Any, path: Path_ = ()) -> set[Path_]:
    """Which keys are blocks, by the classes of the bindings.

    For what a construct does not say of itself: the content of dynamic blocks, and overrides.
    """
    found: set[Path_] = set()
    for one in body if isinstance(body, list) else [body]:
        if not isinstance(one, dict):
            continue
        dynamic = {name: block.get("content") for name, block in one.get("dynamic", {}).items()}
        for key, value in (one | dynamic).items():
            inner = _struct(cls, key)
            if inner is not None and isinstance(value, dict | list):
                found |= {(*path, key)} | blocks_by_class(inner, value, (*path, key))
    return found


def _struct(cls: type, key: str) -> type | None:
    """The class of a block within the block of a class: only blocks can be ``put_``."""
    if not hasattr(cls, f"put_{key}"):
        return None
    # Python has a word such as "and" for itself.
    name = f"{key}_" if keyword.iskeyword(key) else key
    inner = _returned(cls, getattr(cls, name).fget)
    # A list of blocks has the class of one as what ``get`` returns.
    return _returned(inner, inner.get) if inner is not None and hasattr(inner, "get") else inner


def _returned(cls: type, function: Any) -> type | None:
    """The class that a function of the bindings returns, which they may name by its text."""
    hint = _annotated(function)
    return getattr(sys.modules[cls.__module__], hint, None) if isinstance(hint, str) else hint


def _annotated(function: Any) -> Any:
    """What a function is annotated to return; cdktn has all annotations as text."""
    return inspect.get_annotations(function, eval_str=True).get("return")


def _attributes(cls: type) -> dict[str, str]:
    """Terraform's type of each attribute of a resource, from the annotations of its binding."""
    found = {}
    for name, member in inspect.getmembers_static(cls, lambda one: isinstance(one, property)):
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
