"""The files of a module: main, variables, outputs and versions."""

from collections.abc import Mapping
from typing import Any

from scripts.emit.hcl import block
from scripts.emit.json_text import with_jsonencode
from scripts.emit.partition import ROOT, Block, Module
from scripts.emit.references import REFERENCE

MARK = "Written by `make modules` of Wharf. Change the stack there; changes here are lost."
HEAD = f"# {MARK}\n\n"
VALIDATION = frozenset({("validation",)})


def main(module: Module, others: Mapping[str, Module]) -> str:
    """main.tf: the module's blocks, in the root after the modules that it composes."""
    calls = [_call(one) for one in others.values()] if module.name == ROOT else []
    values = {one.labels[0]: one.body for one in module.blocks if one.kind == "locals"}
    blocks = [_block(one, module) for one in module.blocks if one.kind != "locals"]
    locals_ = [block("locals", (), values)] if values else []
    return HEAD + "\n".join([*locals_, *calls, *blocks])


def _block(one: Block, module: Module) -> str:
    types = {f"var.{name}": variable["type"] for name, variable in module.variables.items()}
    types |= {
        f"{other.address}.{name}": type_
        for other in module.blocks
        for name, type_ in other.attributes.items()
    }

    def is_text(code: str) -> bool:
        return REFERENCE.fullmatch(code) is not None and types.get(code) == "string"

    return block(one.kind, one.labels, with_jsonencode(one.body, is_text), one.blocks)


def _call(module: Module) -> str:
    arguments: dict[str, Any] = {"source": f"./modules/{module.name}"}
    for name in ordered(module.variables):
        value = module.arguments[name]
        arguments[name] = "${" + value + "}"
    return block("module", (module.name,), arguments)


def variables(declared: Mapping[str, Mapping[str, Any]]) -> str:
    """variables.tf: those that have to be given first."""
    return HEAD + "\n".join(_variable(name, declared[name]) for name in ordered(declared))


def ordered(declared: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names, those without a default first."""
    return sorted(declared, key=lambda name: ("default" in declared[name], name))


def _variable(name: str, variable: Mapping[str, Any]) -> str:
    order = ("description", "type", "default", "nullable", "sensitive", "ephemeral", "validation")
    body = {key: variable[key] for key in order if variable.get(key) not in (None, [])}
    if "default" in variable:
        body["default"] = variable["default"]
    body = {key: body[key] for key in order if key in body}
    return block("variable", (name,), body | {"type": "${" + variable["type"] + "}"}, VALIDATION)


def outputs(declared: Mapping[str, Mapping[str, Any]]) -> str:
    """outputs.tf."""
    written = []
    for name, output in sorted(declared.items()):
        body = {"description": description(name, output)} | dict(output)
        written.append(block("output", (name,), body))
    return HEAD + "\n".join(written)


def description(name: str, output: Mapping[str, Any]) -> str:
    """What an output says of itself, or its name in words."""
    return str(output.get("description") or f"{name.replace('_', ' ').capitalize()}.")


def versions(terraform: Mapping[str, Any], module: Module | None = None) -> str:
    """versions.tf: Terraform and the providers that the module uses; all of them without one."""
    body = {"required_version": terraform["terraform"]["required_version"]}
    if needed := providers(terraform, module):
        body["required_providers"] = needed
    return HEAD + block("terraform", (), body, {("required_providers",)})


def providers(terraform: Mapping[str, Any], module: Module | None = None) -> dict[str, Any]:
    """The required providers of a module, or of the stack.

    The root requires what the modules do: it has to pass the providers on.
    """
    needed = terraform["terraform"]["required_providers"]
    if module is not None and module.name != ROOT:
        used = {one.labels[0].split("_")[0] for one in module.blocks if one.kind != "locals"}
        needed = {name: one for name, one in needed.items() if name in used}
    return {name: {**one, "source": _full_source(one["source"])} for name, one in needed.items()}


def _full_source(source: str) -> str:
    """CDKTF leaves out whose provider it is."""
    return source if "/" in source else f"hashicorp/{source}"
