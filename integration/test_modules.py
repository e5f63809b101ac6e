"""What ``make modules`` writes: Terraform takes it, and plans the same as for the stack."""

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

from integration import programs
from integration.local.cloud import LocalCloud
from integration.local.emulator import Emulator
from integration.local.machine import terraform_program
from integration.local.provider_mirror import configure_command_line
from integration.local.registry import REPOSITORY, synthesize
from integration.local.terraform import STATE, Terraform

#: The same as ``make modules`` writes; a unit test holds that.
SNAPSHOTS = REPOSITORY / "tests" / "snapshots"
TESTED = sorted(file.parents[1].relative_to(SNAPSHOTS) for file in SNAPSHOTS.rglob("*.tftest.hcl"))
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


@pytest.fixture
def snapshots(tmp_path: Path) -> Path:
    """A copy of the modules, for Terraform to write into."""
    return Path(shutil.copytree(SNAPSHOTS, tmp_path / "modules"))


def write_modules(directory: Path, shape: Mapping[str, str]) -> Path:
    """Write the modules of a shape as an operator does who has no wharf.toml."""
    directory.mkdir()
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    subprocess.run(
        [sys.executable, "-m", "scripts.modules", "--directory", "dist"],
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


@pytest.mark.parametrize("module", TESTED, ids=lambda path: path.name or "registry")
def test_each_module_passes_the_tests_that_it_ships(
    module: Path, snapshots: Path, emulator: Emulator, tmp_path: Path
) -> None:
    configure_command_line(tmp_path)
    run("init", "-input=false", directory=snapshots / module, emulator=emulator)
    told = run("test", "-no-color", directory=snapshots / module, emulator=emulator)
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


def in_the_stack(address: str) -> str:
    """What the stack calls a resource of a module: a block's name begins with its construct's."""
    path, bracket, key = address.partition("[")
    *modules, type_, name = path.split(".")
    names = [one for one in modules if one not in ("module", "registry")]
    return f"{type_}.{'_'.join([*names, name])}{bracket}{key}"


def unchanged(address: str) -> str:
    """The stack's own addresses."""
    return address


def as_data(value: Any) -> Any:
    """The same value with JSON in text read: two ways to write it are no difference."""
    if isinstance(value, dict):
        return {key: as_data(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_data(one) for one in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def described(plan: Mapping[str, Any], named: Callable[[str], str]) -> dict[str, Any]:
    """What a plan makes of each resource: the action, the values, and what is not known yet."""
    return {
        named(one["address"]): as_data(
            [one["change"][key] for key in ("actions", "after", "after_unknown")]
        )
        for one in plan["resource_changes"]
        if one["mode"] == "managed"
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_the_root_module_plans_what_the_stack_plans(
    shape: str, emulator: Emulator, tmp_path: Path
) -> None:
    folders = {
        synthesize(tmp_path / "cdktf.out", SHAPES[shape]): unchanged,
        write_modules(tmp_path / "made", SHAPES[shape]) / "examples/complete": in_the_stack,
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
    cloud: LocalCloud, snapshots: Path, tmp_path: Path
) -> None:
    deployed = cloud.terraform
    folder = snapshots / "examples/complete"
    variables = deployed.variables
    terraform = Terraform(folder, cloud.emulator, REGION, variables, tmp_path / "terraform.log")
    terraform.init()
    state = json.loads((deployed.directory / STATE).read_text())
    (folder / STATE).write_text(json.dumps(state))
    there = {
        in_the_stack(address): address for address in addresses(terraform.plan()["planned_values"])
    }
    moves = [
        f"moved {{\n  from = {address}\n  to   = {there[address]}\n}}\n"
        for address in (f"{one['type']}.{one['name']}" for one in managed(state))
    ]
    (folder / "moved.tf").write_text("".join(moves))
    changes = terraform.plan()["resource_changes"]
    assert len(moves) > 30
    assert {tuple(one["change"]["actions"]) for one in changes if one["mode"] == "managed"} == {
        ("no-op",)
    }


def managed(state: Mapping[str, Any]) -> list[Any]:
    """The resources of a state, without what was only read."""
    return [one for one in state["resources"] if one["mode"] == "managed"]


def addresses(values: Mapping[str, Any]) -> set[str]:
    """The addresses of all resources of a plan, without the keys of for_each."""
    found: set[str] = set()
    modules = [values["root_module"]]
    while modules:
        module = modules.pop()
        found |= {
            one["address"].split("[")[0]
            for one in module.get("resources", [])
            if one["mode"] == "managed" and one["address"].startswith("module.")
        }
        modules += module.get("child_modules", [])
    return found
