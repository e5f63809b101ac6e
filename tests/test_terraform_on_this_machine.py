"""Which Terraform is called, and where it finds its provider without a registry."""

from pathlib import Path

import pytest

from integration.local.errors import LocalCloudError
from integration.local.machine import terraform_program
from integration.local.provider_mirror import configure_command_line, find_mirror

PROVIDER = "registry.terraform.io/hashicorp/aws"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, empty."""
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
def test_neither_is_told_in_one_line() -> None:
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
    assert [one.name for one in tmp_path.iterdir()] == ["own.rc"]
