"""A night with a registry: it is destroyed whatever fails, and what a killed one left is swept."""

import json
import os
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

import pytest

from integration.local.emulator import Emulator
from integration.local.inventory import inventory
from integration.local.machine import terraform_program
from integration.local.registry import REPOSITORY, operator, synthesize
from integration.local.terraform import STATE, Terraform
from integration.programs import run, running
from integration.test_largest import SHAPE, VARIABLES, what_must_exist_first

REGION = "us-east-1"
TAG = "wharf-nightly"
LOCAL = Path("build/integration-nightly")
#: Seconds for an apply and a destroy, most of them the provider's fixed waits.
TIMEOUT = 600
#: Two small parts of the suite: one for any client, one that also looks into S3.
SUITE = ("integration/test_push_and_pull.py", "integration/test_persistence.py")
VALUES = {"proxy_image": "localhost/proxy:1", "force_destroy": True}


def of_operator(emulator: Emulator) -> dict[str, str]:
    """The environment of whoever spends a night in that account."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    return {**others, **operator(emulator), "TERRAFORM_BINARY_NAME": terraform_program()}


def stack(
    emulator: Emulator,
    directory: Path,
    name: str,
    shape: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Terraform:
    """A stack that points to the emulator, and whose tag says that it is two days old."""
    then = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")
    settings = {**(shape or {}), "WHARF_NAME": name}
    synthesized = synthesize(directory / "cdktf.out", settings)
    values = {**VALUES, **(variables or {}), "tags": {TAG: then}}
    return Terraform(synthesized, emulator, REGION, values, directory / "terraform.log")


def night_of(
    terraform: Terraform, directory: Path
) -> AbstractContextManager[subprocess.Popen[str]]:
    """A night that begins in the emulator's account, with what was synthesized."""
    name = terraform.directory.name
    command = [sys.executable, "-m", "scripts.nightly", "account", "--environment", name]
    where = ["--synthesized", str(terraform.directory.parents[1])]
    values = ["--var-file", str(terraform.directory / "local.tfvars.json")]
    return running(
        [*command, *where, *values, "--directory", str(directory)],
        cwd=REPOSITORY,
        env=of_operator(terraform.emulator),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_deployment_that_fails_in_the_middle_is_destroyed(
    emulator: Emulator, tmp_path: Path
) -> None:
    # A service comes last: by then everything else is there.
    terraform = stack(emulator, tmp_path, "broken")
    described = json.loads((terraform.directory / "cdk.tf.json").read_text())
    (service,) = described["resource"]["aws_ecs_service"].values()
    service["task_definition"] = "nowhere:1"
    (terraform.directory / "cdk.tf.json").write_text(json.dumps(described))
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "night") as night:
        output, _ = night.communicate(timeout=TIMEOUT)
    assert night.returncode == 1, output
    last = output.splitlines()[-1]
    assert last.startswith("Error: deploy: ")
    assert "task definition" in output
    assert inventory(emulator.session()) == before
    summary = json.loads((tmp_path / "night" / "summary.json").read_text())
    assert [one.partition(":")[0] for one in summary["failures"]] == ["deploy"]
    assert set(summary["seconds"]) == {"deploy", "destroy", "sweep"}


def test_an_interrupted_deployment_is_destroyed(emulator: Emulator, tmp_path: Path) -> None:
    terraform = stack(emulator, tmp_path, "interrupted")
    before = inventory(emulator.session())
    with night_of(terraform, tmp_path / "night") as night:
        end = time.monotonic() + TIMEOUT
        while terraform.applied < 10 and night.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        assert inventory(emulator.session()) - before
        night.send_signal(signal.SIGINT)
        assert night.stdout is not None
        lines = list(takewhile(lambda line: "== destroy" not in line, night.stdout))
        assert night.poll() is None, "".join(lines)
        # Whoever is impatient does not keep it from destroying.
        time.sleep(3)
        night.send_signal(signal.SIGINT)
        output, _ = night.communicate(timeout=TIMEOUT)
    assert "SIGINT: it ends by itself" in output
    assert night.returncode != 0, output
    assert "Traceback" not in output
    assert inventory(emulator.session()) == before


def sweep(emulator: Emulator, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.sweep", "--wait", "1", *options]
    return run(command, TIMEOUT, cwd=REPOSITORY, env=of_operator(emulator))


@pytest.mark.parametrize(
    ("name", "shape", "variables"),
    [
        ("largest", SHAPE, {**VARIABLES, "maximum_hosts": 2}),
        ("classic", {"WHARF_LOAD_BALANCER": "classic", "WHARF_HOST_NETWORK": "nat"}, {}),
    ],
    ids=["largest", "classic"],
)
def test_what_a_killed_night_left_is_swept(
    emulator: Emulator,
    tmp_path: Path,
    name: str,
    shape: dict[str, str],
    variables: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything of a stack whose state is lost; nothing that was there before."""
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
    """A whole night on this machine, with a threshold that nothing keeps."""
    limits = tmp_path / "thresholds.toml"
    text = (REPOSITORY / "integration/load/thresholds.toml").read_text()
    limits.write_text(text.replace("p99_ms = 60000", "p99_ms = 0.001"))
    load = ("--users", "4", "--scale", "0.005", "--thresholds", str(limits))
    options = [word for one in load for word in ("--load-option", one)]
    suite = [word for one in SUITE for word in ("--suite", one)]
    command = [sys.executable, "-m", "scripts.nightly", "local", *suite, "--workload", "storm"]
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
