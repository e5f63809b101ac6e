"""A night destroys its registry whatever fails; leftovers of a killed night are removed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.console.processes import run, running
from integration.local.api.inventory import inventory
from integration.local.emulator.process import Emulator
from integration.local.machine import terraform_program
from integration.local.registry import REPOSITORY, operator, synthesize
from integration.local.terraform import OVERRIDE, STATE, Terraform
from integration.suite.deployments.test_largest import SHAPE, VARIABLES, what_must_exist_first

REGION = "us-east-1"
TAG = "wharf-nightly"
LOCAL = Path("build/integration-nightly")
#: Seconds for an apply and a destroy, most of them the provider's fixed waits.
TIMEOUT = 600
#: Two small parts of the suite: one for any client, one that also looks into S3.
SUITE = (
    "integration/suite/registry/test_push_and_pull.py",
    "integration/suite/registry/test_persistence.py",
)
#: Value of the tag of the nights, which is old enough for a sweep.
SINCE = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")
VALUES = {"proxy_image": "localhost/proxy:1", "force_destroy": True}
STATES = "night-states"


def operator_environment(emulator: Emulator) -> dict[str, str]:
    """Return the environment variables for a night in the emulator's account."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    return {**others, **operator(emulator), "TERRAFORM_BINARY_NAME": terraform_program()}


def stack(
    emulator: Emulator,
    directory: Path,
    name: str,
    shape: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Terraform:
    """Synthesize a stack for the emulator, with a tag that is two days old."""
    settings = {**(shape or {}), "WHARF_NAME": name}
    synthesized = synthesize(directory / "cdktf.out", settings)
    values = {**VALUES, **(variables or {}), "tags": {TAG: SINCE}}
    return Terraform(synthesized, emulator, REGION, values, directory / "terraform.log")


def stack_in_s3(emulator: Emulator, directory: Path, name: str) -> Terraform:
    """Synthesize a stack whose state is in a bucket of the emulator."""
    emulator.session().client("s3").create_bucket(Bucket=STATES)
    shape = {"WHARF_BACKEND": "s3", "WHARF_BACKEND_BUCKET": STATES}
    terraform = stack(emulator, directory, name, shape)
    override = terraform.directory / OVERRIDE
    described = json.loads(override.read_text())
    del described["terraform"]["backend"]
    override.write_text(json.dumps(described))
    return terraform


def state_of(emulator: Emulator, name: str) -> list[Any]:
    """Return the resources in a state in S3; none if the state does not exist yet."""
    s3 = emulator.session().client("s3")
    try:
        state = s3.get_object(Bucket=STATES, Key=f"wharf/{name}.tfstate")["Body"].read()
    except s3.exceptions.NoSuchKey:
        return []
    resources: list[Any] = json.loads(state)["resources"]
    return [resource for resource in resources if resource["mode"] == "managed"]


def lock_of(emulator: Emulator, name: str) -> bool:
    """Return whether the state in S3 is locked."""
    found = emulator.session().client("s3").list_objects_v2(Bucket=STATES)
    return f"wharf/{name}.tfstate.tflock" in {
        object_["Key"] for object_ in found.get("Contents", [])
    }


def night_of(
    terraform: Terraform, directory: Path, *options: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start a night in the emulator's account, with the synthesized stack."""
    name = terraform.directory.name
    command = [sys.executable, "-m", "scripts.cli", "nightly", "account", "--environment", name]
    where = ["--synthesized", str(terraform.directory.parents[1])]
    values = ["--var-file", str(terraform.directory / "local.tfvars.json"), "--since", SINCE]
    return running(
        [*command, *options, *where, *values, "--directory", str(directory)],
        cwd=REPOSITORY,
        env=operator_environment(terraform.emulator),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_deployment_that_fails_in_the_middle_is_destroyed(
    emulator: Emulator, tmp_path: Path
) -> None:
    # Terraform creates the service last, after all other resources.
    terraform = stack_in_s3(emulator, tmp_path, "broken")
    described = json.loads((terraform.directory / "cdk.tf.json").read_text())
    (service,) = described["resource"]["aws_ecs_service"].values()
    service["task_definition"] = "nowhere:1"
    (terraform.directory / "cdk.tf.json").write_text(json.dumps(described))
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "night") as night:
        output, _ = night.communicate(timeout=TIMEOUT)
    assert night.returncode == 1, output
    last = output.splitlines()[-1]
    assert last.startswith("Error: deploy: creating ECS Service (broken): "), last
    assert inventory(emulator.session()) == before
    assert state_of(emulator, "broken") == []
    assert not list(terraform.directory.glob("*.tfstate*"))
    summary = json.loads((tmp_path / "night" / "summary.json").read_text())
    assert [failure.partition(":")[0] for failure in summary["failures"]] == ["deploy"]
    assert set(summary["seconds"]) == {"deploy", "destroy", "sweep"}


def wait_until_half_deployed(emulator: Emulator, night: subprocess.Popen[str], name: str) -> None:
    """Wait for the first state in S3, to which Terraform writes every 20 seconds."""
    end = time.monotonic() + TIMEOUT
    while not state_of(emulator, name):
        assert night.poll() is None, night.communicate()
        assert time.monotonic() < end
        time.sleep(0.2)


def test_an_interrupted_deployment_is_destroyed(emulator: Emulator, tmp_path: Path) -> None:
    terraform = stack_in_s3(emulator, tmp_path, "interrupted")
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "night") as night:
        wait_until_half_deployed(emulator, night, "interrupted")
        night.send_signal(signal.SIGINT)
        assert night.stdout is not None
        lines = list(takewhile(lambda line: "== destroy" not in line, night.stdout))
        assert night.poll() is None, "".join(lines)
        # An impatient user does not keep the night from destroying.
        time.sleep(3)
        night.send_signal(signal.SIGINT)
        output, _ = night.communicate(timeout=TIMEOUT)
    interrupted = "".join(lines)
    assert "SIGINT: destroying the registry" in interrupted
    # Terraform gets one signal: after a second it would not delete its lock.
    assert interrupted.count("Interrupt received") == 1
    assert "Two interrupts received" not in interrupted
    assert "Acquiring state lock" not in output
    assert night.returncode != 0, output
    assert "Traceback" not in output
    assert inventory(emulator.session()) == before
    assert state_of(emulator, "interrupted") == []
    assert not lock_of(emulator, "interrupted")


def test_a_night_unlocks_the_state_after_its_terraform_was_killed(
    emulator: Emulator, tmp_path: Path
) -> None:
    terraform = stack_in_s3(emulator, tmp_path, "unlocked")
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "night") as night:
        wait_until_half_deployed(emulator, night, "unlocked")
        (process,) = psutil.Process(night.pid).children()
        assert process.name() == terraform_program()
        process.kill()
        output, _ = night.communicate(timeout=TIMEOUT)
    assert "Deleting the lock" in output
    assert night.returncode == 1, output
    assert output.splitlines()[-1].startswith("Error: deploy: "), output
    assert inventory(emulator.session()) == before
    assert state_of(emulator, "unlocked") == []
    assert not lock_of(emulator, "unlocked")


def test_another_machine_destroys_what_a_killed_night_deployed(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Kill a night and its Terraform, as a lost runner does: state and lock are in S3 only."""
    terraform = stack_in_s3(emulator, tmp_path / "first", "killed")
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "first" / "night") as night:
        wait_until_half_deployed(emulator, night, "killed")
        processes = [*psutil.Process(night.pid).children(recursive=True), psutil.Process(night.pid)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes)
    assert lock_of(emulator, "killed")
    shutil.rmtree(tmp_path / "first")
    again = stack_in_s3(emulator, tmp_path / "second", "killed")
    options = ("--destroy-only", "--unlock")
    with night_of(again, tmp_path / "second" / "night", *options) as night:
        output, _ = night.communicate(timeout=TIMEOUT)
    assert night.returncode == 0, output
    assert not lock_of(emulator, "killed")
    assert state_of(emulator, "killed") == []
    # Resources of Terraform's last seconds are in no state.
    assert inventory(emulator.session()) == before


def sweep(emulator: Emulator, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.cli", "sweep", "--wait", "1", *options]
    return run(command, TIMEOUT, cwd=REPOSITORY, env=operator_environment(emulator))


@pytest.mark.parametrize(
    ("name", "shape", "variables"),
    [
        ("largest", SHAPE, {**VARIABLES, "minimum_hosts": 2, "maximum_hosts": 2}),
        ("classic", {"WHARF_LOAD_BALANCER": "classic", "WHARF_HOST_NETWORK": "nat"}, {}),
    ],
    ids=["largest", "classic"],
)
def test_leftovers_of_a_killed_night_are_swept(
    emulator: Emulator,
    tmp_path: Path,
    name: str,
    shape: dict[str, str],
    variables: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Remove all resources of a stack whose state is lost, and no other resource."""
    terraform = stack(emulator, tmp_path, name, shape, variables)
    if variables:
        for variable, value in what_must_exist_first(terraform).items():
            monkeypatch.setenv(f"TF_VAR_{variable}", value)
    before = inventory(emulator.session())
    terraform.init()
    terraform.apply()
    (terraform.directory / STATE).unlink()
    made = inventory(emulator.session()) - before
    assert len(made) > 30
    tried = sweep(emulator, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert inventory(emulator.session()) - before == made
    swept = sweep(emulator)
    assert inventory(emulator.session()) == before, swept.stdout + swept.stderr
    assert swept.returncode == 0, swept.stderr


def test_a_load_that_fails_is_destroyed(
    only_local: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    """Run a whole night on this machine, with a threshold that no load passes."""
    limits = tmp_path / "thresholds.toml"
    text = (REPOSITORY / "integration/load/thresholds.toml").read_text()
    limits.write_text(text.replace("p99_ms = 60000", "p99_ms = 0.001"))
    load = ("--users", "4", "--scale", "0.005", "--thresholds", str(limits))
    options = [word for option in load for word in ("--load-option", option)]
    suite = [word for part in SUITE for word in ("--suite", part)]
    command = [
        sys.executable,
        "-m",
        "scripts.cli",
        "nightly",
        "local",
        *suite,
        "--workload",
        "storm",
    ]
    done = run([*command, *options, "--directory", str(LOCAL)], TIMEOUT, cwd=REPOSITORY)
    assert done.returncode == 1, done.stdout
    # Otherwise it would be skipped, with what it needs.
    assert "give --bucket" not in done.stdout
    assert "storm: p99_ms is " in done.stderr.splitlines()[-1]
    summary = json.loads((LOCAL / "summary.json").read_text())
    assert len(summary["failures"]) == 1
    assert set(summary["seconds"]) == {"deploy", "suite", "load", "destroy", "sweep"}
    assert "<svg" in (LOCAL / "load" / "storm.html").read_text()
    assert not (LOCAL / "cloud" / "cloud.json").exists()
