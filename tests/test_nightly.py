"""A night destroys and sweeps whatever fails before."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from integration.load.processes import WORKLOADS
from scripts.nightly import __main__ as nightly
from scripts.nightly.__main__ import Night
from scripts.nightly.steps import NightlyError, Steps
from scripts.nightly.targets import Access, Account, Local

ACCESS = Access("https://127.0.0.1:1", "ci", "secret", "/nowhere.pem", 2, "images")
ALL = ["sweep", "deploy", "destroy", "sweep"]


def nothing() -> None:
    """Goes well."""


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


class Target:
    """Notes what is asked of it; fails where it is told to."""

    name = "nowhere"
    suite: tuple[str, ...] = ()

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


def spend(target: Target, directory: Path, *, minutes: float = 1.0) -> Night:
    one = Night(target, Steps(directory / "log"), directory, minutes)
    one.spend(("--version",), "nothing", ())
    return one


def summary(directory: Path) -> Any:
    return json.loads((directory / "summary.json").read_text())


def test_a_deployment_that_fails_in_the_middle_is_destroyed(tmp_path: Path) -> None:
    target = Target(failing(NightlyError("deploy: no subnet")))
    one = spend(target, tmp_path)
    assert target.done == ALL
    assert one.failures == ["deploy: no subnet"]
    assert summary(tmp_path)["failures"] == one.failures


def test_an_interrupt_destroys_too(tmp_path: Path) -> None:
    target = Target(failing(KeyboardInterrupt("SIGTERM")))
    one = spend(target, tmp_path)
    assert target.done == ALL
    assert one.failures == ["interrupted by SIGTERM"]


def test_a_load_that_fails_is_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    target = Target()
    one = spend(target, tmp_path)
    assert target.done == ALL
    assert [line.partition(":")[0] for line in one.failures] == ["load"]


def test_a_load_that_takes_too_long_is_ended_and_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    target = Target()
    one = spend(target, tmp_path, minutes=0.001)
    assert target.done == ALL
    assert [line.partition(" (log")[0] for line in one.failures] == [
        "suite: ended, for it took more than 0.001 minutes",
        "load: ended, for it took more than 0.001 minutes",
    ]


def test_a_fault_of_ours_is_one_line_and_destroyed(tmp_path: Path) -> None:
    target = Target(failing(ValueError("of this kind\nand more")))
    one = spend(target, tmp_path)
    assert target.done == ALL
    assert one.failures == ["deploy: ValueError: of this kind"]
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_fault_in_destroying_keeps_neither_sweep_nor_summary(tmp_path: Path) -> None:
    target = Target(failing(NightlyError("no subnet")), failing(OSError("no cdktf")))
    one = spend(target, tmp_path)
    assert target.done == ALL
    assert one.failures == ["no subnet", "destroy: OSError: no cdktf"]
    assert summary(tmp_path)["failures"] == one.failures
    assert not summary(tmp_path)["destroyed"]


def test_a_summary_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    target = Target(failing(NightlyError("no subnet")))
    one = spend(target, tmp_path / "gone")
    assert target.done == ALL
    assert one.failures[1].startswith("summary: FileNotFoundError")


def test_the_load_of_a_local_night_looks_into_its_hosts(tmp_path: Path) -> None:
    told = Local(Steps(tmp_path / "log"), tmp_path / "cloud").load(ACCESS)
    assert told == ("--cloud", str(tmp_path / "cloud"), "--users", "10")


def test_nights_in_an_account_are_compared_though_the_address_is_new(tmp_path: Path) -> None:
    told = Account(Steps(tmp_path / "log"), "nightly", tmp_path, 2).load(ACCESS)
    assert told[:2] == ("--registry", ACCESS.url)
    assert told[-2:] == ("--target-name", "nightly")


class Noted(Steps):
    """Runs nothing."""

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
    Night(target, steps, tmp_path).spend(("integration",), "mixed", ())
    (suite,) = (command for name, command, _ in steps.said if name == "suite")
    assert ("--large-layer" in suite) is large


def test_the_suite_may_look_into_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    access = replace(ACCESS, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:2"})
    monkeypatch.setattr(Local, "deploy", lambda _: access)
    steps = Noted()
    Night(Local(steps, tmp_path), steps, tmp_path).spend(("integration",), "mixed", ())
    told = {name: (command, environment) for name, command, environment in steps.said}
    command, environment = told["suite"]
    assert command[-2:] == ["--bucket", "images"]
    assert environment == access.environment


def test_terraform_waits_for_the_one_that_a_killed_night_has_started(tmp_path: Path) -> None:
    steps = Noted()
    Account(steps, "nightly", tmp_path, 2).destroy()
    ((_, _, environment),) = steps.said
    assert environment["TF_CLI_ARGS_destroy"] == "-lock-timeout=10m"


def test_what_is_older_than_a_night_is_swept(tmp_path: Path) -> None:
    steps = Noted()
    Account(steps, "nightly", tmp_path, 2).sweep()
    ((_, command, _),) = steps.said
    assert command[-2:] == ["--hours", "12"]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--workload", "mxied", "'mxied' is not one of 'storm', 'mixed', 'production', 'soak'"),
        ("--workload", "soak", "--workload soak: the hosts of an account cannot be looked into"),
        ("--var-file", "gone.json", "File 'gone.json' does not exist"),
        ("--synthesized", "gone", "Directory 'gone' does not exist"),
        ("--suite", "integration/gone.py::test_it", "gone.py::test_it: it is not there"),
        ("--since", "2026-01-31T01:17:00", "is no time with a zone; write one like 2026-01-31"),
        ("--minutes", "0", "0.0 is not in the range x>0"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_deployed(
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


def test_state_of_an_account_is_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdktf = tmp_path / "node_modules" / ".bin" / "cdktf"
    cdktf.parent.mkdir(parents=True)
    cdktf.write_text(f"#!/bin/sh\necho state > {tmp_path}/terraform.wharf.tfstate\n")
    cdktf.chmod(0o755)
    monkeypatch.setattr("scripts.nightly.targets.REPOSITORY", tmp_path)
    Account(Steps(tmp_path / "log"), "wharf", tmp_path, hosts=1).destroy()
    assert (tmp_path / "terraform.wharf.tfstate").stat().st_mode & 0o777 == 0o600
