"""The README of a module, from the same descriptions as its variables and outputs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from modules.settings.settings import Settings
from modules.settings.shape import SHAPE
from scripts.terraform_modules.examples import call, required
from scripts.terraform_modules.files import MARK, description, ordered
from scripts.terraform_modules.partition import Module

#: Where the examples of the READMEs take the modules from.
GIT = "git::https://git.example.com/terraform-aws-wharf.git"
VERSION = "v1.0.0"

LICENSE = "[Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0)"

TOP = "The whole registry: every module below `modules/`, put together."


def usage(module: Module) -> str:
    """Return the call of a module as its users write it: with the required inputs only."""
    folder = f"//modules/{module.name}" if module.name else ""
    source = f"{GIT}{folder}?ref={VERSION}"
    return call(module.name or "registry", source, required(module))


def readme(
    module: Module, modules: Mapping[str, Module], usage: str, versions: Mapping[str, str]
) -> str:
    """Return the README.md of a module; ``usage`` is formatted already."""
    is_root = not module.name
    parts = [
        f"<!-- {MARK} -->",
        f"# {'Wharf: a private Docker registry on AWS' if is_root else module.name}",
        TOP if is_root else purpose(module.purpose),
        "## Usage",
        f"```hcl\n{usage}```",
        *(_of_the_root(modules) if is_root else ()),
        "## Requirements",
        _table(("Name", "Version"), [(name, f"`{each}`") for name, each in versions.items()]),
        "## Inputs",
        inputs(module.variables),
        "## Outputs",
        _outputs(module.outputs),
        "## License",
        LICENSE,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def purpose(doc: str) -> str:
    """Return the part of a construct's docstring that does not concern Python."""
    paragraphs = doc.split("\n\n")
    python = ("Args:", "Exposes", "Usage:", "Raises:")
    end = next((n for n, each in enumerate(paragraphs) if each.startswith(python)), None)
    return "\n\n".join(paragraphs[:end]).replace("``", "`")


def inputs(variables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of variables, the required variables first."""
    rows = []
    for name in ordered(variables):
        each = variables[name]
        default = f"`{json.dumps(each['default'])}`" if "default" in each else "required"
        rows.append((f"`{name}`", each.get("description", ""), f"`{each['type']}`", default,
                     _allowed(name, each)))  # fmt: skip
    return _table(("Name", "Description", "Type", "Default", "Allowed"), rows)


def _allowed(name: str, variable: Mapping[str, Any]) -> str:
    messages = [check["error_message"] for check in variable.get("validation") or []]
    # "must be" is a condition of each element, "must have" a condition of the list.
    each = "each " if variable["type"].startswith("list(") else ""
    kept = [
        text.replace(f"{name} must be ", each, 1).replace(f"{name} must have ", "", 1).rstrip(".")
        for text in messages
    ]
    return "; ".join([*kept, *(mark for mark in ("sensitive", "ephemeral") if variable.get(mark))])


def _outputs(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    if not outputs:
        return "None."
    rows = [(f"`{name}`", description(name, each)) for name, each in sorted(outputs.items())]
    return _table(("Name", "Description"), rows)


def _of_the_root(modules: Mapping[str, Module]) -> list[str]:
    rows = []
    for name, module in modules.items():
        first = purpose(module.purpose).split("\n\n")[0].replace("\n", " ")
        rows.append((f"[`{name}`](modules/{name})", first))
    return [
        "More: [every input](examples/complete).",
        "## Modules",
        _table(("Name", "Description"), rows),
    ]


def shape(settings: Settings) -> str:
    """Return the choices of the stack that are not variables of the modules."""
    # Where the state is kept is for whoever uses the modules to say.
    names = sorted(name for name in SHAPE if not name.startswith("backend"))
    chosen = ", ".join(f"`{name} = {json.dumps(getattr(settings, name))}`" for name in names)
    return f"Made with {chosen}. Others are made with other settings."


def example_readme(title: str, text: str) -> str:
    """Return the README.md of an example."""
    return f"<!-- {MARK} -->\n\n# {title}\n\n{text}\n\n    terraform init\n    terraform apply\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |" for line in lines
    )
