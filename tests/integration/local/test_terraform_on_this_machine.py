"""Terraform on this machine: program, provider without a registry, files, outputs."""

import json
from pathlib import Path

import pytest

from integration.local.api.aws_session import Credentials
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.machine import make_private, terraform_program
from integration.local.provider_mirror import configure_command_line, find_mirror
from integration.local.terraform import STATE, Terraform

PROVIDER = "registry.terraform.io/hashicorp/aws"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on the PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, program: str) -> None:
    (folder / program).touch(mode=0o755)


def test_opentofu_serves_where_there_is_no_terraform(programs: Path) -> None:
    install(programs, "tofu")
    assert terraform_program() == "tofu"


def test_terraform_comes_first(programs: Path) -> None:
    install(programs, "tofu")
    install(programs, "terraform")
    assert terraform_program() == "terraform"


@pytest.mark.usefixtures("programs")
def test_missing_terraform_is_one_line() -> None:
    with pytest.raises(
        LocalCloudError, match=r"^Neither terraform nor tofu .*; run make setup-local$"
    ):
        terraform_program()


def test_a_mirror_is_found_one_level_below_a_software_folder(tmp_path: Path) -> None:
    (tmp_path / "opt" / "plugins" / PROVIDER).mkdir(parents=True)
    assert find_mirror((), [str(tmp_path / "opt")]) == tmp_path / "opt" / "plugins"


def test_the_folders_of_terraform_itself_come_first(tmp_path: Path) -> None:
    for folder in ("implied", "opt/plugins"):
        (tmp_path / folder / PROVIDER).mkdir(parents=True)
    found = find_mirror([str(tmp_path / "implied")], [str(tmp_path / "opt")])
    assert found == tmp_path / "implied"


def test_a_mirror_without_the_provider_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "opt/plugins/registry.terraform.io/hashicorp/random").mkdir(parents=True)
    assert find_mirror([str(tmp_path / "nowhere")], [str(tmp_path / "opt")]) is None


def test_a_configuration_that_exists_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.rc"
    own.touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    configure_command_line(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["own.rc"]


#: Terraform as far as it writes files: with the modes that the umask leaves.
STAND_IN = """#!/bin/sh
umask 022
echo '{}' > terraform.tfstate
echo '{}' > terraform.tfstate.backup
"""


def terraform_in(stack: Path) -> Terraform:
    keys = Credentials(access_key_id="key", secret_access_key="secret")
    emulator = Emulator(endpoint="http://127.0.0.1:1", credentials=keys)
    return Terraform(stack, emulator, "us-east-1", {"name": "wharf"}, stack.parent / "log")


def test_outputs_are_read_from_the_state(tmp_path: Path) -> None:
    terraform = terraform_in(tmp_path / "stack")
    output = {"value": "wharf-images", "type": "string"}
    (terraform.directory / STATE).write_text(json.dumps({"outputs": {"image_bucket": output}}))
    assert terraform.outputs() == {"image_bucket": "wharf-images"}


@pytest.mark.parametrize("state", [None, "", "{", "{}"], ids=repr)
def test_stack_that_is_not_applied_has_no_outputs(tmp_path: Path, state: str | None) -> None:
    terraform = terraform_in(tmp_path / "stack")
    if state is not None:
        (terraform.directory / STATE).write_text(state)
    with pytest.raises(LocalCloudError, match="Terraform has no outputs to give"):
        terraform.outputs()


def test_keys_and_states_are_for_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, stack = tmp_path / "programs", tmp_path / "stack"
    for folder in (programs, stack):
        folder.mkdir(mode=0o755)
    (programs / "terraform").write_text(STAND_IN)
    (programs / "terraform").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    terraform_in(stack).apply()
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in stack.iterdir()}
    assert modes.keys() == {
        "local_override.tf.json",
        "local.tfvars.json",
        "terraform.tfstate",
        "terraform.tfstate.backup",
    }
    assert set(modes.values()) == {"0o600"}
    assert oct(stack.stat().st_mode & 0o777) == "0o700"


def test_directory_of_a_cloud_is_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "build" / "cloud"
    directory.mkdir(parents=True, mode=0o755)
    make_private(directory)
    assert oct(directory.stat().st_mode & 0o777) == "0o700"
