"""Reports of the integration suite: figures, the right log, the command that repeats a test."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
CONFTEST = """
from pathlib import Path

import pytest

from integration.suite.conftest import pytest_addoption, pytest_collection_modifyitems
from integration.suite.support.reporting import Reporting


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "destroys: as in the suite")
    reporting = Reporting(config, seed=7)
    reporting.logs.append(Path("cloud/logs"))
    reporting.registry = "distribution 3.1.1"
    config.pluginmanager.register(reporting)


@pytest.fixture
def registry():
    pass
"""
TESTS = """
from datetime import UTC, datetime
from pathlib import Path

import pytest


def test_that_fails(record_property, registry):
    record_property("recovery of <one> host", "10.5 s")
    now = datetime.now(UTC).isoformat()
    with Path("cloud/logs/nginx.log").open("a") as log:
        log.write(f"{now} stdout F while it ran\\n")
        log.write(f'{now} stdout F 127.0.0.1 "GET / HTTP/1.1" 200 0 "" ""\\n')
    raise AssertionError


def test_with_a_cloud_of_its_own():
    raise AssertionError


@pytest.mark.destroys
def test_that_destroys(registry):
    raise AssertionError
"""
WHERE = "--directory build/test_one"
EARLIER = "2026-01-01T00:00:00+00:00 stdout F before it\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def run(directory: Path) -> str:
    """Return pytest's output of a failing test that runs in ``directory``."""
    (directory / "cloud/logs").mkdir(parents=True)
    for name in ("nginx.log", "registry.log"):
        (directory / "cloud/logs" / name).write_text(EARLIER)
        os.utime(directory / "cloud/logs" / name, (0, 0))
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_one.py").write_text(TESTS)
    done = pytest_in(directory, "-o", "junit_family=xunit1", *WHERE.split(), "test_one.py")
    assert done.returncode == 1, done.stderr
    return done.stdout


def pytest_in(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failure_shows_the_log_that_was_written_meanwhile(run: str) -> None:
    assert "Last lines of cloud/logs/nginx.log" in run
    assert "while it ran" in run
    assert "registry.log" not in run
    assert "before it" not in run
    assert '"GET / HTTP/1.1"' not in run.replace(TESTS, "").split("Last lines of")[1]


def test_a_failure_says_how_to_repeat_it(run: str) -> None:
    assert "seed: 7\n" in run
    assert f".venv/bin/pytest test_one.py::test_that_fails --seed 7 {WHERE} --keep  # then" in run
    # Only the suite's own cloud is kept, and not where a test destroys it.
    assert f".venv/bin/pytest test_one.py::test_with_a_cloud_of_its_own --seed 7 {WHERE}\n" in run
    assert f".venv/bin/pytest test_one.py::test_that_destroys --seed 7 {WHERE}\n" in run
    assert re.findall("wharf local enter .*", run) == [f"wharf local enter 1 nginx {WHERE}"]


def test_the_command_repeats_it_and_leaves_out_the_usual_directory(
    run: str, directory: Path
) -> None:
    (command,) = re.findall(r"^\.venv/bin/pytest (.* --keep) ", run, re.MULTILINE)
    usual = command.replace(f" {WHERE}", "")
    again = pytest_in(directory, *shlex.split(usual)).stdout
    assert "1 failed" in again
    assert f".venv/bin/pytest {usual}  # then" in again
    assert "wharf local enter 1 nginx --directory build/integration\n" in again


def test_the_version_of_the_registry_is_printed_and_on_the_page(run: str, directory: Path) -> None:
    assert "\nregistry: distribution 3.1.1\n" in run
    assert "tested with distribution 3.1.1" in run
    page = (directory / "build/reports/test_one.html").read_text()
    assert "<p>Registry: distribution 3.1.1</p>" in page


def test_figures_are_printed_and_in_both_reports(run: str, directory: Path) -> None:
    reports = directory / "build/reports"
    assert "recovery of <one> host      10.5 s  test_one.py::test_that_fails\n" in run
    (found,) = ElementTree.parse(reports / "test_one.xml").iter("property")  # noqa: S314  (ours)
    assert found.attrib == {"name": "recovery of <one> host", "value": "10.5 s"}
    page = (reports / "test_one.html").read_text()
    assert "<td>recovery of &lt;one&gt; host</td><td>10.5 s</td>" in page


def test_the_page_needs_no_other_file(run: str, directory: Path) -> None:  # noqa: ARG001
    page = (directory / "build/reports/test_one.html").read_text()
    assert "<style" in page
    assert not re.search('(src|href)="(?!")(?!https://pypi)', page)
    assert "<link" not in page
