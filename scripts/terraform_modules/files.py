"""The files of a module: main, variables, outputs and versions."""

from collections.abc import Mapping
from typing import Any

from scripts.terraform_modules.hcl import block
from scripts.terraform_modules.json_text import with_jsonencode
from scripts.terraform_modules.partition import ROOT, Block, Module
from scripts.terraform_modules.templates import REFERENCE

MARK = "Written by `make modules` of Wharf. Change the stack there; changes here are lost."
HEAD = f"# {MARK}\n\n"
VALIDATION = frozenset({("validation",)})


def main(module: Module, others: Mapping[str, Module]) -> str:
    """Return main.tf: the blocks of the module, in the root after the calls of other modules."""
    calls = [_call(other) for other in others.values()] if module.name == ROOT else []
    values = {each.labels[0]: each.body for each in module.blocks if each.kind == "locals"}
    blocks = [_block(each, module) for each in module.blocks if each.kind != "locals"]
    locals_ = [block("locals", (), values)] if values else []
    return HEAD + "\n".join([*locals_, *calls, *blocks])


def _block(written: Block, module: Module) -> str:
    types = {f"var.{name}": variable["type"] for name, variable in module.variables.items()}
    types |= {
        f"{other.address}.{name}": type_
        for other in module.blocks
        for name, type_ in other.attributes.items()
    }

    def is_text(code: str) -> bool:
        return REFERENCE.fullmatch(code) is not None and types.get(code) == "string"

    body = with_jsonencode(written.body, is_text)
    return block(written.kind, written.labels, body, written.blocks)


def _call(module: Module) -> str:
    arguments: dict[str, Any] = {"source": f"./modules/{module.name}"}
    for name in ordered(module.variables):
        value = module.arguments[name]
        arguments[name] = "${" + value + "}"
    return block("module", (module.name,), arguments)


def variables(declared: Mapping[str, Mapping[str, Any]]) -> str:
    """Return variables.tf, with the required variables first."""
    return HEAD + "\n".join(_variable(name, declared[name]) for name in ordered(declared))


def ordered(declared: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names, those without a default first."""
    return sorted(declared, key=lambda name: ("default" in declared[name], name))


def _variable(name: str, variable: Mapping[str, Any]) -> str:
    order = ("description", "type", "default", "nullable", "sensitive", "ephemeral", "validation")
    body = {key: variable[key] for key in order if variable.get(key) not in (None, [])}
    if "default" in variable:
        body["default"] = variable["default"]
    body = {key: body[key] for key in order if key in body}
    return block("variable", (name,), body | {"type": "${" + variable["type"] + "}"}, VALIDATION)


def outputs(declared: Mapping[str, Mapping[str, Any]]) -> str:
    """Return outputs.tf."""
    written = []
    for name, output in sorted(declared.items()):
        body = {"description": description(name, output)} | dict(output)
        written.append(block("output", (name,), body))
    return HEAD + "\n".join(written)


def description(name: str, output: Mapping[str, Any]) -> str:
    """Return the description of an output, or its name in words."""
    return str(output.get("description") or f"{name.replace('_', ' ').capitalize()}.")


def versions(terraform: Mapping[str, Any], module: Module | None = None) -> str:
    """Return versions.tf: Terraform, and the providers of the module or the stack."""
    body = {"required_version": terraform["terraform"]["required_version"]}
    if needed := providers(terraform, module):
        body["required_providers"] = needed
    return HEAD + block("terraform", (), body, {("required_providers",)})


def providers(terraform: Mapping[str, Any], module: Module | None = None) -> dict[str, Any]:
    """Return the required providers of a module, or of the stack.

    The root requires the providers of all modules, because it passes them on.
    """
    needed = terraform["terraform"]["required_providers"]
    if module is not None and module.name != ROOT:
        used = {each.labels[0].split("_")[0] for each in module.blocks if each.kind != "locals"}
        needed = {name: needed[name] for name in needed if name in used}
    return {
        name: {**provider, "source": _full_source(provider["source"])}
        for name, provider in needed.items()
    }


def _full_source(source: str) -> str:
    """Return a provider's source with its namespace, which CDKTF omits for HashiCorp."""
    return source if "/" in source else f"hashicorp/{source}"
