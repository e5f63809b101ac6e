"""A night destroys and sweeps whatever fails before."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.nightly.__main__ import Night
from scripts.nightly.steps import NightlyError, Steps
from scripts.nightly.targets import Access, Account, Local

ACCESS = Access("https://127.0.0.1:1", "ci", "secret", "/nowhere.pem", 2)


class Target:
    """Notes what is asked of it; fails where it is told to."""

    suite: tuple[str, ...] = ()

    def __init__(self, failing: BaseException | None = None) -> None:
        self.done: list[str] = []
        self._failing = failing

    def deploy(self) -> Access:
        self.done.append("deploy")
        if self._failing:
            raise self._failing
        return ACCESS

    def destroy(self) -> None:
        self.done.append("destroy")

    def sweep(self) -> None:
        self.done.append("sweep")


def night(target: Target, directory: Path) -> Night:
    return Night(target, Steps(directory / "log"), directory)


def test_a_deployment_that_fails_in_the_middle_is_destroyed(tmp_path: Path) -> None:
    target = Target(NightlyError("deploy: no subnet"))
    one = night(target, tmp_path)
    one.spend(("integration",), "mixed", ())
    assert target.done == ["deploy", "destroy", "sweep"]
    assert one.failures == ["deploy: no subnet"]
    assert json.loads((tmp_path / "summary.json").read_text())["failures"] == one.failures


def test_an_interrupt_destroys_too(tmp_path: Path) -> None:
    target = Target(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        night(target, tmp_path).spend(("integration",), "mixed", ())
    assert target.done == ["deploy", "destroy", "sweep"]


def test_a_load_that_fails_is_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    target = Target()
    one = night(target, tmp_path)
    one.spend(("--version",), "nothing", ())
    assert target.done == ["deploy", "destroy", "sweep"]
    assert [line.partition(":")[0] for line in one.failures] == ["load"]


class Noted(Steps):
    """Notes what it is to run, and runs nothing."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        self.lines: list[str] = []

    def run(self, name: str, command: Sequence[str], *_: Any, **__: Any) -> str:
        self.lines.append(f"{name}: {' '.join(command)}")
        return ""


@pytest.mark.parametrize(("kind", "large"), [(Local, False), (Account, True)])
def test_only_an_account_takes_a_layer_of_a_gigabyte(
    kind: type[Local | Account], large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    monkeypatch.setattr(kind, "deploy", lambda _: ACCESS)
    steps = Noted(tmp_path / "log")
    target = Local(steps, tmp_path) if kind is Local else Account(steps, "nightly", tmp_path, 2)
    Night(target, steps, tmp_path).spend(("integration",), "mixed", ())
    (suite,) = (line for line in steps.lines if line.startswith("suite:"))
    assert ("integration --large-layer 1000 " in suite) is large
