"""The files of ``make modules``, without Terraform but for its formatting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
from click.testing import CliRunner
from wharf_proxy.errors import ConfigurationError

from modules.settings.settings import Settings
from scripts.modules import modules
from scripts.terraform_modules.emission import emit, write
from scripts.terraform_modules.files import MARK
from scripts.terraform_modules.synthesis import blocks_by_class, synthesize

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"
#: For reviewers: the root, and two modules. The equal plans of the integration tests hold the rest.
KEPT = [
    f"{folder}{name}"
    for folder in ("", "modules/network/", "modules/permissions/")
    for name in ("README.md", "main.tf", "variables.tf", "outputs.tf")
]
REMEDY = "run wharf modules --defaults --directory tests/snapshots"
#: Not of the resource itself, or in another form in modules.
META = {"//", "depends_on", "dynamic", "__is_block__", "__comments__", "lifecycle"}
QUOTE = '"'
MOVED = "examples/complete/moved.tf"
Files = dict[str, str]
SHAPES: dict[str, dict[str, Any]] = {
    "default": {},
    "classic": {"load_balancer": "classic", "blob_delivery": "redirect", "zones": 3},
}


@pytest.fixture(scope="module", params=SHAPES)
def shaped(request: pytest.FixtureRequest) -> tuple[str, Files]:
    """Return the name of a shape, and its modules."""
    return request.param, emit(Settings(**SHAPES[request.param]))


@pytest.fixture(scope="module")
def files(shaped: tuple[str, Files]) -> Files:
    return shaped[1]


def folders(files: Files) -> Iterator[str]:
    """Yield the folder of each module, that of the root first."""
    return (name.removesuffix("versions.tf") for name in files if "examples" not in name
            and name.endswith("versions.tf"))  # fmt: skip


def blocks(files: Files, name: str, kind: str) -> dict[str, Any]:
    """Return the blocks of a kind in a file, by their last label."""
    found = hcl2.loads(files[name]).get(kind, [])
    return {label.strip('"'): body for block in found for label, body in block.items()}


def used(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])var\.(\w+)", text))


def test_the_snapshots_are_up_to_date() -> None:
    made = emit(Settings())
    changed = [name for name in KEPT if made[name] != (SNAPSHOTS / name).read_text()]
    assert not changed, REMEDY


def test_every_construct_is_a_module(files: Files) -> None:
    names = {"network", "storage", "permissions", "load_balancer", "hosts", "service", "secrets"}
    assert {folder.split("/")[-2] for folder in folders(files) if folder} >= names


def test_each_module_has_the_files_that_people_look_for(files: Files) -> None:
    for folder in folders(files):
        for name in (
            "main.tf",
            "variables.tf",
            "outputs.tf",
            "README.md",
            "examples/minimal/main.tf",
        ):
            assert f"{folder}{name}" in files
        assert any(name.startswith(f"{folder}tests/") for name in files)


def test_no_module_has_a_provider_or_a_backend(files: Files) -> None:
    for name, text in files.items():
        if name.endswith(".tf") and "examples/" not in name:
            assert not re.search(r"^\s*(provider|backend) ", text, re.MULTILINE), name


def test_each_module_declares_the_variables_that_it_uses_and_no_others(files: Files) -> None:
    for folder in folders(files):
        declared = blocks(files, f"{folder}variables.tf", "variable").keys()
        assert used(files[f"{folder}main.tf"]) == declared, folder


def test_the_root_gives_each_module_all_that_it_takes(files: Files) -> None:
    calls = blocks(files, "main.tf", "module")
    for name, call in calls.items():
        declared = blocks(files, f"modules/{name}/variables.tf", "variable").keys()
        given = call.keys() - {"source", "depends_on", "__is_block__", "__comments__"}
        assert given == declared, name


def test_the_root_takes_outputs_of_modules_only(files: Files) -> None:
    taken = set(re.findall(r"module\.(\w+)\.(\w+)", files["main.tf"] + files["outputs.tf"]))
    put_out = {
        (folder.split("/")[-2], name)
        for folder in folders(files)
        if folder
        for name in blocks(files, f"{folder}outputs.tf", "output")
    }
    assert taken == put_out


def test_the_root_has_the_settings_as_variables_with_their_defaults(files: Files) -> None:
    declared = blocks(files, "variables.tf", "variable")
    assert declared["maximum_hosts"]["default"] == Settings().maximum_hosts
    assert "default" not in declared["proxy_image"]
    assert declared["aws_secret_access_key"]["sensitive"] is True


def test_each_readme_has_each_input_and_output(files: Files) -> None:
    for folder in folders(files):
        told = re.findall(r"^\| `(\w+)` \|", files[f"{folder}README.md"], re.MULTILINE)
        inputs = blocks(files, f"{folder}variables.tf", "variable").keys()
        outputs = blocks(files, f"{folder}outputs.tf", "output").keys()
        assert sorted(told) == sorted([*inputs, *outputs]), folder


def test_the_readme_has_types_defaults_and_units(files: Files) -> None:
    row = "| `volume_size` | Size of each host's disk in GiB; the ECS image needs 30. | `number` | "
    assert f"{row}`30` | 30 to 16384 GiB |" in files["modules/hosts/README.md"]


def test_the_usage_of_a_readme_is_the_tested_example_and_nothing_more(files: Files) -> None:
    for folder in folders(files):
        (example,) = blocks(files, f"{folder}examples/minimal/main.tf", "module").values()
        shown = re.findall("```hcl\n(.*?)```", files[f"{folder}README.md"], re.DOTALL)
        read = hcl2.loads(shown[0])
        (usage,) = read["module"][0].values()
        assert (len(shown), read.keys() - {"__comments__"}) == (1, {"module"}), folder
        assert usage.pop("source").startswith('"git::https://'), folder
        assert usage == {name: value for name, value in example.items() if name != "source"}, folder


def test_inputs_and_outputs_have_the_usual_names(files: Files) -> None:
    taken = {
        "load_balancer": {"subnet_ids", "security_group_id"},
        "hosts": {"subnet_ids", "security_group_id", "instance_profile_arn"},
        "service": {"cluster_id", "task_role_arn", "execution_role_arn"},
    }
    for name, wanted in taken.items():
        declared = blocks(files, f"modules/{name}/variables.tf", "variable")
        assert declared.keys() >= wanted
    all_names = [
        name
        for folder in folders(files)
        for kind in ("variable", "output")
        for name in blocks(files, f"{folder}{kind}s.tf", kind)
    ]
    assert not [name for name in all_names if name.endswith("complete")]
    assert 'resource "aws_vpc" "this"' in files["modules/network/main.tf"]


def test_each_resource_of_the_stack_has_its_address_in_the_modules(files: Files) -> None:
    moved = dict(re.findall(r"from = (\S+)\n  to   = module\.registry\.(\S+)\n", files[MOVED]))
    addresses = {
        f"module.{folder.split('/')[-2]}.{kind}.{name}"
        for folder in folders(files)
        if folder
        for kind, name in re.findall(
            r'^resource "(\w+)" "([\w-]+)"', files[f"{folder}main.tf"], re.MULTILINE
        )
    }
    assert sorted(moved.values()) == sorted(addresses)
    assert moved["aws_vpc.network_vpc"] == "module.network.aws_vpc.this"


def test_each_resource_has_the_arguments_that_it_has_in_the_stack(
    shaped: tuple[str, Files],
) -> None:
    shape, files = shaped
    moved = dict(re.findall(r"from = (\S+)\n  to   = module\.registry\.(\S+)\n", files[MOVED]))
    written = {
        f"module.{folder.split('/')[-2]}.{kind.strip(QUOTE)}.{name.strip(QUOTE)}": body.keys()
        for folder in folders(files)
        if folder
        for block in hcl2.loads(files[f"{folder}main.tf"]).get("resource", [])
        for kind, named in block.items()
        for name, body in named.items()
    }
    resources = synthesize(Settings(**SHAPES[shape])).terraform["resource"]
    assert len(written) > 30
    for kind, named in resources.items():
        for name, body in named.items():
            wanted = {key for key, value in body.items() if value not in ([], None)}
            found = written[moved[f"{kind}.{name}"]]
            assert wanted - META == found - META, name


def test_policies_can_be_read(files: Files) -> None:
    text = files["modules/permissions/main.tf"]
    assert 'Action = "sts:AssumeRole"' in re.sub(" +", " ", text)
    assert '\\"Version\\"' not in text


def test_blocks_are_known_by_the_bindings_if_no_construct_lists_them() -> None:
    from modules.bindings.aws import S3BucketLifecycleConfiguration

    content = {"and": {"prefix": "", "tags": {"a": "b"}}}
    rule = {"id": "x", "dynamic": {"filter": {"for_each": "${[1]}", "content": content}}}
    assert blocks_by_class(S3BucketLifecycleConfiguration, {"bucket": "b", "rule": [rule]}) == {
        ("rule",),
        ("rule", "filter"),
        ("rule", "filter", "and"),
    }


def test_a_second_run_touches_no_file(files: Files, tmp_path: Path) -> None:
    write(tmp_path, files)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    write(tmp_path, files)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_own_files_of_an_earlier_run_are_deleted_and_foreign_files_stay(tmp_path: Path) -> None:
    (tmp_path / "modules/old/tests").mkdir(parents=True)
    (tmp_path / "modules/old/main.tf").write_text(f"# {MARK}\n")
    (tmp_path / "modules/old/tests/old.tftest.hcl").write_text(f"# {MARK}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/description.md").write_text(MARK)
    (tmp_path / "LICENSE.md").write_text("of somebody's own")
    write(tmp_path, {"main.tf": "new"})
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"main.tf", "LICENSE.md", ".git/description.md"}
    assert not (tmp_path / "modules").exists()


def test_a_bad_setting_is_one_line_and_no_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHARF_ZONES", "9")
    result = CliRunner().invoke(modules, ["--directory", "dist"])
    assert (result.exit_code, result.stderr) == (1, "Error: zones = 9: it must be 2 to 6 zones\n")
    assert not list(tmp_path.iterdir())


def test_which_of_several_environments_has_to_be_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wharf.toml").write_text("[environments.one]\n[environments.two]\n")
    result = CliRunner().invoke(modules, ["--directory", "dist"])
    told = "Error: wharf.toml: has several environments: choose one of: one, two\n"
    assert (result.exit_code, result.stderr) == (1, told)


def test_without_terraform_the_error_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.terraform_modules.emission import formatted

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ConfigurationError,
        match=r"^Neither terraform nor tofu is installed; install 1.11 or newer of either$",
    ):
        formatted({"main.tf": ""})
