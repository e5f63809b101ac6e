"""A stack that is deployed becomes today's without losing what cannot be made again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.local.emulator.process import Emulator
from integration.local.registry import REPOSITORY, synthesize
from integration.local.terraform import STATE, Terraform

REGION = "us-east-1"
VARIABLES = {"proxy_image": "localhost/proxy:1"}
#: What holds images, keys, passwords and records.
STATEFUL = {
    "aws_cloudwatch_log_group",
    "aws_kms_key",
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
}
#: What makes the stack.
SOURCES = ("main.py", "modules")
NO_HISTORY = (
    "This clone has no commit before the last change of the stack, which the test of upgrades "
    "deploys: run git fetch --unshallow, or clone without --depth"
)


def git(*arguments: str) -> bytes:
    """Return the output of git for this repository; fail the test if a commit is missing."""
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(NO_HISTORY, pytrace=False)
    return done.stdout


def previous() -> str:
    """Return the commit before the last change of the stack; HEAD if the change is uncommitted."""
    if git("status", "--porcelain", "--", *SOURCES).strip():
        return "HEAD"
    last = git("log", "-1", "--format=%H", "--", *SOURCES).decode().strip()
    return git("rev-parse", "--verify", f"{last}~1").decode().strip()


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """Return the stack that the previous commit synthesizes."""
    folder = tmp_path / "previous"
    archive = git("archive", previous(), *SOURCES)
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive, check=True)
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    subprocess.run(
        [sys.executable, "main.py"], cwd=folder, env=others, capture_output=True, check=True
    )
    return folder / "cdktf.out" / "stacks" / "wharf"


def test_an_upgrade_keeps_buckets_and_secrets(
    emulator: Emulator, deployed: Path, tmp_path: Path
) -> None:
    def terraform(folder: Path) -> Terraform:
        made = Terraform(folder, emulator, REGION, VARIABLES, tmp_path / "terraform.log")
        made.init()
        return made

    terraform(deployed).apply()
    today = synthesize(tmp_path / "today", {})
    shutil.copy(deployed / STATE, today / STATE)
    changes = stateful(terraform(today).plan())
    assert len(changes) >= 4
    assert {name: done for name, done in changes.items() if "delete" in done} == {}


def stateful(plan: dict[str, Any]) -> dict[str, list[str]]:
    """Return a plan's actions for each resource that holds data."""
    return {
        change["address"]: change["change"]["actions"]
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and change["type"] in STATEFUL
    }
