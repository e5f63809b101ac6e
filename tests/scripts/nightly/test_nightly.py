"""A night destroys and sweeps, whatever failed before."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wharf_proxy.errors import ConfigurationError

from integration.load.locust_processes import WORKLOADS
from scripts.nightly import nightly_command as nightly
from scripts.nightly.night import Night
from scripts.nightly.steps import Steps
from scripts.nightly.targets import Access, Account, Local, Target

ACCESS = Access("https://127.0.0.1:1", "ci", "secret", "/nowhere.pem", 2, "images")
ALL = ["sweep", "deploy", "destroy", "sweep"]


def nothing() -> None:
    """Do nothing."""


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


class Recorder(Target):
    """Records the calls, and fails on request."""

    name = "nowhere"

    def __init__(
        self, deploy: Callable[[], None] = nothing, destroy: Callable[[], None] = nothing
    ) -> None:
        self.done: list[str] = []
        self._deploy, self._destroy = deploy, destroy

    def deploy(self) -> Access:
        self.done.append("deploy")
        self._deploy()
        return ACCESS

    def load(self, _: Access) -> tuple[str, ...]:
        return ()

    def destroy(self) -> None:
        self.done.append("destroy")
        self._destroy()

    def sweep(self) -> None:
        self.done.append("sweep")


def run(target: Recorder, directory: Path, *, minutes: float = 1.0) -> Night:
    night = Night(target, Steps(directory / "log"), directory, minutes)
    night.run(("--version",), "nothing", ())
    return night


def summary(directory: Path) -> Any:
    return json.loads((directory / "summary.json").read_text())


def test_a_deployment_that_fails_in_the_middle_is_destroyed(tmp_path: Path) -> None:
    target = Recorder(failing(ConfigurationError("deploy: no subnet")))
    night = run(target, tmp_path)
    assert target.done == ALL
    assert night.failures == ["deploy: no subnet"]
    assert summary(tmp_path)["failures"] == night.failures


def test_an_interrupt_destroys_too(tmp_path: Path) -> None:
    target = Recorder(failing(KeyboardInterrupt("SIGTERM")))
    night = run(target, tmp_path)
    assert target.done == ALL
    assert night.failures == ["interrupted by SIGTERM"]


def test_a_load_that_fails_is_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    target = Recorder()
    night = run(target, tmp_path)
    assert target.done == ALL
    assert [line.partition(":")[0] for line in night.failures] == ["load"]


def test_a_load_that_takes_too_long_is_ended_and_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    target = Recorder()
    night = run(target, tmp_path, minutes=0.001)
    assert target.done == ALL
    assert [line.partition("; ")[0] for line in night.failures] == [
        "suite: ended after its limit of 0.001 minutes",
        "load: ended after its limit of 0.001 minutes",
    ]


def test_a_defect_is_one_line_and_the_registry_is_destroyed(tmp_path: Path) -> None:
    target = Recorder(failing(ValueError("of this kind\nand more")))
    night = run(target, tmp_path)
    assert target.done == ALL
    assert night.failures == ["deploy: ValueError: of this kind"]
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_failed_destroy_does_not_prevent_sweep_and_summary(tmp_path: Path) -> None:
    target = Recorder(failing(ConfigurationError("no subnet")), failing(OSError("no cdktf")))
    night = run(target, tmp_path)
    assert target.done == ALL
    assert night.failures == ["no subnet", "destroy: OSError: no cdktf"]
    assert summary(tmp_path)["failures"] == night.failures


def test_a_summary_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    target = Recorder(failing(ConfigurationError("no subnet")))
    night = run(target, tmp_path / "gone")
    assert target.done == ALL
    assert night.failures[1].startswith("summary: FileNotFoundError")


def test_the_load_of_a_local_night_inspects_the_hosts(tmp_path: Path) -> None:
    told = Local(Steps(tmp_path / "log"), tmp_path / "cloud").load(ACCESS)
    assert told == ("--cloud", str(tmp_path / "cloud"), "--users", "10")


def test_nights_in_an_account_are_compared_by_environment(tmp_path: Path) -> None:
    told = Account(Steps(tmp_path / "log"), "nightly", tmp_path, 2).load(ACCESS)
    assert told[:2] == ("--registry", ACCESS.url)
    assert told[-2:] == ("--target-name", "nightly")


class Noted(Steps):
    """Records programs instead of running them."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.said: list[tuple[str, list[str], dict[str, str]]] = []

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        **_: Any,
    ) -> str:
        self.said.append((name, [*command], dict(environment or {})))
        return ""


@pytest.mark.parametrize(("kind", "large"), [(Local, False), (Account, True)])
def test_only_an_account_takes_a_layer_of_a_gigabyte(
    kind: type[Local | Account], large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    monkeypatch.setattr(kind, "deploy", lambda _: ACCESS)
    steps = Noted()
    target = Local(steps, tmp_path) if kind is Local else Account(steps, "nightly", tmp_path, 2)
    Night(target, steps, tmp_path).run(("integration",), "mixed", ())
    (suite,) = (command for name, command, _ in steps.said if name == "suite")
    assert ("--large-layer" in suite) is large


def test_the_suite_gets_the_image_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    access = replace(ACCESS, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:2"})
    monkeypatch.setattr(Local, "deploy", lambda _: access)
    steps = Noted()
    Night(Local(steps, tmp_path), steps, tmp_path).run(("integration",), "mixed", ())
    told = {name: (command, environment) for name, command, environment in steps.said}
    command, environment = told["suite"]
    assert command[-2:] == ["--bucket", "images"]
    assert environment == access.environment


def test_terraform_waits_for_the_lock_on_the_state(tmp_path: Path) -> None:
    steps = Noted()
    Account(steps, "nightly", tmp_path, 2).destroy()
    assert [name for name, _, _ in steps.said] == ["synth", "destroy", "destroy"]
    assert "-lock-timeout=10m" in steps.said[-1][1]


def test_resources_older_than_a_night_are_swept(tmp_path: Path) -> None:
    steps = Noted()
    Account(steps, "nightly", tmp_path, 2).sweep()
    ((_, command, _),) = steps.said
    assert command[-2:] == ["--hours", "12"]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--workload", "mxied", "'mxied' is not one of 'storm', 'mixed', 'production', 'soak'"),
        ("--workload", "soak", "--workload soak: the hosts of an account cannot be inspected"),
        ("--var-file", "gone.json", "File 'gone.json' does not exist"),
        ("--synthesized", "gone", "Directory 'gone' does not exist"),
        ("--suite", "integration/gone.py::test_it", "gone.py::test_it: absent"),
        (
            "--since",
            "2026-01-31T01:17:00",
            "is not a time with a zone; write a time such as 2026-01-31",
        ),
        ("--minutes", "0", "0.0 is not in the range x>0"),
    ],
)
def test_invalid_options_are_refused_before_the_deployment(
    option: str, value: str, says: str, tmp_path: Path
) -> None:
    run = CliRunner().invoke(
        nightly.main, ["account", "--directory", str(tmp_path / "night"), option, value]
    )
    assert run.exit_code == 2
    assert says in run.output
    assert not (tmp_path / "night").exists()


def test_a_night_knows_the_workloads_of_a_load() -> None:
    assert nightly.WORKLOADS == WORKLOADS


def test_unlock_needs_destroy_only(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        nightly.main, ["account", "--unlock", "--directory", str(tmp_path / "night")]
    )
    assert result.exit_code == 2
    assert "--unlock: only with account and --destroy-only" in result.output


def test_a_local_night_is_refused_where_a_registry_runs(tmp_path: Path) -> None:
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud" / "cloud.json").touch()
    result = CliRunner().invoke(nightly.main, ["local", "--directory", str(tmp_path)])
    assert result.exit_code == 1
    assert f"Error: --directory {tmp_path}: a registry runs there" in result.output
    assert (tmp_path / "cloud" / "cloud.json").exists()


def test_files_of_terraform_are_for_the_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\necho state > {tmp_path}/errored.tfstate\n")
    program.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    Account(Steps(tmp_path / "log"), "wharf", tmp_path, hosts=1, synthesized=tmp_path).destroy()
    assert (tmp_path / "errored.tfstate").stat().st_mode & 0o777 == 0o600
