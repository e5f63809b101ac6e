"""Reports of a run: figures, the logs of a failure, pages under build/reports.

The plugin of pytest that conftest.py registers. JUnit XML and the page are pytest's own and
pytest-html's; this gives them their place and adds to them.
"""

import re
import shlex
import time
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from markupsafe import Markup

DIRECTORY = Path("build/reports")
#: Where the session's local cloud stands if nothing else is said.
CLOUD = Path("build/integration")
#: What a test asks for that needs that cloud.
NEEDS_CLOUD = {"registry", "deployment"}
#: Lines of each log that a failure shows, and the bytes in which they are looked for.
LAST_LINES, LAST_BYTES = 12, 64_000
#: What goes on all the time: health checks, and the proxy's look for changed files.
ROUTINE = re.compile(r'"GET / HTTP/1\.[01]" 200 0 "" ""|HEAD /(nginx|domain)\.')
_STARTED = pytest.StashKey[float]()

#: ``figure("recovery of a killed host", 10.5, "s")``
Figure = Callable[[str, float, str], None]


class Measured(NamedTuple):
    """A figure of a run."""

    name: str
    value: str
    test: str


class Reporting:
    """Collects figures, and shows with a failure what the containers said meanwhile.

    Attributes:
        logs: directories of logs; those of a cloud that was brought up are added.
        registry: the version under test; empty until a cloud is up.
    """

    def __init__(self, config: pytest.Config, seed: int) -> None:
        self.logs: list[Path] = []
        self.registry = ""
        self._figures: list[Measured] = []
        self._seed = seed
        self._cloud: Path = config.getoption("--directory")
        # Given in another place, they are left there.
        config.option.xmlpath = config.option.xmlpath or str(self._file("xml"))
        config.option.htmlpath = config.option.htmlpath or str(self._file("html"))
        config.option.self_contained_html = True

    def _file(self, kind: str) -> Path:
        return DIRECTORY / f"{self._cloud.name}.{kind}"

    def add(self, name: str, value: str, test: str) -> None:
        """Add a figure that no single test has measured."""
        self._figures.append(Measured(name, value, test))

    def pytest_report_header(self, config: pytest.Config) -> list[str]:
        """Say what it takes to repeat the run, and where to read about it."""
        reports = f"{config.option.htmlpath}, {config.option.xmlpath}"
        registry = [f"registry: {self.registry}"] if self.registry else []
        return [*registry, f"seed: {self._seed}", f"reports: {reports}"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Remember when the test began."""
        item.stash[_STARTED] = time.time()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show with a failure what was logged meanwhile, and how to repeat it."""
        report = yield
        if report.failed:
            began = item.stash[_STARTED]
            for file in self._written_since(began):
                if lines := _last_lines(file, began):
                    report.sections.append((f"Last lines of {file}", lines))
            report.sections.append(("To repeat", self._repeat(item)))
        return report

    def _written_since(self, moment: float) -> list[Path]:
        files = (file for directory in self.logs for file in sorted(directory.rglob("*.log")))
        # The times of files come from a clock that ticks every 10 ms at worst, and lags by that.
        return [file for file in files if file.stat().st_mtime >= moment - 0.01]

    def _repeat(self, item: pytest.Item) -> str:
        again = f".venv/bin/pytest {shlex.quote(item.nodeid)} --seed {self._seed}"
        where = f"--directory {shlex.quote(str(self._cloud))}"
        if self._cloud != CLOUD:
            again = f"{again} {where}"
        # A cloud that a test destroys, or has brought up for itself, is not there afterwards.
        asked_for = getattr(item, "fixturenames", ())
        if item.get_closest_marker("destroys") or NEEDS_CLOUD.isdisjoint(asked_for):
            return again
        return (
            f"{again} --keep  # then with --reuse in the place of --keep\n"
            f"wharf local enter 1 nginx {where}"
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the figures of a test that has ended."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                self.add(name, str(value), report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the version of the registry, and the figures."""
        if self.registry:
            terminalreporter.section(f"tested with {self.registry}")
        if self._figures:
            terminalreporter.section("figures")
            width = max(len(figure.name) for figure in self._figures)
            for figure in self._figures:
                terminalreporter.line(f"{figure.name:{width}}  {figure.value:>10}  {figure.test}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the page."""
        report.title = "Wharf: the integration suite"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the version of the registry and the figures at the top of the page."""
        if self.registry:
            prefix.append(Markup("<p>Registry: {}</p>").format(self.registry))
        prefix.append(Markup("<p>Seed: {}</p>").format(self._seed))
        if self._figures:
            row = Markup("<tr><td>{}</td><td>{}</td><td>{}</td></tr>")
            rows = Markup("").join(row.format(*figure) for figure in self._figures)
            head = Markup("<tr><th>Figure</th><th>Value</th><th>Measured by</th></tr>")
            prefix.append(
                Markup('<table id="figures" cellpadding="6">{}{}</table>').format(head, rows)
            )


def _last_lines(file: Path, since: float) -> str:
    with file.open("rb") as log:
        if log.seek(max(0, file.stat().st_size - LAST_BYTES)):
            log.readline()  # most likely not a whole one
        lines = log.read().decode(errors="replace").splitlines()
    told = [line for line in lines if _moment(line) >= since and not ROUTINE.search(line)]
    return "\n".join(told[-LAST_LINES:])


def _moment(line: str) -> float:
    """Return the time of a line of a container's log; now if the time is unknown."""
    try:
        return datetime.fromisoformat(line.partition(" ")[0]).timestamp()
    except ValueError:
        return time.time()
