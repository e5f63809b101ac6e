"""Defects tried one after the other: each on a copy of the tree, most on one local cloud."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

from pydantic import BaseModel

from integration.console import processes as programs
from integration.local.cloud import LocalCloud
from integration.mutants.defects import BRINGING_UP, REPOSITORY, Defect, DefectError
from integration.mutants.roll_out import CLOUD

#: Not copied: files that can be made again, and the user's own.
LEFT_OUT = (
    ".git", "build", "dist", "cdktf.out", ".venv", ".tools", "node_modules",
    "__pycache__", ".*_cache", ".hypothesis", "*.tfstate*",
)  # fmt: skip
#: Seconds for bringing up a cloud and all tests on the tree as it is; 8 minutes are usual.
UNCHANGED_LIMIT = 1800
#: Seconds for one test, and for a roll-out, of which 60 are the wait for healthy hosts.
TEST_LIMIT, ROLL_OUT_LIMIT = 300, 400
#: A test that the cloud has to pass without a defect, also if no named test runs on it.
SERVES = "integration/suite/registry/test_authentication.py::test_with_the_password"
#: Characters of a failure's text in the report.
TOLD = 200
PASSED = "nothing: it passed"


@dataclass(frozen=True)
class Ended:
    """Result of a program; no status means that the program had to be ended."""

    status: int | None
    output: str


def run(command: Sequence[str], directory: Path, log: Path, limit: float) -> Ended:
    """Run a program to its end, or for ``limit`` seconds.

    Args:
        command: the program and its arguments.
        directory: a copy of the repository: where it runs, and where Python finds its parts.
        log: gets what it prints.
        limit: seconds.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": f"{directory}:{directory / 'nginx-proxy'}",
        # A file that changes within a second to one of the same size would be taken for the same.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    status = None
    with log.open("w") as output, suppress(subprocess.TimeoutExpired):
        status = programs.run(
            command,
            limit,
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
    return Ended(status, log.read_text())


class Trial(BaseModel):
    """Result of a trial of a defect."""

    defect: Defect
    caught: bool
    said: str
    seconds: int


class Trials:
    """The copy of the tree, and the cloud that stands in it.

    Args:
        directory: for the copy, and for a log of each trial.
        report: gets a line for each step.

    Usage:

        with Trials(Path("build/mutants"), print) as trials:
            trials.unchanged(defects)
            trials.one(defects[0])
    """

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        self._logs = directory.resolve()
        self._tree = self._logs / "tree"
        self._report = report
        #: Whether the stack in force is the unchanged one, and whether the hosts are known good.
        self._stack_is_good = self._hosts_are_good = True

    def __enter__(self) -> Self:
        self._clean()
        shutil.rmtree(self._logs, ignore_errors=True)
        shutil.copytree(REPOSITORY, self._tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        return self

    def __exit__(self, *_: object) -> None:
        self._clean()

    def _clean(self) -> None:
        LocalCloud.end_standing(self._tree / CLOUD, self._report)
        # A tree with a defect in it must not be taken for a good one.
        shutil.rmtree(self._tree, ignore_errors=True)

    def unchanged(self, defects: Sequence[Defect]) -> None:
        """Bring up the cloud, and run all tests that are named on the tree as it is.

        Raises:
            DefectError: a test does not pass, so it can prove nothing.
        """
        tests = {defect.caught_by for defect in defects if defect.caught_by != BRINGING_UP}
        of_units = {defect.caught_by for defect in defects if not defect.needs_cloud}
        runs = [("unchanged-units", of_units)] if of_units else []
        if any(defect.needs_cloud for defect in defects):
            runs.append(("unchanged", {SERVES} | (tests - of_units)))
        for name, chosen in runs:
            ended, _ = self._pytest(name, sorted(chosen), UNCHANGED_LIMIT, "--keep")
            if ended.status != 0:
                raise DefectError(
                    f"The tests do not pass on the tree as it is: {_first_bad(ended)}; "
                    f"correct that first (log: {self._logs / name}.log)"
                )

    def one(self, defect: Defect) -> Trial:
        """Apply a defect, record whether its test fails for the expected reason, and undo it."""
        start = time.monotonic()
        file = self._tree / defect.file
        good = file.read_text()
        file.write_text(defect.applied(good))
        try:
            failed, said = self._tried(defect)
        finally:
            file.write_text(good)
        return Trial(
            defect=defect,
            caught=failed and defect.says in said,
            said=" ".join(said.split())[:TOLD],
            seconds=round(time.monotonic() - start),
        )

    def _tried(self, defect: Defect) -> tuple[bool, str]:
        """Return whether the expected test failed, and what it said."""
        if defect.needs_cloud:
            ended = self._roll_out(defect)
            if ended.status != 0 and not _expected(defect, ended):
                # Such an end proves nothing about the defect or its test.
                self._hosts_are_good = False
                ended = self._roll_out(defect)
            if defect.caught_by == BRINGING_UP:
                return (False, PASSED) if ended.status == 0 else (True, ended.output)
            if ended.status != 0:
                return False, f"before its test, when bringing up: {_last_line(ended)}"
        ended, failures = self._pytest(defect.name, [defect.caught_by], TEST_LIMIT, "--reuse")
        if ended.status == 0:
            return False, PASSED
        if ended.status == 1 and failures:
            return True, " ".join(failures)
        return False, f"pytest did not get to an end: {_last_line(ended)}"

    def _roll_out(self, defect: Defect) -> Ended:
        options = []
        if defect.shapes_stack or not self._stack_is_good:
            options.append("--stack")
        only_stack = defect.shapes_stack and defect.caught_by != BRINGING_UP
        if not only_stack or not self._hosts_are_good:
            options.append("--replace")
        self._stack_is_good = not defect.shapes_stack
        self._hosts_are_good = only_stack
        command = [sys.executable, "-m", "integration.mutants.roll_out", *options]
        return run(command, self._tree, self._log(f"{defect.name}.roll-out"), ROLL_OUT_LIMIT)

    def _pytest(
        self, name: str, tests: Sequence[str], limit: float, cloud: str
    ) -> tuple[Ended, list[str]]:
        """Run tests; return their exit status, and the text of the failures."""
        report = self._logs / f"{name}.xml"
        options = ["--quiet", "-p", "no:cacheprovider", f"--junitxml={report}"]
        if tests[0].startswith("integration/"):
            options += [cloud, f"--directory={CLOUD}"]
        command = [sys.executable, "-m", "pytest", *options, *tests]
        ended = run(command, self._tree, self._log(name), limit)
        if not report.exists():
            return ended, []
        # It was written by pytest just now.
        failures = ElementTree.parse(report).iter("failure")  # noqa: S314
        # Its attribute "message" is shortened; these lines have all of it.
        lines = [line for failure in failures for line in (failure.text or "").splitlines()]
        return ended, [line[1:].strip() for line in lines if line.startswith("E ")]

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _expected(defect: Defect, ended: Ended) -> bool:
    return defect.caught_by == BRINGING_UP and defect.says in ended.output


def _first_bad(ended: Ended) -> str:
    """Return the first line of pytest's summary that tells of a test that did not pass."""
    lines = ended.output.splitlines()
    return next((line for line in lines if line.startswith(("FAILED", "ERROR"))), _last_line(ended))


def _last_line(ended: Ended) -> str:
    lines = ended.output.strip().splitlines()
    said = lines[-1] if lines else "no output"
    return said if ended.status is not None else f"it took too long: {said}"
