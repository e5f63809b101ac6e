"""References from one module to another become an output of the one, a variable of the other."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from wharf_proxy.errors import ConfigurationError

from scripts.terraform_modules.names import THIS, description, joined, value_name
from scripts.terraform_modules.order import Wait, keep_order
from scripts.terraform_modules.partition import ROOT, Block, Module
from scripts.terraform_modules.templates import (
    REFERENCE,
    references_in,
    replace_in_code,
    sole_expression,
)

NUMBERED = re.compile(r"(.+)_\d+")

Owners = Mapping[str, tuple[str, Block]]


def link(modules: Mapping[str, Module], owners: Owners, terraform: Mapping[str, Any]) -> None:
    """Rewrite every reference for the module that it is in now; declare what that takes.

    Raises:
        ConfigurationError: something waits for what no module has.
    """
    linker = _Linker(modules, owners, terraform.get("variable", {}))
    for module in modules.values():
        for block in module.blocks:
            linker.link(module, block)
    root = modules[ROOT]
    for name, output in terraform.get("output", {}).items():
        root.outputs[name] = linker.rewrite(root, output)
    for module in modules.values():
        module.variables = with_possible_checks(module.variables)
    keep_order(modules, linker.waits)


class _Numbered(NamedTuple):
    """A reference such as ``aws_subnet.network_subnet_0.id``, without its number."""

    owner: str
    kind: str
    base: str
    attribute: str
    type: str


class _Value(NamedTuple):
    """A value that a module takes from another module.

    Attributes:
        names: of the output; the last one is that of the input.
        value: the owner's expression, or a list of them.
        description, type: of both.
    """

    names: tuple[str, ...]
    value: Any
    description: str
    type: str
    ephemeral: bool = False


class _Linker:
    def __init__(
        self, modules: Mapping[str, Module], owners: Owners, variables: Mapping[str, Any]
    ) -> None:
        self._modules = modules
        self._owners = owners
        self._variables = variables
        #: What is made after something in another module.
        self.waits: list[Wait] = []

    def link(self, module: Module, block: Block) -> None:
        """Rewrite the references of a block, and note which blocks elsewhere it waits for."""
        body = block.body
        if not isinstance(body, dict):  # a local value
            block.body = self.rewrite(module, body)
            return
        rest = {key: value for key, value in body.items() if key != "depends_on"}
        block.body = self.rewrite(module, rest)
        own: list[str] = []
        for reference in body.get("depends_on", ()):
            owner, other, _ = self._found("depends_on", reference)
            if owner == module.name:
                own.append(other.address)
            else:
                self.waits.append(Wait(module, block, self._modules[owner], other))
        if own:
            block.body["depends_on"] = own

    def rewrite(self, module: Module, value: Any) -> Any:
        """Return the value with references that are valid in the module."""
        if isinstance(value, dict):
            return {
                self.rewrite(module, key): self._triggers(module, each)
                if key == "replace_triggered_by"
                else self.rewrite(module, each)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return self._whole_list(module, value) or [self.rewrite(module, each) for each in value]
        if isinstance(value, str):
            return replace_in_code(value, REFERENCE, self._replacement(module))
        return value

    def _replacement(self, module: Module) -> Callable[[re.Match[str]], str]:
        return lambda found: self._reference(module, found["address"], found["rest"])

    def _reference(self, module: Module, address: str, rest: str) -> str:
        kind, _, name = address.partition(".")
        if kind == "var" and name in self._variables:
            self._use_variable(module, name)
            return address + rest
        if address not in self._owners:  # each.value, self.names, path.module
            return address + rest
        owner, block = self._owners[address]
        if owner == module.name:
            return block.address + rest
        attribute = re.sub(r"\W+", "_", rest).strip("_")
        value = _Value(
            names=(_name(block, attribute),),
            value="${" + block.address + rest + "}",
            description=_description(block, attribute),
            type=block.attributes.get(attribute, "any"),
            ephemeral=block.kind == "ephemeral",
        )
        return self._share(module, self._modules[owner], value)

    def _whole_list(self, module: Module, values: list[Any]) -> str | None:
        """Return a reference for a list of an attribute of ``subnet_0``, ``subnet_1`` and so on.

        The caller of the module can then pass as many as there are.
        """
        found = {self._numbered(value) for value in values}
        each = found.pop() if len(found) == 1 and len(values) > 1 else None
        if each is None or each.owner in (module.name, ROOT):
            return None
        owner = self._modules[each.owner]
        attribute = f"{each.attribute}s"
        # Which subnets is for the caller to say, unless a module takes several lists of them.
        names = [value_name(each.kind, base, attribute) for base in (each.base, THIS)]
        value = _Value(
            names=tuple(names),
            value=[self.rewrite(owner, value) for value in values],
            description=description(each.kind, each.base, attribute),
            type=f"list({each.type})",
        )
        return "${" + self._share(module, owner, value) + "}"

    def _numbered(self, value: Any) -> _Numbered | None:
        code = sole_expression(value) if isinstance(value, str) else None
        match = REFERENCE.fullmatch(code) if code else None
        if match is None or match["address"] not in self._owners:
            return None
        owner, block = self._owners[match["address"]]
        name = NUMBERED.fullmatch(block.labels[-1])
        attribute = match["rest"].removeprefix(".")
        if name is None or not attribute.isidentifier():
            return None
        type_ = block.attributes.get(attribute, "any")
        return _Numbered(owner, block.labels[0], name[1], attribute, type_)

    def _share(self, user: Module, owner: Module, value: _Value) -> str:
        """Make an output of the owner and an input of the user; return the user's reference."""
        marks = {"ephemeral": True} if value.ephemeral else {}
        # a_b.c and a.b_c, or other members of the same list: each value has a name of its own.
        names = (f"{value.names[0]}{number}" for number in _numbers(owner.outputs))
        name = next(each for each in names if _is_free(owner, each, value.value))
        given = str(value.value)[2:-1]
        where = ""
        if owner.name != ROOT:
            owner.outputs[name] = {
                "description": f"{value.description}.",
                "value": value.value,
                **marks,
            }
            given = f"module.{owner.name}.{name}"
            where = f": `{name}` of the module {owner.name}"
        if user.name == ROOT:
            return given
        variable = self._variable(user, value, given)
        text = f"{value.description}{where}."
        user.variables[variable] = {"description": text, "type": value.type, **marks}
        user.arguments[variable] = given
        return f"var.{variable}"

    def _variable(self, user: Module, value: _Value, given: str) -> str:
        """Return the input's name: that of the output, without what the user's own name says."""
        short = value.names[-1]
        for word in user.name.split("_"):
            short = short.removeprefix(f"{word}_")
        full = value.names[0]
        names = (short, full, *(f"{full}{number}" for number in _numbers(user.arguments)[1:]))
        return next(
            each
            for each in names
            if each not in self._variables and user.arguments.get(each, given) == given
        )

    def _use_variable(self, module: Module, name: str) -> None:
        for each in (module, self._modules[ROOT]):
            each.variables.setdefault(name, self._variables[name])
        module.arguments[name] = f"var.{name}"

    def _found(self, argument: str, reference: str) -> tuple[str, Block, str]:
        """Return the module, the block and the rest of a reference without ``${…}``."""
        match = REFERENCE.fullmatch(reference)
        if match is None or match["address"] not in self._owners:
            raise ConfigurationError(f"{argument} names {reference}, which is not in the stack")
        return *self._owners[match["address"]], match["rest"]

    def _triggers(self, module: Module, references: list[str]) -> list[str]:
        own = []
        for reference in references:
            owner, block, rest = self._found("replace_triggered_by", reference)
            if owner != module.name:
                raise ConfigurationError(
                    f"The construct {module.name} has replace_triggered_by with {reference} of "
                    f"{owner}: Terraform takes only resources of the same module; put both into "
                    "one construct"
                )
            own.append(block.address + rest)
        return own


def _numbers(taken: Mapping[str, Any]) -> list[str]:
    """Yield suffixes, the empty one first."""
    return ["", *(f"_{number}" for number in range(2, len(taken) + 3))]


def _is_free(owner: Module, name: str, value: Any) -> bool:
    return name not in owner.outputs or owner.outputs[name]["value"] == value


def _name(block: Block, attribute: str) -> str:
    if block.kind == "locals":
        return joined(block.labels[0], attribute)
    return value_name(block.labels[0], block.labels[1], attribute)


def _description(block: Block, attribute: str) -> str:
    if block.kind == "locals":
        return f"`{block.address}`"
    return description(block.labels[0], block.labels[1], attribute)


def variables_in(value: Any) -> Iterator[str]:
    """Return the variables that the code of a value names."""
    return (each.removeprefix("var.") for each in references_in(value) if each.startswith("var."))


def with_possible_checks(variables: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the variables without the checks that name a variable of another module."""
    return {
        name: {
            **variable,
            "validation": [
                check
                for check in variable.get("validation") or []
                if set(variables_in(check)) <= variables.keys()
            ],
        }
        for name, variable in variables.items()
    }
