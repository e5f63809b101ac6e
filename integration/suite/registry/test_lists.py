"""Lists of tags and repositories: complete, in order, page by page, with every registry."""

import os
from collections.abc import Iterator

import httpx
import pytest

from integration.clients.deployment import Deployment, request_head
from integration.suite.registry.test_names import KIND, push

# Distribution issue 4891: with S3, versions 3.1.0 and 3.1.1 list no tag that begins with another.
TAGS = ["1", "2", *map(str, range(10, 20)), "0.1.2", "0.1.20", "v1", "v10", "all", "allp"]
# Issue 4903: versions from 3.0.0 on lose repositories between pages of the catalog.
NAMES = ["math", "math-voila", "math.2", "math/0", "math/voila", "math_2", "math0"]


@pytest.fixture
def client(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.client() as client:
        yield client


def pages(client: httpx.Client, path: str, listed: str) -> Iterator[list[str]]:
    """Follow a list from page to page, as far as 100 of them."""
    for _ in range(100):
        response = client.get(path).raise_for_status()
        yield response.json()[listed]
        if "next" not in response.links:
            return
        path = response.links["next"]["url"]
    pytest.fail(f"{path} never ends")


def test_all_tags_are_listed_with_any_size_of_page(
    deployment: Deployment, client: httpx.Client, repository: str
) -> None:
    push(deployment, repository, *TAGS)
    path = f"/v2/{repository}/tags/list"
    assert client.get(path).json() == {"name": repository, "tags": sorted(TAGS)}
    for n in range(1, 101):
        found = list(pages(client, f"{path}?n={n}", "tags"))
        assert [tag for page in found for tag in page] == sorted(TAGS), n
        assert {len(page) for page in found[:-1]} <= {n}


def test_a_list_of_tags_begins_after_last(
    deployment: Deployment, client: httpx.Client, repository: str
) -> None:
    push(deployment, repository, *TAGS)
    path = f"/v2/{repository}/tags/list"
    assert client.get(path, params={"last": "19"}).json()["tags"] == [
        "2",
        "all",
        "allp",
        "v1",
        "v10",
    ]
    assert client.get(path, params={"last": "all-", "n": 1}).json()["tags"] == ["allp"]
    assert client.get(path, params={"last": "z"}).json()["tags"] == []


@pytest.mark.parametrize("n", range(1, 9))
def test_the_catalog_lists_each_repository_once(
    deployment: Deployment, client: httpx.Client, repository: str, n: int
) -> None:
    wanted = sorted(f"{repository}/{name}" for name in NAMES)
    for name in wanted:
        push(deployment, name, "1")
    found = [
        name
        for page in pages(client, f"/v2/_catalog?n={n}&last={repository}", "repositories")
        for name in page
    ]
    assert [name for name in found if name.startswith(f"{repository}/")] == wanted
    assert found == sorted(set(found))


def test_an_unknown_repository_has_no_list(client: httpx.Client, repository: str) -> None:
    response = client.get(f"/v2/{repository}/tags/list")
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "NAME_UNKNOWN"
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_repository_whose_tags_are_deleted_has_an_empty_list(
    deployment: Deployment, client: httpx.Client, repository: str
) -> None:
    push(deployment, repository, "1")
    path = f"/v2/{repository}/manifests/1"
    digest = client.head(path, headers=KIND).headers["Docker-Content-Digest"]
    client.delete(f"/v2/{repository}/manifests/{digest}").raise_for_status()
    response = client.get(f"/v2/{repository}/tags/list")
    assert (response.status_code, response.json().get("tags")) == (200, [])


@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/{}/tags/list"])
def test_a_number_above_the_maximum_is_capped(
    deployment: Deployment, client: httpx.Client, repository: str, path: str
) -> None:
    push(deployment, repository, "1")
    for n in (1001, 10_001, 10**20):
        assert client.get(path.format(repository), params={"n": n}).status_code == 200


@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/a/tags/list"])
@pytest.mark.parametrize("n", ["-1", "x", "1.5"])
def test_invalid_n_is_refused(client: httpx.Client, path: str, n: str) -> None:
    response = client.get(path, params={"n": n})
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "PAGINATION_NUMBER_INVALID"


def test_a_pushed_tag_is_listed_at_once_by_each_host(
    deployment: Deployment, repository: str
) -> None:
    tag = os.urandom(3).hex()
    push(deployment, repository, tag)
    for url in deployment.hosts or [deployment.url]:
        with deployment.client(url) as client:
            assert client.get(f"/v2/{repository}/tags/list").json()["tags"] == [tag]


@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/{}/tags/list", "/page/index.json"])
def test_nothing_waits_for_a_body(deployment: Deployment, repository: str, path: str) -> None:
    """Send no body: nginx would write a large one to the folder of the private key."""
    deployment.push_blob(repository, b"layer")
    authorization = f"Authorization: {deployment.authorization}"
    headers = ("Content-Length: 1000", "Connection: close", authorization)
    request = request_head(f"GET {path.format(repository)} HTTP/1.1", *headers)
    assert deployment.exchange(request).split()[1] == b"200"
