"""Imports run one way: main → stack → parts → aws; the local cloud never sees the stack."""

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BINDINGS = ("cdktf", "cdktf_cdktf_provider_aws", "constructs", "jsii")


def imports(file: Path, types: bool = True) -> Iterator[str]:
    """Yield the modules that a file imports, also those for type checkers only if ``types``."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if not types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""


def files(folder: str) -> list[Path]:
    found = sorted((REPOSITORY / folder).rglob("*.py"))
    assert found, folder
    return found


def starts_with(module: str, *packages: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in packages)


@pytest.mark.parametrize("file", files("integration"), ids=str)
def test_the_harness_knows_only_what_the_aws_api_says(file: Path) -> None:
    assert not [one for one in imports(file) if starts_with(one, "modules", "main", *BINDINGS)]


@pytest.mark.parametrize("file", files("modules"), ids=str)
def test_the_bindings_have_one_door(file: Path) -> None:
    used = [one for one in imports(file) if starts_with(one, *BINDINGS)]
    assert bool(used) == (file.name == "aws.py")


@pytest.mark.parametrize("file", files("modules"), ids=str)
def test_parts_of_the_stack_do_not_import_the_stack(file: Path) -> None:
    assert not [one for one in imports(file) if starts_with(one, "modules.stack", "main")]


@pytest.mark.parametrize(
    "file",
    [
        file
        for file in (*files("scripts"), *files("nginx-proxy"))
        # The one that takes the stack apart.
        if file != REPOSITORY / "scripts/emit/synthesis.py"
    ],
    ids=str,
)
def test_operators_need_neither_the_stack_nor_the_harness(file: Path) -> None:
    needed = [] if "test" in file.name else list(imports(file))
    assert not [one for one in needed if starts_with(one, "modules.stack", "main", "integration")]


@cache
def of_a_deployment() -> set[str]:
    """Import names of the packages that a deployment installs: pipenv sync without --dev."""
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    return {
        name
        for name, distributions in packages_distributions().items()
        if {one.lower().replace("_", "-") for one in distributions} & lock["default"].keys()
    }


@pytest.mark.parametrize(
    "file",
    [
        REPOSITORY / "main.py",
        *files("modules"),
        # A night runs the suite.
        *(file for file in files("scripts") if "nightly" not in file.parts),
        *files("nginx-proxy/wharf_proxy"),
    ],
    ids=str,
)
def test_operators_need_no_development_packages(file: Path) -> None:
    own = {"modules", "scripts", "wharf_proxy"}
    known = own | of_a_deployment() | sys.stdlib_module_names
    assert {one.partition(".")[0] for one in imports(file, types=False)} <= known


@pytest.mark.parametrize(
    "file",
    [file for folder in ("modules", "integration", "scripts") for file in files(folder)],
    ids=str,
)
def test_no_file_is_too_long_to_know(file: Path) -> None:
    assert len(file.read_text().splitlines()) < 300
