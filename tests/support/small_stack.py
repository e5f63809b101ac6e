"""Small stacks that no construct makes, taken apart into modules."""

from typing import Any

from scripts.terraform_modules.partition import Module, partition
from scripts.terraform_modules.references import link
from scripts.terraform_modules.synthesis import Synthesized


def resource(path: str, **body: Any) -> dict[str, Any]:
    """Return a resource as Terraform JSON has it, below the construct of its path."""
    return {"//": {"metadata": {"path": f"stack/{path}"}}, **body}


def modules(*parts: str, **terraform: Any) -> dict[str, Module]:
    """Return the modules of a stack whose constructs are ``parts``."""
    stack = Synthesized(
        terraform,
        dict.fromkeys(parts, ""),
        {},
        {f"aws_a.one_{name}": {"id": "string"} for name in ("x", "z_0", "z_1", "z_2")},
    )
    made, owners = partition(stack)
    link(made, owners, terraform)
    return made


def body(module: Module) -> Any:
    """Return the body of the module's only block."""
    (block,) = module.blocks
    return block.body
