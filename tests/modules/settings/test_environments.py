"""Several environments in one file, each its own stack."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wharf.toml"


def problems(file: Path, text: str, **variables: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_environments(file, variables)
    return str(raised.value).splitlines()


def test_a_table_wins_over_shared_settings_and_a_variable_over_both(file: Path) -> None:
    file.write_text(
        "minimum_hosts = 2\nmaximum_hosts = 3\nzones = 3\nvolume_size = 40\n"
        "[environments.staging]\nzones = 2\nvolume_size = 50\n[environments.production]\n"
    )
    staging, production = load_environments(file, {"WHARF_VOLUME_SIZE": "60"})
    assert (staging.name, staging.maximum_hosts, staging.zones, staging.volume_size) == (
        *("staging", 3, 2),
        60,
    )
    assert (production.name, production.zones) == ("production", 3)


def test_problems_of_all_environments_are_reported_together_and_shared_problems_once(
    file: Path,
) -> None:
    text = "idle_timeout = 1\n[environments.staging]\nzones = 1\n[environments.production]\nx = 1\n"
    found = problems(file, text)
    assert found[0] == "idle_timeout = 1: it must be 300 to 3600 seconds"
    assert found[1] == "staging: zones = 1: it must be 2 to 6 zones"
    assert found[2].startswith("production: x = 1: unknown setting")
    assert len(found) == 3


def test_a_problem_of_one_environment_names_it(file: Path) -> None:
    text = "[environments.staging]\nzones = 1\n[environments.production]\n"
    assert problems(file, text) == ["staging: zones = 1: it must be 2 to 6 zones"]


def test_the_name_of_an_environment_keeps_the_rules_of_names(file: Path) -> None:
    (line,) = problems(file, "[environments.Production]\n[environments.staging]\n")
    assert line.startswith('Production: name = "Production": it must be 2 to 20 lower-case letters')


@pytest.mark.parametrize("given", ["file", "table", "variable"])
def test_a_name_beside_the_tables_is_refused(file: Path, given: str) -> None:
    name = 'name = "registry"\n'
    text = "[environments.staging]\n" + (name if given == "table" else "")
    variables = {"WHARF_NAME": "registry"} if given == "variable" else {}
    assert problems(file, (name if given == "file" else "") + text, **variables) == [
        'name = "registry": the name of an environment is that of its table, '
        "[environments.NAME]; remove it"
    ]


def test_environments_cannot_share_a_bucket(file: Path) -> None:
    text = 'aws_registry_bucket = "images"\n[environments.staging]\n[environments.production]\n'
    assert problems(file, text) == [
        'aws_registry_bucket = "images": staging and production cannot share it; give each its own'
    ]


@pytest.mark.parametrize("text", ["environments = 3\n", "environments = {}\n"])
def test_environments_that_are_no_tables(file: Path, text: str) -> None:
    (line,) = problems(file, text)
    assert line.endswith("it must be tables, such as [environments.production]")


def test_an_environment_that_is_no_table(file: Path) -> None:
    assert problems(file, "[environments]\nstaging = 3\n") == [
        "environments.staging: it must be a table of settings"
    ]


def test_each_environment_is_a_stack_with_a_state_of_its_own(tmp_path: Path, file: Path) -> None:
    file.write_text("[environments.staging]\n[environments.production]\nzones = 3\n")
    subprocess.run(
        [sys.executable, str(REPOSITORY / "main.py")],
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
    stacks = tmp_path / "cdktf.out" / "stacks"
    found = {
        folder.name: json.loads((folder / "cdk.tf.json").read_text()) for folder in stacks.iterdir()
    }
    subnets = {name: len(stack["resource"]["aws_subnet"]) for name, stack in found.items()}
    states = {stack["terraform"]["backend"]["local"]["path"] for stack in found.values()}
    assert subnets == {"staging": 2, "production": 3}
    assert len(states) == 2
