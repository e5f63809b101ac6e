"""A night deletes the lock of its own killed Terraform, and no other lock."""

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from wharf_proxy.errors import ConfigurationError

from scripts.nightly.steps import Steps
from scripts.nightly.terraform import Terraform

pytestmark = pytest.mark.usefixtures("buckets")

BACKEND = {"s3": {"bucket": "images", "key": "wharf/night.tfstate", "region": "us-east-1"}}
LOCK = "wharf/night.tfstate.tflock"
#: Records its arguments; an apply is killed.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")" && echo "$*" >> calls
case "$2" in apply) kill -9 $$ ;; output) echo '{}' ;; esac
"""


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terraform:
    program = tmp_path / "terraform"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    (tmp_path / "cdk.tf.json").write_text(json.dumps({"terraform": {"backend": BACKEND}}))
    return Terraform(Steps(tmp_path / "log"), tmp_path, None)


def lock(host: str, age: timedelta) -> None:
    """Put a lock on the state, as Terraform writes it."""
    created = (datetime.now(UTC) - age).isoformat().replace("+00:00", "123Z")
    content = json.dumps({"ID": "this-lock", "Who": f"root@{host}", "Created": created})
    boto3.client("s3").put_object(Bucket="images", Key=LOCK, Body=content.encode())


def calls(directory: Path) -> list[str]:
    """Return the arguments of Terraform's calls, without the folder."""
    lines = (directory / "calls").read_text().splitlines()
    return [line.partition(" ")[2] for line in lines]


def fail_to_apply(terraform: Terraform) -> None:
    with pytest.raises(ConfigurationError, match="deploy: exit status -9"):
        terraform.apply()


def test_lock_of_own_killed_apply_is_deleted(terraform: Terraform, tmp_path: Path) -> None:
    fail_to_apply(terraform)
    lock(socket.gethostname(), -timedelta(seconds=1))
    assert terraform.unlock_own()
    assert calls(tmp_path)[-1] == "force-unlock -force this-lock"


@pytest.mark.parametrize(
    ("host", "age"),
    [("elsewhere", timedelta()), (socket.gethostname(), timedelta(hours=1))],
    ids=["another machine", "before the apply"],
)
def test_lock_of_another_process_is_kept(
    host: str, age: timedelta, terraform: Terraform, tmp_path: Path
) -> None:
    fail_to_apply(terraform)
    lock(host, age)
    assert not terraform.unlock_own()
    assert not [call for call in calls(tmp_path) if "unlock" in call]


def test_lock_is_kept_if_no_apply_failed(terraform: Terraform, tmp_path: Path) -> None:
    lock(socket.gethostname(), -timedelta(seconds=1))
    assert not terraform.unlock_own()
    assert not (tmp_path / "calls").exists()


def test_unlock_on_request_deletes_any_lock_by_its_id(
    terraform: Terraform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock("elsewhere", timedelta(hours=1))
    assert terraform.unlock()
    assert calls(tmp_path) == ["init -input=false -no-color", "force-unlock -force this-lock"]
    assert "Deleting the lock this-lock of root@elsewhere" in capsys.readouterr().out


def test_unlock_without_a_lock_does_nothing(terraform: Terraform, tmp_path: Path) -> None:
    assert not terraform.unlock()
    assert not (tmp_path / "calls").exists()
