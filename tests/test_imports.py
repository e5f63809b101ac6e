"""Imports run one way: main → stack → parts → aws, and down the layers of the harness."""

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
#: The layers of the harness, the lowest first: each imports from itself and from those before it.
LAYERS = (
    *("console", "clients", "local", "demo", "load", "bench", "storms", "floods", "faults"),
    *("suite", "mutants"),
)
#: The rooms of the stack below its constructs, the lowest first.
ROOMS = ("bindings", "settings")


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
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("file", files("integration"), ids=str)
def test_the_harness_knows_only_what_the_aws_api_says(file: Path) -> None:
    assert not [
        module for module in imports(file) if starts_with(module, "modules", "main", *BINDINGS)
    ]


@pytest.mark.parametrize("file", files("integration"), ids=str)
def test_the_harness_imports_downwards(file: Path) -> None:
    place = file.relative_to(REPOSITORY / "integration").with_suffix("").parts[0]
    if place == "__init__":
        return
    below = {f"integration.{layer}" for layer in LAYERS[: LAYERS.index(place) + 1]}
    used = {
        ".".join(module.split(".")[:2])
        for module in imports(file)
        if module.startswith("integration.")
    }
    assert used <= below


@pytest.mark.parametrize("file", files("modules"), ids=str)
def test_the_bindings_have_one_door(file: Path) -> None:
    used = [module for module in imports(file) if starts_with(module, *BINDINGS)]
    assert bool(used) == (file.name == "aws.py")


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_of_the_stack_import_downwards(room: str) -> None:
    below = [f"modules.{name}" for name in ROOMS[: ROOMS.index(room) + 1]]
    used = {module for file in files(f"modules/{room}") for module in imports(file)}
    own = {module for module in used if starts_with(module, "modules")}
    assert {module for module in own if not starts_with(module, "modules.errors", *below)} == set()


@pytest.mark.parametrize("file", files("modules"), ids=str)
def test_parts_of_the_stack_do_not_import_the_stack(file: Path) -> None:
    assert not [module for module in imports(file) if starts_with(module, "modules.stack", "main")]


@pytest.mark.parametrize(
    "file",
    [
        file
        for file in (*files("scripts"), *files("nginx-proxy"))
        # The one that takes the stack apart.
        if file != REPOSITORY / "scripts/terraform_modules/synthesis.py"
    ],
    ids=str,
)
def test_operators_need_neither_the_stack_nor_the_harness(file: Path) -> None:
    needed = [] if "test" in file.name else list(imports(file))
    assert not [
        module for module in needed if starts_with(module, "modules.stack", "main", "integration")
    ]


#: Needs SimPy, which `wharf capacity --simulate` asks for.
SIMULATION = [REPOSITORY / f"scripts/capacity/{name}.py" for name in ("sharing", "simulation")]


@cache
def of_a_deployment() -> set[str]:
    """Import names of the packages that a deployment installs: pipenv sync without --dev."""
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    return {
        name
        for name, distributions in packages_distributions().items()
        if {distribution.lower().replace("_", "-") for distribution in distributions}
        & lock["default"].keys()
    }


@pytest.mark.parametrize(
    "file",
    [
        REPOSITORY / "main.py",
        *files("modules"),
        *(file for file in files("scripts") if file not in SIMULATION),
        *files("nginx-proxy/wharf_proxy"),
    ],
    ids=str,
)
def test_operators_need_no_development_packages(file: Path) -> None:
    own = {"modules", "scripts", "wharf_proxy"}
    known = own | of_a_deployment() | sys.stdlib_module_names
    assert {module.partition(".")[0] for module in imports(file, types=False)} <= known


@pytest.mark.parametrize(
    "file",
    [
        file
        for folder in ("modules", "nginx-proxy", "integration", "scripts", "tests")
        for file in files(folder)
    ],
    ids=str,
)
def test_no_file_is_too_long_to_know(file: Path) -> None:
    assert len(file.read_text().splitlines()) < 300
