"""Values that stand for what only a user knows, and the configurations that show a module's use."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scripts.terraform_modules.files import HEAD, description, ordered, variables
from scripts.terraform_modules.hcl import block
from scripts.terraform_modules.partition import META_BLOCKS, ROOT, Module
from scripts.terraform_modules.references import variables_in, with_possible_checks
from scripts.terraform_modules.synthesis import Synthesized

#: Ends the description or the message of a check: "… such as eu-west-1."
SUCH_AS = re.compile(r"such as (\S+?)[.,]?(?:\s|$)")
#: A value of each type that no check of the stack's accepts.
REFUSED: dict[str, Any] = {"string": "!", "number": -1, "list(string)": ["!"]}
ZONES = [f"us-east-1{letter}" for letter in "abcdef"]
#: What a mocked provider has to say, where anything at all will not do.
MOCKED: dict[str, dict[str, Any]] = {
    "aws_availability_zones": {"names": ZONES},
    "aws_ec2_instance_type_offerings": {"locations": ZONES},
    "aws_partition": {
        "partition": "aws",
        "dns_suffix": "amazonaws.com",
        "reverse_dns_prefix": "com.amazonaws",
    },
    "aws_caller_identity": {"account_id": "123456789012"},
}

TAKEOVER = """\
# With a copy of the state of a deployed CDKTF stack, its resources become those of the modules.
# Without such a state these blocks do nothing.
"""
#: Beginnings of IDs that AWS gives.
PREFIXES = {"vpc": "vpc", "subnet": "subnet", "security_group": "sg", "vpc_endpoint": "vpce"}
RUN_BLOCKS = frozenset({("variables",), ("module",)})
UNMOCKED = """\
# Terraform cannot mock ephemeral resources: this takes credentials of an AWS account, or of an
# emulator that AWS_ENDPOINT_URL names. Nothing is made: the runs only plan.
provider "aws" {
  region = "us-east-1"
}
"""


def placeholder(name: str, variable: Mapping[str, Any]) -> Any:
    """Return a value for a variable without a default: its description's, or a made-up value."""
    messages = [check["error_message"] for check in variable.get("validation") or []]
    for text in [variable.get("description", ""), *messages]:
        if found := SUCH_AS.search(text):
            return found[1]
    plain = name.replace("_", "-")
    for noun in sorted(PREFIXES, key=len, reverse=True):
        if name.removesuffix("s").endswith(f"{noun}_id"):
            plain = f"{PREFIXES[noun]}-0123456789abcdef"
    if variable["type"].startswith("list("):
        return [f"{plain}{number}" for number in (1, 2)]
    if variable["type"] in ("number", "bool"):
        return 1 if variable["type"] == "number" else True
    return f"arn:aws:service:us-east-1:123456789012:{plain}" if name.endswith("_arn") else plain


def required(module: Module) -> dict[str, Any]:
    """Return a value for each required variable."""
    return {
        name: placeholder(name, module.variables[name])
        for name in ordered(module.variables)
        if "default" not in module.variables[name]
    }


def basic(module: Module) -> str:
    """Return main.tf of the example that sets only the required inputs."""
    name = module.name or "registry"
    provider = block("provider", ("aws",), {"region": "us-east-1"})
    return HEAD + "\n".join([provider, call(name, "../..", required(module))])


def call(name: str, source: str, arguments: Mapping[str, Any]) -> str:
    """Return the block that calls a module."""
    return block("module", (name,), {"source": source, **arguments})


def complete(root: Module, stack: Synthesized, moves: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the files of the example with all inputs and outputs, which can be deployed.

    Its provider is the stack's own, so that its plan is that of the stack.

    Args:
        root: root module.
        stack: synthesized stack.
        moves: addresses in the stack, and below the root module.
    """
    providers = [
        (f"provider.{name}", name, body)
        for name, bodies in stack.terraform["provider"].items()
        for body in bodies
    ]
    named = {each for _, _, body in providers for each in variables_in(body)}
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
    moved = [
        block("moved", (), {"from": f"${{{old}}}", "to": f"${{module.registry.{new}}}"})
        for old, new in moves
    ]
    return {
        "main.tf": HEAD + "\n".join([*blocks, call("registry", "../..", arguments)]),
        "moved.tf": f"{HEAD}{TAKEOVER}\n" + "\n".join(moved),
        "variables.tf": variables(with_possible_checks(declared)),
        "outputs.tf": HEAD + "\n".join(_outputs(root)),
    }


def _outputs(root: Module) -> list[str]:
    return [
        block(
            "output",
            (name,),
            {
                "description": description(name, output),
                "value": f"${{module.registry.{name}}}",
                **{mark: True for mark in ("sensitive",) if output.get(mark)},
            },
        )
        for name, output in sorted(root.outputs.items())
    ]


def tests(module: Module, modules: Mapping[str, Module], shown: list[str]) -> str:
    """Return a file for ``terraform test``: checks of the variables, and a plan of each example.

    The provider is mocked, so it takes no account, but for ephemeral resources, which cannot be.
    """
    parts = [*modules.values(), module] if module.name == ROOT else [module]
    blocks = [each for part in parts for each in part.blocks]
    ephemeral = any(each.kind == "ephemeral" for each in blocks)
    head = UNMOCKED if ephemeral else _mocked_provider({each.labels[0] for each in blocks})
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
    """Return bad values by the name of a run.

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
