"""A night: the steps from the deployment to the summary."""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from wharf_proxy.errors import ConfigurationError

from scripts.nightly.steps import Steps, say
from scripts.nightly.targets import Access, Target

SUMMARY = "summary.json"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Minutes for the suite, and for the load: a soak lasts an hour after its images are pushed. With
#: all other steps a night ends within the four hours of its credentials in GitHub's workflow.
LIMIT = 75.0


class Night:
    """The steps of a night, their durations and their failures.

    Args:
        target: the registry to test.
        steps: runs programs.
        directory: directory for the report and the summary.
        minutes: limit for the suite, and for the load.
    """

    def __init__(
        self, target: Target, steps: Steps, directory: Path, minutes: float = LIMIT
    ) -> None:
        self._target = target
        self._steps = steps
        self._directory = directory
        self._limit = minutes * 60
        self.failures: list[str] = []
        self._seconds: dict[str, float] = {}

    def run(self, suite: tuple[str, ...], workload: str, options: tuple[str, ...]) -> None:
        """Run all steps; add a line to ``failures`` for each step that failed."""
        accesses: list[Access] = []
        try:
            # Resources of a killed night have the names that this night needs.
            self.step("sweep", self._target.sweep)
            self.step("deploy", lambda: accesses.append(self._target.deploy()))
            for access in accesses:
                os.environ["REGISTRY_PASSWORD"] = access.password
                self.step("suite", self._suite, access, suite)
                self.step("load", self._load, access, workload, options)
        except KeyboardInterrupt as interrupt:
            self.failures.append(f"interrupted by {interrupt}")
        finally:
            _ignore_signals()
            self.step("destroy", self._target.destroy)
            self.step("sweep", self._target.sweep)
            self.step("summary", self._summarize)

    def step(self, name: str, run: Callable[..., object], *arguments: Any) -> None:
        """Run a step; add a failure to ``failures``, so that the next step runs in every case."""
        say(f"== {name}")
        start = time.monotonic()
        try:
            run(*arguments)
        except ConfigurationError as error:
            self.failures.append(str(error))
        except Exception as error:
            self._steps.note(traceback.format_exc())
            first = (str(error).splitlines() or [""])[0]
            self.failures.append(f"{name}: {type(error).__name__}: {first}")
        seconds = self._seconds.get(name, 0) + time.monotonic() - start
        self._seconds[name] = round(seconds, 1)

    def _suite(self, access: Access, suite: tuple[str, ...]) -> None:
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        options = (*suite, *self._target.suite, *login, "--bucket", access.bucket)
        self._steps.python(
            *("suite", "pytest", "--quiet", *options),
            environment=access.environment,
            seconds=self._limit,
        )

    def _load(self, access: Access, workload: str, options: tuple[str, ...]) -> None:
        directory = ("--directory", str(self._directory / "load"))
        self._steps.python(
            "load",
            *("scripts.cli", "load", workload, *self._target.load(access), *directory, *options),
            seconds=self._limit,
        )

    def _summarize(self) -> None:
        summary = {
            "target": self._target.name,
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": self._seconds,
            "failures": self.failures,
        }
        (self._directory / SUMMARY).write_text(json.dumps(summary, indent=2))


def interrupt(number: int, _: FrameType | None) -> None:
    """Interrupt the night once; ignore further signals."""
    _ignore_signals()
    name = signal.Signals(number).name
    say(f"{name}: destroying the registry; further signals are ignored")
    raise KeyboardInterrupt(name)


def _ignore_signals() -> None:
    """Ignore signals from now on: an impatient user must not keep the night from destroying."""
    for number in SIGNALS:
        # Programs that this process starts would inherit SIG_IGN.
        signal.signal(number, lambda *_: None)
