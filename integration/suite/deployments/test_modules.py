"""The modules that ``make modules`` writes: Terraform plans the same as for the stack."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from integration.console import processes as programs
from integration.local.cloud import LocalCloud
from integration.local.emulator.process import Emulator
from integration.local.machine import terraform_program
from integration.local.provider_mirror import configure_command_line
from integration.local.registry import REPOSITORY, synthesize
from integration.local.terraform import STATE, Terraform

#: The root module, and the others.
MODULES = (
    "registry",
    *("alarms", "dns", "hosts", "load_balancer", "network", "permissions", "secrets", "service"),
    "storage",
)
#: Seconds for the tests of one module; 5 to 15 are usual.
TIMEOUT = 300
REGION = "us-east-1"
VARIABLES = {"proxy_image": "localhost/proxy:1"}
SHAPES = {
    "network": {},
    "classic": {"WHARF_LOAD_BALANCER": "classic", "WHARF_BLOB_DELIVERY": "redirect"},
}
#: What no test applies.
VALIDATED = {
    "a gateway in each zone, state in S3": {
        "WHARF_HOST_NETWORK": "nat_per_zone",
        "WHARF_ZONES": "6",
        "WHARF_BLOB_DELIVERY": "proxy",
        "WHARF_BACKEND": "s3",
        "WHARF_BACKEND_BUCKET": "states",
    },
    "classic with endpoints and copies, Terraform Cloud": {
        "WHARF_LOAD_BALANCER": "classic",
        "WHARF_HOST_NETWORK": "endpoints",
        "WHARF_REGISTRY_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1",
        "WHARF_REPLICA_BUCKET": "copies",
        "WHARF_IMAGE_VERSION_DAYS": "30",
        "WHARF_ALARMS": "false",
        "WHARF_BACKEND": "cloud",
        "WHARF_BACKEND_ORGANIZATION": "acme",
        "WHARF_BACKEND_TAGS": "registry",
    },
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the modules of the default settings."""
    return write_modules(tmp_path_factory.mktemp("modules") / "made", {})


@pytest.fixture
def modules(written: Path, tmp_path: Path) -> Path:
    """Return a copy of the modules, for Terraform to write into."""
    return Path(shutil.copytree(written, tmp_path / "modules"))


def write_modules(directory: Path, shape: Mapping[str, str]) -> Path:
    """Write the modules of a shape as an operator does who has no wharf.toml."""
    directory.mkdir()
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    subprocess.run(
        [sys.executable, "-m", "scripts.cli", "modules", "--directory", "dist"],
        cwd=directory,
        env={**others, **shape, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'nginx-proxy'}"},
        capture_output=True,
        check=True,
    )
    return directory / "dist"


def run(*arguments: str, directory: Path, emulator: Emulator) -> str:
    """Run Terraform with the emulator for AWS; return what it says."""
    environment = {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": emulator.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.credentials.secret_access_key,
        "CHECKPOINT_DISABLE": "1",
    }
    command = [terraform_program(), *arguments]
    done = programs.run(command, TIMEOUT, cwd=directory, env={**os.environ, **environment})
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_every_module_is_tested(written: Path) -> None:
    assert {file.stem.removesuffix(".tftest") for file in written.rglob("*.tftest.hcl")} == {
        *MODULES
    }


@pytest.mark.parametrize("module", MODULES)
def test_each_module_passes_the_tests_that_it_ships(
    module: str, modules: Path, emulator: Emulator, tmp_path: Path
) -> None:
    configure_command_line(tmp_path)
    folder = modules if module == "registry" else modules / "modules" / module
    run("init", "-input=false", directory=folder, emulator=emulator)
    told = run("test", "-no-color", directory=folder, emulator=emulator)
    passed = re.search(r"Success! (\d+) passed, 0 failed", told)
    assert passed is not None
    assert int(passed[1]) >= 2


@pytest.mark.parametrize("shape", VALIDATED)
def test_other_shapes_are_valid(shape: str, emulator: Emulator, tmp_path: Path) -> None:
    folder = synthesize(tmp_path / "cdktf.out", VALIDATED[shape])
    configure_command_line(tmp_path)
    run("init", "-backend=false", "-input=false", directory=folder, emulator=emulator)
    told = run("validate", "-no-color", directory=folder, emulator=emulator)
    assert "The configuration is valid." in told


def moves(complete: Path) -> dict[str, str]:
    """Read the addresses of the stack's resources by those in the modules, from ``moved.tf``."""
    pairs = re.findall(r"from = (\S+)\n +to +=  *(\S+)\n", (complete / "moved.tf").read_text())
    return {new: old for old, new in pairs}


def in_the_stack(moved: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function from the address in the modules to that in the stack."""

    def renamed(address: str) -> str:
        path, bracket, key = address.partition("[")
        return f"{moved[path]}{bracket}{key}"

    return renamed


def unchanged(address: str) -> str:
    """Return an address of the stack as it is."""
    return address


def as_data(value: Any) -> Any:
    """Return the value with JSON in texts parsed: its spelling makes no difference."""
    if isinstance(value, dict):
        return {key: as_data(element) for key, element in value.items()}
    if isinstance(value, list):
        return [as_data(element) for element in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def described(plan: Mapping[str, Any], named: Callable[[str], str]) -> dict[str, Any]:
    """Return for each resource of a plan the action, the values, and the unknown values."""
    return {
        named(change["address"]): as_data(
            [change["change"][key] for key in ("actions", "after", "after_unknown")]
        )
        for change in plan["resource_changes"]
        if change["mode"] == "managed"
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_the_root_module_plans_what_the_stack_plans(
    shape: str, emulator: Emulator, tmp_path: Path
) -> None:
    complete = write_modules(tmp_path / "made", SHAPES[shape]) / "examples/complete"
    folders = {
        synthesize(tmp_path / "cdktf.out", SHAPES[shape]): unchanged,
        complete: in_the_stack(moves(complete)),
    }
    plans = []
    for folder, named in folders.items():
        terraform = Terraform(folder, emulator, REGION, VARIABLES, tmp_path / "terraform.log")
        terraform.init()
        plans.append(described(terraform.plan(), named))
    of_the_stack, of_the_modules = plans
    assert len(of_the_stack) > 30
    assert of_the_modules == of_the_stack


def test_a_deployed_stack_becomes_the_modules_without_a_change(
    cloud: LocalCloud, modules: Path, tmp_path: Path
) -> None:
    deployed = cloud.terraform
    folder = modules / "examples/complete"
    variables = deployed.variables
    terraform = Terraform(folder, cloud.emulator, REGION, variables, tmp_path / "terraform.log")
    terraform.init()
    shutil.copy(deployed.directory / STATE, folder / STATE)
    changes = terraform.plan()["resource_changes"]
    managed = [change for change in changes if change["mode"] == "managed"]
    assert len(managed) > 30
    assert {tuple(change["change"]["actions"]) for change in managed} == {("no-op",)}
