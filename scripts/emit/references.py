"""References from one module to another become an output of the one, a variable of the other."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from scripts.emit.errors import EmitError
from scripts.emit.partition import ROOT, Block, Module
from scripts.emit.templates import replace_in_code, sole_expression

#: ``aws_vpc.network_vpc`` or ``data.aws_partition.x`` or ``var.name``, and what is taken of it.
REFERENCE = re.compile(
    r"(?<![\w.-])(?P<address>(?:data\.|ephemeral\.)?[A-Za-z_][\w-]*\.[A-Za-z_][\w-]*)"
    r"(?P<rest>(?:\.[A-Za-z_][\w-]*|\[\d+\]|\[\*\])*)"
)
#: Meta-arguments that hold references without ``${…}``.
BARE = ("depends_on", "replace_triggered_by")
#: The output that others wait for.
COMPLETE = "complete"
NUMBERED = re.compile(r"(.+)_\d+")

Owners = Mapping[str, tuple[str, Block]]


def link(modules: Mapping[str, Module], owners: Owners, terraform: Mapping[str, Any]) -> None:
    """Rewrite every reference for the module that it is in now; declare what that takes.

    Raises:
        EmitError: something waits for what no module has.
    """
    linker = _Linker(modules, owners, terraform.get("variable", {}))
    for module in modules.values():
        for block in module.blocks:
            block.body = linker.rewrite(module, block.body)
    root = modules[ROOT]
    for name, output in terraform.get("output", {}).items():
        root.outputs[name] = linker.rewrite(root, output)
    for module in modules.values():
        module.variables = with_possible_checks(module.variables)


class _Numbered(NamedTuple):
    """A reference such as ``aws_subnet.network_subnet_0.id``, without its number."""

    owner: str
    kind: str
    base: str
    attribute: str
    type: str


class _Linker:
    def __init__(
        self, modules: Mapping[str, Module], owners: Owners, variables: Mapping[str, Any]
    ) -> None:
        self._modules = modules
        self._owners = owners
        self._variables = variables

    def rewrite(self, module: Module, value: Any) -> Any:
        """The same value, with references that hold in the module."""
        if isinstance(value, dict):
            rewritten = {
                self.rewrite(module, key): self._bare(module, key, one)
                if key in BARE
                else self.rewrite(module, one)
                for key, one in value.items()
            }
            return {key: one for key, one in rewritten.items() if key != "depends_on" or one}
        if isinstance(value, list):
            return self._whole_list(module, value) or [self.rewrite(module, one) for one in value]
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
        output = re.sub(r"\W+", "_", f"{block.labels[-1]}{rest}").strip("_")
        simple = re.fullmatch(r"\.([\w-]+)", rest)
        of = f"`{rest.lstrip('.')}` of `{block.address}`" if rest else f"`{block.address}`"
        return self._share(
            module,
            self._modules[owner],
            output,
            "${" + block.address + rest + "}",
            of,
            block.attributes.get(simple[1], "any") if simple else "any",
            ephemeral=block.kind == "ephemeral",
        )

    def _whole_list(self, module: Module, values: list[Any]) -> str | None:
        """One reference for a list of the same attribute of ``subnet_0``, ``subnet_1`` and so on.

        Whoever uses the module can then give as many as there are.
        """
        found = {self._numbered(value) for value in values}
        one = found.pop() if len(found) == 1 and len(values) > 1 else None
        if one is None or one.owner in (module.name, ROOT):
            return None
        owner = self._modules[one.owner]
        shared = self._share(
            module,
            owner,
            f"{one.base}_{one.attribute}s",
            [self.rewrite(owner, value) for value in values],
            f"`{one.attribute}` of each `{one.kind}.{one.base}_…`",
            f"list({one.type})",
        )
        return "${" + shared + "}"

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

    def _share(
        self,
        user: Module,
        owner: Module,
        name: str,
        value: Any,
        what: str,
        type_: str,
        *,
        ephemeral: bool = False,
    ) -> str:
        """Let the owner put the value out and the user take it in; return the user's reference."""
        marks = {"ephemeral": True} if ephemeral else {}
        # a_b.c and a.b_c, or other members of the same list: each value has a name of its own.
        names = (name, *(f"{name}_{number}" for number in range(2, len(owner.outputs) + 2)))
        name = next(one for one in names if self._is_free(owner, one, value))
        if owner.name != ROOT:
            owner.outputs[name] = {"description": f"{what}.", "value": value, **marks}
        given = f"module.{owner.name}.{name}" if owner.name != ROOT else str(value)[2:-1]
        if user.name == ROOT:
            return given
        variable = f"{owner.name}_{name}".lstrip("_")
        if variable in self._variables:
            variable = f"module_{variable}"
        where = f" in the module {owner.name}" if owner.name else ""
        user.variables[variable] = {"description": f"{what}{where}.", "type": type_, **marks}
        user.arguments[variable] = given
        return f"var.{variable}"

    def _is_free(self, owner: Module, name: str, value: Any) -> bool:
        return name not in owner.outputs or owner.outputs[name]["value"] == value

    def _use_variable(self, module: Module, name: str) -> None:
        for one in (module, self._modules[ROOT]):
            one.variables.setdefault(name, self._variables[name])
        module.arguments[name] = f"var.{name}"

    def _bare(self, module: Module, argument: str, references: list[str]) -> list[str]:
        """References without ``${…}``; one to another module is one to its completion."""
        own: list[str] = []
        for reference in references:
            match = REFERENCE.fullmatch(reference)
            if match is None or match["address"] not in self._owners:
                raise EmitError(f"{argument} names {reference}, which is not in the stack")
            owner, block = self._owners[match["address"]]
            if owner == module.name:
                own.append(block.address + match["rest"])
            elif argument != "depends_on":
                raise EmitError(
                    f"The construct {module.name} has {argument} with {reference} of {owner}: "
                    "Terraform takes only resources of the same module; put both into one construct"
                )
            elif (other := self._completion(module, self._modules[owner], block)) not in own:
                own.append(other)
        return own

    def _completion(self, user: Module, owner: Module, block: Block) -> str:
        """What the user names to wait for a block of the owner.

        Not ``depends_on`` of the module call: it would put off the reading of every data source
        of the module, and Terraform would plan changes that it does not make.
        """
        if owner.name == ROOT:
            raise EmitError(
                f"The construct {user.name} waits for {block.address}, which is in none: "
                "put it into a construct of its own"
            )
        if user.name == ROOT:
            return f"module.{owner.name}"
        done = owner.outputs.setdefault(
            COMPLETE,
            {"description": "True once all is made that others wait for.", "value": True},
        )
        done["depends_on"] = sorted({*done.get("depends_on", ()), block.address})
        variable = f"{owner.name}_{COMPLETE}"
        user.variables[variable] = {
            "description": f"`{COMPLETE}` of the module {owner.name}; what is made here waits for "
            "what it names.",
            "type": "bool",
            "default": True,
        }
        user.arguments[variable] = f"module.{owner.name}.{COMPLETE}"
        return f"var.{variable}"


def variables_in(value: Any) -> Iterator[str]:
    """The variables that the code of a value names."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from variables_in(one)
    elif isinstance(value, str):
        found: list[str] = []

        def note(match: re.Match[str]) -> str:
            found.append(match["address"])
            return match[0]

        replace_in_code(value, REFERENCE, note)
        yield from (one.removeprefix("var.") for one in found if one.startswith("var."))


def with_possible_checks(variables: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same variables, without the checks that name one that is not among them."""
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
