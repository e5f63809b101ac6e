"""Values that stand for what only a user knows, and the configurations that show a module's use."""

import re
from collections.abc import Mapping
from typing import Any

from scripts.emit.files import HEAD, description, ordered, variables
from scripts.emit.hcl import block
from scripts.emit.partition import META_BLOCKS, ROOT, Module
from scripts.emit.references import variables_in
from scripts.emit.synthesis import Synthesized

#: Ends the description or the message of a check: "… such as eu-west-1."
SUCH_AS = re.compile(r"such as (\S+?)[.,]?(?:\s|$)")
#: A value of each type that no check of the stack's accepts.
REFUSED: dict[str, Any] = {"string": "!", "number": -1, "list(string)": ["!"]}
#: What a mocked provider has to say, where anything at all will not do.
MOCKED: dict[str, dict[str, Any]] = {
    "aws_availability_zones": {"names": [f"us-east-1{letter}" for letter in "abcdef"]},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com"},
    "aws_caller_identity": {"account_id": "123456789012"},
}


def placeholder(name: str, variable: Mapping[str, Any]) -> Any:
    """A value for a variable that has no default: the one that its own words name, or one made up."""
    messages = [check["error_message"] for check in variable.get("validation") or []]
    for text in [*messages, variable.get("description", "")]:
        if found := SUCH_AS.search(text):
            return found[1]
    plain = name.replace("_", "-")
    if variable["type"].startswith("list("):
        return [f"{plain}-{number}" for number in (1, 2)]
    if variable["type"] in ("number", "bool"):
        return 1 if variable["type"] == "number" else True
    return f"arn:aws:service:us-east-1:123456789012:{plain}" if name.endswith("_arn") else plain


def required(module: Module) -> dict[str, Any]:
    """A value for each variable that has to be given."""
    return {
        name: placeholder(name, module.variables[name])
        for name in ordered(module.variables)
        if "default" not in module.variables[name]
    }


def basic(module: Module) -> str:
    """main.tf of the example with nothing but what has to be given."""
    name = module.name or "registry"
    provider = block("provider", ("aws",), {"region": "us-east-1"})
    call = block("module", (name,), {"source": "../.."} | required(module))
    return HEAD + "\n".join([provider, call, *_outputs(module, name)])


def complete(root: Module, stack: Synthesized) -> dict[str, str]:
    """The files of the example that can be deployed as it is: every input, every output.

    Its provider is the stack's own, so that its plan is that of the stack.
    """
    providers = [
        (f"provider.{name}", name, body)
        for name, bodies in stack.terraform["provider"].items()
        for body in bodies
    ]
    named = {one for _, _, body in providers for one in variables_in(body)}
    declared = {
        name: variable
        for name, variable in stack.terraform["variable"].items()
        if name in root.variables or name in named
    }
    arguments = {name: "${var." + name + "}" for name in ordered(root.variables)}
    blocks = [
        block("provider", (name,), body, stack.blocks.get(address, frozenset()) | META_BLOCKS)
        for address, name, body in providers
    ]
    call = block("module", ("registry",), {"source": "../.."} | arguments)
    return {
        "main.tf": HEAD + "\n".join([*blocks, call]),
        "variables.tf": variables(declared),
        "outputs.tf": HEAD + "\n".join(_outputs(root, "registry")),
    }


def _outputs(module: Module, call: str) -> list[str]:
    return [
        block(
            "output",
            (name,),
            {
                "description": description(name, output),
                "value": f"${{module.{call}.{name}}}",
                **{mark: True for mark in ("sensitive",) if output.get(mark)},
            },
        )
        for name, output in sorted(module.outputs.items())
        # The configuration that is applied may put out nothing ephemeral.
        if not output.get("ephemeral")
    ]


def tests(module: Module, modules: Mapping[str, Module], examples: list[str]) -> str:
    """A file for ``terraform test``: the plan, the checks of the variables, the examples.

    The provider is mocked: it takes no account, and no network but for the provider itself.
    """
    inside = modules.values() if module.name == ROOT else [module]
    kinds = {one.labels[0] for part in inside for one in part.blocks if one.kind == "data"}
    mocks = [
        {"mock_data": {kind: {"defaults": MOCKED[kind]}}} for kind in sorted(kinds & MOCKED.keys())
    ]
    given = required(module)
    checked = {
        name: REFUSED[variable["type"]]
        for name, variable in module.variables.items()
        if variable.get("validation") and variable["type"] in REFUSED
    }
    runs = [_run("plan", variables=given)]
    if checked:
        failures = [f"${{var.{name}}}" for name in checked]
        runs.append(_run("refuse_bad_values", variables=given | checked, failures=failures))
    for example in examples:
        needed = given if example == "complete" else {}
        runs.append(_run(f"example_{example}", variables=needed, source=f"./examples/{example}"))
    return HEAD + "\n".join([_mocked_provider(mocks), *runs])


def _mocked_provider(mocks: list[dict[str, Any]]) -> str:
    text = "\n".join(
        block("mock_data", (kind,), body)
        for mock in mocks
        for kind, body in mock["mock_data"].items()
    )
    return f'mock_provider "aws" {{\n{text}}}\n'


def _run(
    name: str,
    variables: Mapping[str, Any],
    failures: list[str] | None = None,
    source: str | None = None,
) -> str:
    body: dict[str, Any] = {"command": "${plan}"}
    blocks = set()
    if variables:
        body["variables"] = variables
        blocks.add(("variables",))
    if source:
        body["module"] = {"source": source}
        blocks.add(("module",))
    if failures:
        body["expect_failures"] = failures
    return block("run", (name,), body, blocks)

