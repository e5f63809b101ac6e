"""All files of all modules, from settings to text."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wharf_proxy.errors import ConfigurationError

from modules.settings.settings import Settings
from scripts.programs import output_of
from scripts.terraform_modules import examples, files
from scripts.terraform_modules.partition import ROOT, Module, partition
from scripts.terraform_modules.readme import example_readme, readme, shape, usage
from scripts.terraform_modules.references import Owners, link
from scripts.terraform_modules.synthesis import Synthesized, synthesize

#: Names of the Terraform program.
PROGRAMS = ("terraform", "tofu")
#: Ends the name of a text that becomes a part of a README, once it is formatted.
USAGE = ".usage.tf"
#: Folders that this command does not write, wherever they are.
FOREIGN = {".git", ".terraform"}


def emit(settings: Settings) -> dict[str, str]:
    """Return the text of each file by its path below the root module.

    Raises:
        ConfigurationError: the stack has something that modules cannot express, or Terraform is
            missing.
    """
    stack = synthesize(settings)
    modules, owners = partition(stack)
    link(modules, owners, stack.terraform)
    root = modules.pop(ROOT)
    written = _module("", root, modules, stack, ["minimal", "complete"])
    for name, module in modules.items():
        written |= _module(f"modules/{name}/", module, modules, stack, ["minimal"])
    written |= _complete(root, stack, owners)
    usages = {each.name: usage(each) for each in (root, *modules.values())}
    written = formatted(written | {f"{name}{USAGE}": text for name, text in usages.items()})
    for module in (root, *modules.values()):
        folder = f"modules/{module.name}/" if module.name else ""
        text = written.pop(f"{module.name}{USAGE}")
        versions = _versions(stack.terraform, module)
        written[f"{folder}README.md"] = readme(module, modules, text, versions)
    written["README.md"] += f"\n{shape(settings)}\n"
    return written


def _module(
    folder: str,
    module: Module,
    modules: Mapping[str, Module],
    stack: Synthesized,
    shown: list[str],
) -> dict[str, str]:
    return {
        f"{folder}main.tf": files.main(module, modules),
        f"{folder}variables.tf": files.variables(module.variables),
        f"{folder}outputs.tf": files.outputs(module.outputs),
        f"{folder}versions.tf": files.versions(stack.terraform, module),
        f"{folder}tests/{module.name or 'registry'}.tftest.hcl": examples.tests(
            module, modules, shown
        ),
        f"{folder}examples/minimal/main.tf": examples.basic(module),
        f"{folder}examples/minimal/versions.tf": files.versions(stack.terraform),
        f"{folder}examples/minimal/README.md": example_readme(
            f"{module.name or 'registry'}: only what has to be given",
            "Values such as names and ARNs stand for your own.",
        ),
    }


def _complete(root: Module, stack: Synthesized, owners: Owners) -> dict[str, str]:
    moves = [
        (old, f"module.{owner}.{block.address}" if owner else block.address)
        for old, (owner, block) in owners.items()
        if block.kind == "resource"
    ]
    made = examples.complete(root, stack, moves) | {
        "versions.tf": files.versions(stack.terraform),
        "README.md": example_readme(
            "registry: every input and every output",
            "A configuration for a workspace: its variables are those of the module. Its plan is "
            "that of the CDKTF stack.",
        ),
    }
    return {f"examples/complete/{name}": text for name, text in made.items()}


def _versions(terraform: Mapping[str, Any], module: Module) -> dict[str, str]:
    providers = files.providers(terraform, module)
    return {"terraform": terraform["terraform"]["required_version"]} | {
        name: each["version"] for name, each in providers.items()
    }


def formatted(written: Mapping[str, str]) -> dict[str, str]:
    """Return the files as ``terraform fmt`` formats them.

    Raises:
        ConfigurationError: there is no Terraform, or it does not take a file for HCL.
    """
    program = next((each for each in PROGRAMS if shutil.which(each)), None)
    if program is None:
        raise ConfigurationError(
            "Neither terraform nor tofu is installed; install 1.11 or newer of either"
        )
    with tempfile.TemporaryDirectory() as directory:
        write(Path(directory), written)
        output_of("terraform fmt", [program, "fmt", "-recursive", "-list=false"], cwd=directory)
        return {name: (Path(directory) / name).read_text() for name in written}


def write(directory: Path, written: Mapping[str, str]) -> None:
    """Write the files, and remove those of an earlier run that are no longer made.

    Files without the mark of this command stay.
    """
    for path in sorted(directory.rglob("*")):
        below = path.relative_to(directory)
        ours = path.suffix in (".tf", ".hcl", ".md") and not FOREIGN & {*below.parts}
        if ours and str(below) not in written and path.is_file() and files.MARK in path.read_text():
            path.unlink()
            _remove_empty(path.parent)
    for name, text in written.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def _remove_empty(directory: Path) -> None:
    while not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
