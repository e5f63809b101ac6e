"""The stack, taken apart: every construct directly below it becomes a module."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wharf_proxy.errors import ConfigurationError

from scripts.terraform_modules.names import block_names
from scripts.terraform_modules.synthesis import Path_, Synthesized
from scripts.terraform_modules.templates import references_in

#: The root module, which composes the others.
ROOT = ""
#: What Terraform JSON may hold of which this package knows how to write it.
KNOWN = frozenset(
    ("//", "terraform", "provider", "variable", "output", "resource", "data", "ephemeral", "locals")
)
#: Meta-arguments that are blocks whatever the provider says.
META_BLOCKS = frozenset(
    {
        ("lifecycle",),
        ("lifecycle", "precondition"),
        ("lifecycle", "postcondition"),
        ("provisioner",),
        ("connection",),
    }
)


@dataclass
class Block:
    """A resource, a data source, an ephemeral resource or a local value.

    Attributes:
        kind: ``resource``, ``data``, ``ephemeral`` or ``locals``.
        labels: type and name; the name is short: neither the module nor the type is repeated.
        body: as in Terraform JSON.
        blocks: which keys of the body are blocks.
        attributes: types of the attributes that are known.
    """

    kind: str
    labels: tuple[str, ...]
    body: Any
    blocks: frozenset[Path_] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Name of the block in expressions of its module."""
        return address(self.kind, *self.labels)


@dataclass
class Module:
    """A module to write.

    Attributes:
        name: of the construct; empty for the root.
        purpose: what it is for, in sentences.
        blocks: what is in it.
        variables, outputs: by name, as in Terraform JSON.
        arguments: what the root gives for each variable, as an expression.
    """

    name: str
    purpose: str = ""
    blocks: list[Block] = field(default_factory=list)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)


def address(kind: str, *labels: str) -> str:
    """Return a block's name in expressions: ``aws_vpc.vpc``, ``data.aws_x.y``, ``local.y``."""
    first = {"resource": [], "locals": ["local"]}.get(kind, [kind])
    return ".".join([*first, *labels])


def partition(stack: Synthesized) -> tuple[dict[str, Module], dict[str, tuple[str, Block]]]:
    """Put every block into a module.

    Returns:
        The modules by name, the root first; and for each address in the stack the module that
        has the block now, and the block.

    Raises:
        ConfigurationError: the stack has a kind of block that is not known here.
    """
    if unknown := stack.terraform.keys() - KNOWN:
        raise ConfigurationError(
            f"The stack has {', '.join(sorted(unknown))}, which no module can have yet: "
            "teach scripts/terraform_modules/partition.py to write it"
        )
    modules = {ROOT: Module(ROOT)}
    modules |= {name: Module(name, purpose) for name, purpose in stack.parts.items()}
    owners: dict[str, tuple[str, Block]] = {}
    for kind, labels, body in _blocks_of(stack.terraform):
        old = address(kind, *labels)
        if kind != "locals" and "provider" in body:
            raise ConfigurationError(
                f"{old} names a provider of its own, which modules would have to be given: "
                "use the stack's only one"
            )
        path = body.pop("//", {}).get("metadata", {}).get("path") if kind != "locals" else None
        owner = _owner(path, labels[-1], old, stack)
        name = labels[-1].removeprefix(f"{owner}_") if owner else labels[-1]
        block = Block(
            kind,
            (*labels[:-1], name),
            body,
            stack.blocks.get(old, frozenset()) | META_BLOCKS,
            stack.attributes.get(old, {}),
        )
        modules[owner].blocks.append(block)
        owners[old] = owner, block
    for module in modules.values():
        _shorten(module)
    return {name: each for name, each in modules.items() if each.blocks or name == ROOT}, owners


def _shorten(module: Module) -> None:
    for kind in ("resource", "data", "ephemeral"):
        blocks = [block for block in module.blocks if block.kind == kind]
        names = block_names([(block.labels[0], block.labels[1]) for block in blocks])
        for block, name in zip(blocks, names, strict=True):
            block.labels = (block.labels[0], name)


def _blocks_of(terraform: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for kind in ("data", "ephemeral", "resource"):
        for type_, named in terraform.get(kind, {}).items():
            for name, body in named.items():
                yield kind, (type_, name), {**body}
    for name, value in terraform.get("locals", {}).items():
        yield "locals", (name,), value


def _owner(path: str | None, name: str, old: str, stack: Synthesized) -> str:
    """Return the module of a block: by its path, its name, or its only user."""
    if path is not None:
        parts = path.split("/")[1:]
        return parts[0] if len(parts) > 1 else ROOT
    by_name = [part for part in stack.parts if name.startswith(f"{part}_")]
    if by_name:
        return max(by_name, key=len)
    users = {
        _owner(body["//"]["metadata"]["path"], labels[-1], "", stack)
        for _, labels, body in _blocks_of(stack.terraform)
        if "//" in body and old in references_in(body)
    }
    return users.pop() if len(users) == 1 else ROOT
