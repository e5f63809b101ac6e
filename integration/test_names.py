"""Names and tags at their limits, and what is none of either."""

import hashlib
import json

import httpx
import pytest

from integration.deployment import Deployment
from integration.images import MANIFEST
from integration.uploads import Upload

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
LONGEST_NAME, LONGEST_TAG = 255, 128
KIND = {"Content-Type": MANIFEST, "Accept": MANIFEST}
EMPTY = b"{}"
DIGEST = "sha256:" + hashlib.sha256(EMPTY).hexdigest()
PART = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": DIGEST, "size": len(EMPTY)}
MANIFEST_OF_NOTHING = {"schemaVersion": 2, "mediaType": MANIFEST, "config": PART, "layers": [PART]}


def push(deployment: Deployment, repository: str, *tags: str, **more: object) -> bytes:
    """Push the smallest image under each tag; return its manifest."""
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, EMPTY)
    upload.finish(deployment.url, EMPTY)
    manifest = json.dumps({**MANIFEST_OF_NOTHING, **more}).encode()
    with deployment.client() as client:
        for tag in tags:
            path = f"/v2/{repository}/manifests/{tag}"
            client.put(path, content=manifest, headers=KIND).raise_for_status()
    return manifest


@pytest.mark.parametrize(
    "tag", ["x" * LONGEST_TAG, "_", "A.b-c_d", "1..2"], ids=["longest", "_", "signs", "dots"]
)
def test_a_tag_within_the_limits(deployment: Deployment, repository: str, tag: str) -> None:
    manifest = push(deployment, repository, tag)
    with deployment.client() as client:
        assert client.get(f"/v2/{repository}/manifests/{tag}", headers=KIND).content == manifest
        assert client.get(f"/v2/{repository}/tags/list").json()["tags"] == [tag]


def test_the_longest_name(deployment: Deployment, repository: str) -> None:
    name = repository + "/" + "n" * (LONGEST_NAME - len(repository) - 1)
    manifest = push(deployment, name, "1")
    with deployment.client() as client:
        assert client.get(f"/v2/{name}/manifests/1", headers=KIND).content == manifest


def test_a_name_that_is_too_long(deployment: Deployment, repository: str) -> None:
    # Debian's 2.8.3 and 3.1.1 do not count the first part: it could be the domain of a registry.
    name = repository + "/" + "n" * LONGEST_NAME
    with deployment.client() as client:
        answer = client.post(f"/v2/{name}/blobs/uploads/")
    assert answer.is_error
    assert name in answer.text


@pytest.mark.parametrize(
    "tag",
    ["x" * (LONGEST_TAG + 1), ".a", "-a", "a+b", "%C3%BC", "a%20b", "%2e%2e", "a:b"],
    ids=ascii,
)
def test_what_is_no_tag(deployment: Deployment, repository: str, tag: str) -> None:
    manifest = push(deployment, repository, "1")
    answer = ask(deployment, "PUT", f"/v2/{repository}/manifests/{tag}", content=manifest)
    assert answer.is_error
    with deployment.client() as client:
        assert client.get(f"/v2/{repository}/tags/list").json()["tags"] == ["1"]


@pytest.mark.parametrize(
    "name",
    ["a..b", "..", ".", "a/../b", "%2e%2e/b", "a//b", "a%2Fb", "-a", "a___b", "%C3%BC", "a b"],
    ids=ascii,
)
def test_what_is_no_name(deployment: Deployment, repository: str, name: str) -> None:
    path = f"/v2/{repository}/{name}/blobs/uploads/".replace(" ", "%20")
    answer = ask(deployment, "POST", path, content=b"")
    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("path", ["/v2/a%20b/tags/list", "/v2/a/../b/tags/list", "/v2//tags/list"])
def test_a_path_that_can_be_read_in_two_ways_gets_the_answer_of_a_registry(
    deployment: Deployment, path: str
) -> None:
    answer = ask(deployment, "GET", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


def ask(deployment: Deployment, method: str, path: str, content: bytes = b"") -> httpx.Response:
    """Ask for a path as it is: httpx by itself would resolve ``..``."""
    target = {"target": path.encode()}
    with deployment.client() as client:
        return client.request(method, "/", content=content, headers=KIND, extensions=target)


def test_an_artifact_that_refers_to_an_image(deployment: Deployment, repository: str) -> None:
    image = push(deployment, repository, "image")
    subject = {
        "mediaType": MANIFEST,
        "digest": "sha256:" + hashlib.sha256(image).hexdigest(),
        "size": len(image),
    }
    kind = "application/vnd.example.sbom.v1"
    artifact = push(deployment, repository, "artifact", artifactType=kind, subject=subject)
    with deployment.client() as client:
        answer = client.get(f"/v2/{repository}/manifests/artifact", headers=KIND)
        assert (answer.content, answer.json()["subject"]) == (artifact, subject)
        # distribution lists nothing that refers to an image; clients then use a tag.
        assert client.get(f"/v2/{repository}/referrers/{subject['digest']}").status_code == 404
