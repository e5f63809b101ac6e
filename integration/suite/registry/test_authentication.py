"""Nobody passes without a password, and every answer is a registry's."""

import dataclasses
from typing import Any

import httpx
import pytest

from integration.clients.deployment import ClientError, Deployment

DIGEST = "sha256:" + "0" * 64
#: Each path of the API, and the methods that it has.
API = {
    "/v2/": "GET HEAD",
    "/v2/_catalog": "GET",
    "/v2/any/tags/list": "GET",
    "/v2/any/manifests/1": "GET HEAD PUT DELETE",
    f"/v2/any/manifests/{DIGEST}": "GET HEAD PUT DELETE",
    f"/v2/any/referrers/{DIGEST}": "GET",
    f"/v2/any/blobs/{DIGEST}": "GET HEAD DELETE",
    "/v2/any/blobs/uploads/": "POST",
    f"/v2/any/blobs/uploads/?digest={DIGEST}": "POST",
    f"/v2/any/blobs/uploads/?mount={DIGEST}&from=other": "POST",
    "/v2/any/blobs/uploads/1": "GET HEAD PATCH PUT DELETE",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROUTES = [(method, path) for path, methods in API.items() for method in methods.split()]
OTHERS = [(method, path) for path in API for method in METHODS if (method, path) not in ROUTES]
VERSION = "Docker-Distribution-Api-Version"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_password(deployment: Deployment, method: str, path: str) -> None:
    with deployment.client(anonymous=True) as client:
        response = client.request(method, path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    if method != "HEAD":
        assert response.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_no_other_method_is_a_way_in(deployment: Deployment, method: str, path: str) -> None:
    with deployment.client(anonymous=True) as client:
        assert client.request(method, path).status_code == 405


# Not more: an address that tries ten in half a minute has to wait, and all tests have one.
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v2/any/manifests/1"), ("POST", "/v2/any/blobs/uploads/")]
)
def test_nothing_is_written_with_a_wrong_password(
    deployment: Deployment, method: str, path: str
) -> None:
    with dataclasses.replace(deployment, password="wrong").client() as client:
        assert client.request(method, path, content=b"{}").status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer x"])
def test_with_something_else_in_the_place_of_a_password(
    deployment: Deployment, header: str
) -> None:
    with deployment.client(anonymous=True) as client:
        response = client.get("/v2/_catalog", headers={"Authorization": header})
    assert response.status_code == 401


def test_with_the_password(deployment: Deployment) -> None:
    with deployment.client() as client:
        assert client.get("/v2/").status_code == 200


@pytest.mark.parametrize(
    "change", [{"password": "wrong"}, {"password": ""}, {"username": "nobody"}], ids=str
)
def test_with_other_credentials(deployment: Deployment, change: dict[str, Any]) -> None:
    with dataclasses.replace(deployment, **change).client() as client:
        assert client.get("/v2/").status_code == 401


def test_a_real_client_with_a_wrong_password(deployment: Deployment, repository: str) -> None:
    stranger = dataclasses.replace(deployment, password="wrong")
    with pytest.raises(ClientError, match=r"unauthorized|authentication required"):
        stranger.skopeo().digest(f"{repository}:1")


@pytest.mark.parametrize("path", ["/v2/", "/v2/_catalog", "/ssl", "/", "/v2/any/manifests/1"])
def test_every_answer_says_that_this_is_a_registry(deployment: Deployment, path: str) -> None:
    with deployment.client() as client:
        known: httpx.Response = client.get(path)
    with deployment.client(anonymous=True) as client:
        unknown = client.get(path)
    for response in (known, unknown):
        assert response.headers.get_list(VERSION) == ["registry/2.0"]


def test_the_health_check_needs_no_password(deployment: Deployment) -> None:
    with deployment.client(anonymous=True) as client:
        assert client.get("/ssl").status_code == 200


def test_there_is_nothing_but_the_registry(deployment: Deployment) -> None:
    with deployment.client() as client:
        assert client.get("/debug/vars").status_code == 404
