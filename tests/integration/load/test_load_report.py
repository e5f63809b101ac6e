"""The report of a load, in a real browser without a network."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from integration.load.report import page
from integration.load.run_results import Run
from integration.load.verdict import judge, load
from scripts.capacity.figures import Prices
from tests.support.browser import BROWSERS, find_browser, start_browser
from tests.support.load_sample import STARTED, sample_run


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    # A name that is asked for is found nowhere.
    with start_browser("host-resolver-rules=MAP * ~NOTFOUND", "window-size=1100,4200") as chrome:
        yield chrome


def log(browser: Chrome, kind: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return found


@pytest.fixture
def shown(browser: Chrome, tmp_path: Path, request: pytest.FixtureRequest) -> Chrome:
    """Return the page of a run, after five runs as they should be and one that failed."""
    run: Run = request.param
    past = [sample_run(started=STARTED - 1000 * number) for number in range(5, 0, -1)]
    past.append(sample_run(started=STARTED - 1, slower=2, broken=["p95_ms is 2000"]))
    file = tmp_path / "report.html"
    file.write_text(page(run, past, judge(run, past, load()), Prices.read()))
    browser.get(file.as_uri())
    return browser


GOOD, SLOW = sample_run(), sample_run(slower=3)


@pytest.mark.parametrize("shown", [GOOD], indirect=True)
def test_it_renders_without_errors_and_without_network(shown: Chrome) -> None:
    assert log(shown, "browser") == []
    events = [json.loads(entry["message"])["message"] for entry in log(shown, "performance")]
    asked = {
        event["params"]["request"]["url"].partition(":")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file", "data"}
    assert "file" in asked


@pytest.mark.parametrize("shown", [GOOD], indirect=True)
def test_every_plot_is_seen(shown: Chrome) -> None:
    titles = [heading.text for heading in shown.find_elements(By.TAG_NAME, "h2")]
    assert "Second by second" in titles
    assert "Beside the runs before" in titles
    drawn = shown.find_elements(By.TAG_NAME, "svg")
    assert len(drawn) == 6
    width = shown.execute_script("return document.documentElement.clientWidth")
    for plot in drawn:
        assert plot.size["height"] > 100
        assert 400 < plot.size["width"] <= width


@pytest.mark.parametrize("shown", [SLOW], indirect=True)
def test_a_regression_is_named_with_both_values(shown: Chrome) -> None:
    verdict = shown.find_element(By.CSS_SELECTOR, "#verdict.no")
    assert "p95_ms is 3000, not <= 1500" in verdict.text


@pytest.mark.parametrize("name", BROWSERS)
def test_any_of_the_browsers_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == str(tmp_path / name)


def test_missing_browser_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        RuntimeError, match=r"^No browser is installed .*; install Google Chrome, .*$"
    ):
        find_browser()
