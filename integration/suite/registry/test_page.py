"""The page in a real browser: every view, few rights, hostile texts, a host that is down."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from selenium.webdriver.common.keys import Keys

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry, operator, program
from integration.suite.support.configuration_files import PERMISSIONS, ConfigurationFiles
from integration.suite.support.image_bucket import ROOT, ImageBucket
from integration.suite.support.page_browser import PHONE, Page
from integration.suite.support.page_images import LONGEST, LONGEST_TAG, MARKUP, Pusher
from integration.suite.support.registry_version import RegistryVersion
from integration.suite.support.reporting import Figure
from tests.support.browser import start_browser

ACCOUNTS = """
demo      delete  *
team      push    page-a/*
newcomer  push    page-new/*
"""
USERS = ("team", "newcomer", "nobody")
#: By view what a reader of it sees.
VIEWS = {
    "#/": ["page-a/app", "page-b/", "Tags, sizes and dates are from"],
    "#/repository/page-a/app": ["2.0.0", "linux/amd64", "linux/arm64", "tags of signatures"],
    "#/image/page-a/app:2.0.0": ["Images of this index", "Attestation (BuildKit)", "slsa.dev"],
    "#/image/page-a/app:1.0.0": [
        *("2 layers", "only", "COPY app /bin/app", "payments", "PATH=/bin"),
        *("Signature (cosign)", "application/spdx+json", "docker pull"),
    ],
    "#/image/page-a/app:bom": ["Artifact", "application/spdx+json"],
    "#/image/page-b/hostile:hostile": ["img src=x", "\\u{202e}"],
    "#/repository/page-b/hostile": [LONGEST_TAG],
    "#/health": ["2 hosts", "Certificate until", "Running since"],
    "#/no/such/view": ["Not found"],
}
Open = Callable[[str], Page]


@pytest.fixture(scope="module", autouse=True)
def _accounts(registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    configuration = ConfigurationFiles(registry, tmp_path_factory.mktemp("files"))
    for name in USERS:
        configuration.add_user(name, f"password of {name}")
    (configuration.folder / PERMISSIONS).write_text(ACCOUNTS)
    configuration.publish()
    yield
    configuration.restore()


def write_index(cloud: LocalCloud) -> None:
    """Write the index as an operator does, instead of waiting for a host."""
    bucket = cloud.outputs["image_bucket"]
    program("usage", "--bucket", bucket, "--index", environment=operator(cloud.emulator))


@pytest.fixture(scope="module", autouse=True)
def _images(registry: LocalRegistry, _accounts: None) -> None:
    deployment = registry.deployment
    app = Pusher(deployment, "page-a/app")
    app.sign(app.image("1.0.0"))
    app.index("2.0.0")
    Pusher(deployment, "page-b/other").image("1")
    hostile = Pusher(deployment, "page-b/hostile")
    hostile.sign(hostile.hostile("hostile"))
    hostile.hostile(LONGEST_TAG)
    Pusher(deployment, LONGEST).image("1")
    write_index(registry.cloud)


@pytest.fixture(scope="module")
def login(registry: LocalRegistry) -> Iterator[Open]:
    """Return the page as a user sees it."""
    pages: dict[str, Page] = {}
    with ExitStack() as stack:

        def login(name: str) -> Page:
            if name not in pages:
                deployment = registry.deployment
                if name != deployment.username:
                    password = f"password of {name}"
                    deployment = dataclasses.replace(deployment, username=name, password=password)
                browser = stack.enter_context(start_browser("ignore-certificate-errors"))
                pages[name] = Page(browser, deployment)
                pages[name].log_in()
            return pages[name]

        yield login


@pytest.fixture
def page(login: Open) -> Page:
    """Return the page as a user with all rights sees it."""
    return login("demo")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_complete_and_accessible(page: Page, view: str) -> None:
    page.errors()
    page.origins()
    page.open(view)
    for text in VIEWS[view]:
        assert text in page.text
    assert page.violations() == []
    assert page.errors() == []
    assert page.origins() <= {page.deployment.url, "about://"}
    assert not page.open(view, PHONE).is_too_wide()


def test_a_tree_is_opened_and_searched_by_keyboard(page: Page) -> None:
    page.open()
    (summary,) = [entry for entry in page.all("summary") if entry.text.startswith("page-b/")]
    summary.send_keys(Keys.ENTER)
    wait_until("the prefix to open", lambda: "hostile" in page.text, True)
    search = page.find("#search")
    search.send_keys("age-a/AP")
    assert [entry.text for entry in page.all(".tree a")] == ["page-a/app"]
    page.find(".tree a").send_keys(Keys.ENTER)
    page.wait_for("#/repository/page-a/app")


@pytest.mark.parametrize("view", ["#/image/page-b/hostile:hostile", "#/repository/page-b/hostile"])
def test_text_is_never_markup(page: Page, view: str) -> None:
    page.open(view)
    assert page.all("main img, main script") == []
    assert "taken" not in page.browser.title
    if ":" in view:
        # Escaped, not obeyed and not left out.
        assert MARKUP in page.text, "the page does not show the text as it is"
        assert "safe\\u{202e}gnp.exe\\u{2066}\\u{200b}" in page.text
    assert not {"\u202e", "\u2066", "\u200b"} & set(page.text)


def test_the_longest_name_leads_to_its_images(page: Page) -> None:
    page.open(f"#/image/{LONGEST}:1", PHONE)
    assert f"/{LONGEST}:1" in page.text
    assert not page.is_too_wide()


def test_a_user_sees_the_own_repositories_only(login: Open) -> None:
    page = login("team").open()
    with page.deployment.client() as client:
        index = client.get("/page/index.json").json()
        assert client.get("/page/hosts.json").status_code == 403
    known = [entry["name"] for entry in index["repositories"]]
    assert known == ["page-a/app"], f"the page knows what may not be pulled: {known}"
    assert [entry.text for entry in page.all(".tree a")] == ["page-a/app"]
    assert "page-b" not in page.browser.page_source
    assert not page.find("#health").is_displayed()
    page.open("#/image/page-a/app:1.0.0")
    assert "payments" in page.text
    assert "Delete" not in page.text
    for view in ("#/repository/page-b/other", "#/health", "#/image/page-b/other:1"):
        assert "403" in page.open(view).text


@pytest.mark.parametrize(
    ("user", "text"), [("newcomer", "No repositories yet"), ("nobody", "may not pull from any")]
)
def test_there_may_be_nothing_to_see(login: Open, user: str, text: str) -> None:
    page = login(user)
    page.errors()
    assert text in page.open().text
    assert page.violations() == []
    assert page.errors() == []


@pytest.mark.parametrize(
    "path", ["/", "/page/main.js", "/page/icon.svg", "/page/index.json", "/page/hosts.json"]
)
def test_without_a_login_there_is_no_page(deployment: Deployment, path: str) -> None:
    with deployment.client(anonymous=True) as client:
        response = client.get(path)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers
    assert response.json()["errors"][0]["code"] == "UNAUTHORIZED"


def test_the_page_has_files_of_its_own_only(deployment: Deployment) -> None:
    with deployment.client() as client:
        for path in ("/page/", "/page/nothing.js", "/page/../nginx.conf", "/page/a/b.js"):
            assert client.get(path).status_code == 404
        refused = client.post("/page/index.json")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
        policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("own", "site", "status"),
    [(True, "", 202), (False, "same-origin", 202), (False, "cross-site", 403), (False, "", 403)],
    # The second is behind a load balancer that changes the host.
    ids=["own", "forwarded", "cross", "other"],
)
def test_a_page_of_another_origin_cannot_write_with_the_login_of_the_browser(
    deployment: Deployment, own: bool, site: str, status: int
) -> None:
    origin = deployment.url if own else "https://evil.example.com"
    headers = {"Origin": origin, "Sec-Fetch-Site": site}
    with deployment.client() as client:
        response = client.post("/v2/page-c/app/blobs/uploads/", headers=headers)
    assert response.status_code == status


def test_a_tag_is_deleted_in_two_steps(page: Page, registry_version: RegistryVersion) -> None:
    Pusher(page.deployment, "page-c/app").image("old")
    view = "#/image/page-c/app:old"
    page.open(view)
    page.press("Delete this tag")
    assert "page-c/app:old" in page.find("dialog").text
    assert page.violations() == []
    page.find("dialog").send_keys(Keys.ESCAPE)
    wait_until("the question to go", lambda: page.all("dialog"), [])
    with page.deployment.repository("page-c/app") as client:
        assert client.tags() == ["old"]
        page.press("Delete this tag")
        page.press("Delete the tag")
        if registry_version.facts.deletes_tags:
            page.wait_for("#/repository/page-c/app")
            assert "This repository has no tags." in page.text
            assert client.tags() == []
        else:
            wait_until("the refusal", lambda: "version 3" in page.find("dialog").text, True)
            assert client.tags() == ["old"]
            page.press("Cancel")


def test_a_host_that_is_down_is_shown(page: Page, image_bucket: ImageBucket) -> None:
    with page.deployment.client() as client:
        facts = client.get("/page/hosts.json").json()[0]
    # What a host that was killed leaves.
    gone = facts | {"host": "gone", "time": time.time() - 300, "errors": {"503 blob": 12}}
    where = {"Bucket": image_bucket.name, "Key": "page/hosts/gone.json"}
    image_bucket.client.put_object(**where, Body=json.dumps(gone).encode())
    try:
        page.open("#/health")
        first = page.all(".card")[0].text
        assert first.startswith("gone\n⚠ does not report")
        assert "12 \u00d7 503 blob" in first
        assert "3 hosts" in page.text
        assert page.violations() == []
    finally:
        image_bucket.client.delete_object(**where)


def test_a_thousand_repositories_take_a_few_requests(
    page: Page, cloud: LocalCloud, image_bucket: ImageBucket, figure: Figure
) -> None:
    names = [f"page-d/{number % 40}/{number}" for number in range(1000)]
    keys = [f"{ROOT}/repositories/{name}/_manifests/tags/1/current/link" for name in names]
    s3, bucket = image_bucket.client, image_bucket.name

    def put(key: str) -> None:
        s3.put_object(Bucket=bucket, Key=key, Body=b"sha256:")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, keys))
    try:
        write_index(cloud)
        log = cloud.endpoints.s3_log.from_now()
        page.open()
        figure("first paint of 1,000 repositories", paint(page), "ms")
        page.find("#search").send_keys("page-d/39/999")
        assert [entry.text for entry in page.all(".tree a")] == ["page-d/39/999"]
        # The names come at 1,000 a request; nothing else is listed.
        assert log.count()["LIST"] <= 4
    finally:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
        write_index(cloud)


def paint(page: Page) -> float:
    look = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    return float(page.browser.execute_script(look))


def test_a_user_logs_out(login: Open) -> None:
    page = login("team").open()
    page.press("Log out")
    wait_until("the end of the login", lambda: "You are logged out" in page.text, True)
    # With the old login, the browser would load it.
    page.browser.get(f"{page.deployment.url}/page/icon.svg")
    assert page.all("svg") == []
