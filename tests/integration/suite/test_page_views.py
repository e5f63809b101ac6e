"""Views of the page in a real browser, over an API that says what a registry says rarely."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from selenium.webdriver import Chrome
from werkzeug import Request, Response

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.suite.support.page_browser import Page
from tests.support.browser import start_browser

FILES = Path(__file__).parents[3] / "nginx-proxy" / "page"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
#: In the order of a registry, by their bytes.
TAGS = sorted(f"1.{number}" for number in range(60))
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
#: What a host has besides its times.
NUMBERS = ("minutes", "requests", "requests_hour", "sent", "connections")
HOST: dict[str, Any] = {
    **{name: {} for name in ("cache", "errors", "refused")},
    **dict.fromkeys(NUMBERS, 1),
    "host": "one",
    "cache_free": None,
}
#: The clock of the browser goes two hours ahead.
AHEAD = "const now = Date.now; Date.now = () => now() + 7200000"


def digest_of(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int) -> dict[str, Any]:
    config = {"mediaType": CONFIGURATION, "digest": digest_of(number), "size": 2}
    layer = {"mediaType": "layer", "digest": digest_of(7), "size": 5}
    return {"mediaType": "image", "config": config, "layers": [layer]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with start_browser() as chrome:
        yield chrome


@pytest.fixture
def page(httpserver: HTTPServer, browser: Chrome) -> Iterator[Page]:
    """Yield the page over an API without any image; a test adds responses."""

    def file(request: Request) -> Response:
        path = FILES / (request.path.removeprefix("/page/").strip("/") or "index.html")
        return Response(path.read_bytes(), mimetype=TYPES[path.suffix])

    for path in FILES.iterdir():
        httpserver.expect_request(f"/page/{path.name}").respond_with_handler(file)
    httpserver.expect_request("/").respond_with_handler(file)
    index = {"user": "alice", "readable": ["*"], "deletable": ["*"], "written": None}
    httpserver.expect_request("/page/index.json").respond_with_json(index | {"repositories": []})
    httpserver.expect_request("/v2/app/tags/list").respond_with_json({"tags": TAGS})
    url = httpserver.url_for("").rstrip("/")
    yield Page(browser, Deployment(url, "alice", "password", Path("none")))
    httpserver.clear()


@pytest.fixture
def respond(httpserver: HTTPServer) -> Callable[..., None]:
    """Let the API respond to a path below ``/v2/app/``."""

    def respond(path: str, found: object) -> None:
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        httpserver.expect_request(f"/v2/app/{path}").respond_with_data(body)

    return respond


@pytest.mark.parametrize(("spaces", "is_shown"), [(0, True), (1024 * 1024, False)])
def test_a_configuration_of_any_size_is_read_up_to_a_limit(
    page: Page, respond: Callable[..., None], spaces: int, is_shown: bool
) -> None:
    respond("manifests/1", image(1))
    content = json.dumps({"config": {"User": "the-user"}}).encode()
    respond(f"blobs/{digest_of(1)}", content + b" " * spaces)
    page.open("#/image/app:1")
    assert "1 layer" in page.text
    assert ("the-user" in page.text) == is_shown


def test_a_long_list_of_an_image_is_cut(page: Page, respond: Callable[..., None]) -> None:
    respond("manifests/1", image(1))
    labels = {f"label-{number}": "x" for number in range(1000)}
    history = [{"created_by": f"step-{number}"} for number in range(1001)]
    respond(f"blobs/{digest_of(1)}", {"config": {"Labels": labels}, "history": history})
    page.open("#/image/app:1")
    assert "and 700 more" in page.text
    assert "and 701 more" in page.text
    assert ("label-299" in page.text, "label-300" in page.text) == (True, False)


def test_images_of_an_index_need_not_be_here(page: Page, respond: Callable[..., None]) -> None:
    attestation = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    entries = [
        {"digest": digest_of(number), "platform": {"os": "linux", "architecture": f"a{number}"}}
        for number in range(100)
    ]
    respond("manifests/1", {"manifests": [*entries, {"digest": digest_of(200), **attestation}]})
    page.open("#/image/app:1")
    assert "linux/a29" in page.text
    assert "and 70 more images" in page.text
    assert "Attestation (BuildKit)" in page.text


def test_latest_images_are_compared(page: Page, respond: Callable[..., None]) -> None:
    respond("manifests/1.34", image(1))
    page.open("#/image/app:1.34")
    asked = page.browser.execute_script(
        "return performance.getEntriesByType('resource').map(one => one.name.split('/').pop())"
    )
    assert "1.59" in asked
    assert "1.9" not in asked


@pytest.mark.parametrize("character", ["\u115f", "\u3164", "\u2800", "\u034f", "\ufe0f", "\u180b"])
def test_a_character_that_cannot_be_seen_is_shown(
    page: Page, respond: Callable[..., None], character: str
) -> None:
    respond("manifests/1", image(1))
    respond(f"blobs/{digest_of(1)}", {"config": {"User": f"ro{character}ot"}})
    page.open("#/image/app:1")
    assert f"ro\\u{{{ord(character):x}}}ot" in page.text


def test_more_tags_take_the_focus(page: Page) -> None:
    page.open("#/repository/app")
    page.press("Show 25 more of 60 tags")
    assert page.browser.switch_to.active_element.text == "1.34"
    page.find("input").send_keys("1.5")
    wait_until(
        "the count", lambda: page.find("#status").get_attribute("textContent"), "11 tags found"
    )


def test_all_repositories_take_the_focus(page: Page, httpserver: HTTPServer) -> None:
    names = [f"repository-{number:03}" for number in range(201)]
    httpserver.expect_request("/v2/_catalog").respond_with_json({"repositories": names})
    page.open()
    page.press("Show all 201")
    assert page.browser.switch_to.active_element.text == names[200]


def test_a_deletion_leaves_the_focus_in_the_view(page: Page, respond: Callable[..., None]) -> None:
    respond("manifests/1.59", image(1))
    page.open("#/repository/app")
    page.press("Delete")
    page.press("Delete the tag")
    wait_until("the question to go", lambda: page.all("dialog"), [])
    assert page.browser.switch_to.active_element.get_attribute("id") == "main"


@pytest.mark.parametrize(("silent", "state"), [(60, "serves"), (600, "does not report")])
def test_a_host_is_judged_by_the_clock_of_hosts(
    page: Page, httpserver: HTTPServer, silent: int, state: str
) -> None:
    now = time.time()
    facts = [HOST | {"time": now - silent, "started": now - 3700}]
    httpserver.expect_request("/page/hosts.json").respond_with_json(facts)
    command = "Page.addScriptToEvaluateOnNewDocument"
    script = page.browser.execute_cdp_cmd(command, {"source": AHEAD})
    page.open("#/health")
    page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert state in page.find(".state").text
    assert "1 hour ago" in page.text


def test_figures_of_mirrors_are_shown_if_there_are_any(page: Page, httpserver: HTTPServer) -> None:
    times = {"time": time.time(), "started": time.time()}
    figures = {"mirrors": {"hit docker.io": 8}, "remaining": {"docker.io": 76}}
    httpserver.expect_request("/page/hosts.json").respond_with_json([HOST | times | figures])
    page.open("#/health")
    assert "8 \u00d7 hit docker.io" in page.text
    assert "76 \u00d7 docker.io" in page.text
    assert "Requests to upstreams" not in page.text


@pytest.mark.parametrize("name", ["a/../b", "a..b", "a___b", "a/-b"])
def test_an_address_names_no_other_path(page: Page, name: str) -> None:
    assert "Not found" in page.open(f"#/repository/{name}").text


def test_who_has_logged_out_sees_no_view(page: Page, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/page/logout.json").respond_with_data(status=204)
    page.open("#/repository/app")
    page.press("Log out")
    wait_until("the end of the login", lambda: "You are logged out" in page.text, True)
    page.browser.execute_script("location.hash = '#/no/such/view'")
    # Listeners run before this timer.
    page.browser.execute_async_script("setTimeout(arguments[0], 0)")
    assert "You are logged out" in page.text
