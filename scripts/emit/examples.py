"""Values that stand for what only a user knows, and the configurations that show a module's use."""

import re
from collections.abc import Mapping
from typing import Any

from scripts.emit.files import HEAD, description, ordered, variables
from scripts.emit.hcl import block
from scripts.emit.partition import META_BLOCKS, ROOT, Module
from scripts.emit.references import variables_in, with_possible_checks
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

RUN_BLOCKS = frozenset({("variables",), ("module",)})
UNMOCKED = """\
# Terraform cannot mock ephemeral resources: this takes credentials of an AWS account, or of an
# emulator that AWS_ENDPOINT_URL names. Nothing is made: the runs only plan.
provider "aws" {
  region = "us-east-1"
}
"""


def placeholder(name: str, variable: Mapping[str, Any]) -> Any:
    """A value for a variable without a default: what its description names, or one made up."""
    messages = [check["error_message"] for check in variable.get("validation") or []]
    for text in [variable.get("description", ""), *messages]:
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
        "variables.tf": variables(with_possible_checks(declared)),
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
        # The configuration that is applied may put out nothing ephemeral, and nobody waits for it.
        if not output.get("ephemeral") and "depends_on" not in output
    ]


def tests(module: Module, modules: Mapping[str, Module], shown: list[str]) -> str:
    """A file for ``terraform test``: the checks of the variables, and a plan of each example.

    The provider is mocked, so it takes no account, but for ephemeral resources, which cannot be.
    """
    parts = [*modules.values(), module] if module.name == ROOT else [module]
    blocks = [one for part in parts for one in part.blocks]
    ephemeral = any(one.kind == "ephemeral" for one in blocks)
    head = UNMOCKED if ephemeral else _mocked_provider({one.labels[0] for one in blocks})
    given = required(module)
    runs = []
    for name, refused in _refused(module).items():
        failures = [f"${{var.{variable}}}" for variable in sorted(refused)]
        runs.append(_run(name, given | refused, expect_failures=failures))
    for name in shown:
        source = {"source": f"./examples/{name}"}
        runs.append(_run(f"example_{name}", given if name == "complete" else {}, module=source))
    return HEAD + "\n".join([head, *runs])


def _refused(module: Module) -> dict[str, dict[str, Any]]:
    """Bad values by the name of a run.

    A check that compares two variables says nothing while the other one is bad, so that comes in
    a run of its own.
    """
    checked = {
        name: REFUSED[variable["type"]]
        for name, variable in module.variables.items()
        if variable.get("validation") and variable["type"] in REFUSED
    }
    compared = {
        other
        for name in checked
        for other in variables_in(module.variables[name]["validation"])
        if other != name
    }
    runs = {
        "refuse_bad_values": {name: checked[name] for name in checked.keys() - compared},
        "refuse_bad_bounds": {name: checked[name] for name in checked.keys() & compared},
    }
    return {name: dict(sorted(values.items())) for name, values in runs.items() if values}


def _mocked_provider(kinds: set[str]) -> str:
    data = [
        block("mock_data", (kind,), {"defaults": MOCKED[kind]})
        for kind in sorted(kinds & MOCKED.keys())
    ]
    return 'mock_provider "aws" {\n' + "\n".join(data) + "}\n"


def _run(name: str, variables: Mapping[str, Any], **more: Any) -> str:
    given = {"variables": variables} if variables else {}
    return block("run", (name,), {"command": "${plan}"} | given | more, RUN_BLOCKS)
