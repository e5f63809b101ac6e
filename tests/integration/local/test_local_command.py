"""The local cloud's command tells what is wrong in one line, and does nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from integration.local.errors import LocalCloudError
from integration.local.hosts.enter import find_host
from integration.local.registry import synthesize
from integration.local.saved import SavedCloud

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]


def local(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.cli", "local", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def path_without(tmp_path: Path, missing: str) -> str:
    """Return a PATH with every program that the local cloud asks for but one."""
    for program in {"runc", "nft", "nsenter", "ip", "terraform", "podman", "node"} - {missing}:
        (tmp_path / program).symlink_to(shutil.which(program) or "/nowhere")
    return str(tmp_path)


def test_no_container_engine(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    done = local(
        "up", "--directory", str(tmp_path / "cloud"), PATH=path_without(programs, "podman")
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: podman is not installed, which runs the hosts; run make setup-local\n"
    )
    assert not (tmp_path / "cloud" / "cloud.json").exists()


@pytest.mark.parametrize("verb", [["status"], ["down"], ["enter", "1"]], ids=" ".join)
def test_no_cloud(tmp_path: Path, verb: list[str]) -> None:
    done = local(*verb, "--directory", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: No local cloud stands in {tmp_path}; start one with `wharf local up`\n"
    )


HOSTS: list[Any] = [SimpleNamespace(id=instance) for instance in ("i-0a1", "i-0a2", "i-7")]


@pytest.mark.parametrize(
    ("wanted", "found"), [("1", "i-0a1"), ("3", "i-7"), ("i-0a2", "i-0a2"), ("i-7", "i-7")]
)
def test_a_host_by_its_number_or_the_beginning_of_its_id(wanted: str, found: str) -> None:
    assert find_host(HOSTS, wanted).id == found


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("0", "There is no host '0'"),
        ("4", "There is no host '4'"),
        ("0a", "There is no host '0a'"),
        ("i-0a", "Several hosts begin with 'i-0a'"),
    ],
)
def test_no_single_host_is_meant(wanted: str, told: str) -> None:
    remedy = "give a number or the beginning of one: 1 i-0a1, 2 i-0a2, 3 i-7"
    with pytest.raises(LocalCloudError, match=f"^{told}; {remedy}$"):
        find_host(HOSTS, wanted)


def test_a_second_cloud_in_the_same_place(tmp_path: Path) -> None:
    SavedCloud.new(tmp_path, {}, {}, "us-east-1").save(tmp_path)
    done = local("up", "--directory", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: A local cloud stands in {tmp_path}; use it, or end it")
    assert (tmp_path / "cloud.json").exists()


def test_a_bad_shape_is_refused_with_its_remedy(tmp_path: Path) -> None:
    told = "Synthesis: zones = 9: it must be 2 to 6 zones"
    with pytest.raises(LocalCloudError, match=f"^{told}$"):
        synthesize(tmp_path, {"WHARF_ZONES": "9"})


def test_what_was_chosen_for_aws_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHARF_NAME", "production")
    assert (synthesize(tmp_path, {}) / "cdk.tf.json").exists()


def test_what_is_saved_is_for_the_owner_only(tmp_path: Path) -> None:
    SavedCloud.new(tmp_path, {}, {}, "us-east-1").save(tmp_path)
    assert (tmp_path / "cloud.json").stat().st_mode & 0o777 == 0o600
