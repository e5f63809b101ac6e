"""Clients that accept every media type get a manifest as it was pushed; others what they accept."""

import json

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    describe,
    digest_of,
    encode,
)
from integration.suite.registry.test_names import push

EVERYTHING: list[list[str]] = [
    [],
    [""],
    ["*/*"],
    ["*/*;q=0.1"],
    # As containerd sends it before a push.
    [f"{DOCKER_MANIFEST}, */*"],
    [DOCKER_MANIFEST, "text/html, */*; q=0.2"],
]
everything = pytest.mark.parametrize("accept", EVERYTHING, ids=" and ".join)
reading = pytest.mark.parametrize("method", ["GET", "HEAD"])


def ask(
    deployment: Deployment, method: str, repository: str, reference: str, accept: list[str]
) -> httpx.Response:
    """Request a manifest with these ``Accept`` headers and no other."""
    with deployment.client() as client:
        request = client.build_request(method, f"/v2/{repository}/manifests/{reference}")
        others = [
            (name, value) for name, value in request.headers.multi_items() if name != "accept"
        ]
        request.headers = httpx.Headers([*others, *(("accept", value) for value in accept)])
        return client.send(request)


def push_list(deployment: Deployment, repository: str, kind: str) -> tuple[str, str]:
    """Push an image for amd64, and as ``list`` what lists it; return the digests of both."""
    image = json.loads(push(deployment, repository))
    child_kind = MANIFEST if kind == INDEX else DOCKER_MANIFEST
    child = encode({**image, "mediaType": child_kind})
    platform = {"architecture": "amd64", "os": "linux"}
    entry = describe(child_kind, child, platform=platform)
    index = encode({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]})
    with deployment.repository(repository) as client:
        digest = client.put_manifest(digest_of(child), child, child_kind)
        return digest, client.put_manifest("list", index, kind)


@reading
@everything
@pytest.mark.parametrize("kind", [DOCKER_LIST, INDEX])
def test_an_index_is_delivered_as_it_was_pushed(
    deployment: Deployment, repository: str, kind: str, accept: list[str], method: str
) -> None:
    _, digest = push_list(deployment, repository, kind)
    for reference in ("list", digest):
        response = ask(deployment, method, repository, reference, accept)
        found = (response.headers["Content-Type"], response.headers.get("Docker-Content-Digest"))
        assert (response.status_code, *found) == (200, kind, digest)
        assert method == "HEAD" or digest_of(response.content) == digest


@reading
@everything
def test_an_image_is_delivered_as_it_was_pushed(
    deployment: Deployment, repository: str, accept: list[str], method: str
) -> None:
    manifest = push(deployment, repository, "image")
    response = ask(deployment, method, repository, "image", accept)
    assert (response.status_code, response.headers["Content-Type"]) == (200, MANIFEST)
    assert response.content == (manifest if method == "GET" else b"")


@reading
def test_a_client_that_knows_no_lists_gets_the_image_for_amd64(
    deployment: Deployment, repository: str, method: str
) -> None:
    child, _ = push_list(deployment, repository, DOCKER_LIST)
    response = ask(deployment, method, repository, "list", [DOCKER_MANIFEST])
    found = (response.headers["Content-Type"], response.headers["Docker-Content-Digest"])
    assert (response.status_code, *found) == (200, DOCKER_MANIFEST, child)


@pytest.mark.parametrize("accept", [INDEX, DOCKER_MANIFEST, "application/json", "text/*"])
def test_a_client_that_knows_no_oci_manifests_gets_none(
    deployment: Deployment, repository: str, accept: str
) -> None:
    push(deployment, repository, "image")
    response = ask(deployment, "GET", repository, "image", [accept])
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
