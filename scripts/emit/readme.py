"""The README of a module, from the same descriptions as its variables and outputs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from modules.settings import SHAPE, Settings
from scripts.emit.files import HEAD, MARK, description, ordered
from scripts.emit.partition import Module

#: Where the examples of the READMEs take the modules from.
GIT = "git::https://git.example.com/terraform-aws-wharf.git"
VERSION = "v1.0.0"

LICENSE = "[Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0)"

TOP = "The whole registry: every module below `modules/`, put together."


def readme(
    module: Module, modules: Mapping[str, Module], example: str, versions: Mapping[str, str]
) -> str:
    """README.md of a module; ``example`` is the text of its first example."""
    is_root = not module.name
    folder = "" if is_root else f"//modules/{module.name}"
    usage = example.removeprefix(HEAD).replace('"../.."', f'"{GIT}{folder}?ref={VERSION}"')
    parts = [
        f"<!-- {MARK} -->",
        f"# {'Wharf: a private Docker registry on AWS' if is_root else module.name}",
        TOP if is_root else purpose(module.purpose),
        "## Usage",
        f"```hcl\n{usage}```",
        *(_of_the_root(modules) if is_root else ()),
        "## Requirements",
        _table(("name", "version"), [(name, f"`{one}`") for name, one in versions.items()]),
        "## Inputs",
        inputs(module.variables),
        "## Outputs",
        _outputs(module.outputs),
        "## License",
        LICENSE,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def purpose(doc: str) -> str:
    """What a construct's doc string says before it comes to Python."""
    paragraphs = doc.split("\n\n")
    python = ("Args:", "Exposes", "Usage:", "Raises:")
    end = next((n for n, one in enumerate(paragraphs) if one.startswith(python)), None)
    return "\n\n".join(paragraphs[:end]).replace("``", "`")


def inputs(variables: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of variables, those first that have to be given."""
    rows = []
    for name in ordered(variables):
        one = variables[name]
        default = f"`{json.dumps(one['default'])}`" if "default" in one else "required"
        rows.append((f"`{name}`", one.get("description", ""), f"`{one['type']}`", default,
                     _allowed(name, one)))  # fmt: skip
    return _table(("name", "what it is", "type", "default", "allowed"), rows)


def _allowed(name: str, variable: Mapping[str, Any]) -> str:
    messages = [check["error_message"] for check in variable.get("validation") or []]
    # What must be so is said of each element, what there must be of the list.
    each = "each " if variable["type"].startswith("list(") else ""
    kept = [
        one.replace(f"{name} must be ", each, 1).replace(f"{name} must have ", "", 1).rstrip(".")
        for one in messages
    ]
    return "; ".join([*kept, *(mark for mark in ("sensitive", "ephemeral") if variable.get(mark))])


def _outputs(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    if not outputs:
        return "None."
    rows = [(f"`{name}`", description(name, one)) for name, one in sorted(outputs.items())]
    return _table(("name", "what it is"), rows)


def _of_the_root(modules: Mapping[str, Module]) -> list[str]:
    rows = []
    for name, module in modules.items():
        first = purpose(module.purpose).split("\n\n")[0].replace("\n", " ")
        rows.append((f"[`{name}`](modules/{name})", first))
    return [
        "More: [every input](examples/complete).",
        "## Modules",
        _table(("name", "what it is"), rows),
    ]


def shape(settings: Settings) -> str:
    """What was chosen when the modules were made, and is no variable of theirs."""
    # Where the state is kept is for whoever uses the modules to say.
    names = sorted(name for name in SHAPE if not name.startswith("backend"))
    chosen = ", ".join(f"`{name} = {json.dumps(getattr(settings, name))}`" for name in names)
    return f"Made with {chosen}. Others are made with other settings."


def example_readme(title: str, text: str) -> str:
    """README.md of an example."""
    return f"<!-- {MARK} -->\n\n# {title}\n\n{text}\n\n    terraform init\n    terraform apply\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(one.replace('|', chr(92) + '|') for one in line)} |" for line in lines
    )
