"""Names and tags at their limits, and what is none of either."""

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MANIFEST, describe, encode, manifest_of

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
LONGEST_NAME, LONGEST_TAG = 255, 128
#: Name and tag together, by the longest key of S3: docs/proxy.md.
LONGEST = 892
KIND = {"Content-Type": MANIFEST, "Accept": MANIFEST}
EMPTY = b"{}"
EMPTY_PART = describe("application/vnd.oci.empty.v1+json", EMPTY)


def push(deployment: Deployment, repository: str, *tags: str, **more: object) -> bytes:
    """Push the smallest image under each tag; return its manifest."""
    manifest = encode(manifest_of(EMPTY_PART, [EMPTY_PART], **more))
    with deployment.repository(repository) as client:
        client.upload(EMPTY)
        for tag in tags:
            client.put_manifest(tag, manifest)
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


@pytest.mark.parametrize(
    ("first", "path", "tag"),
    [(1, LONGEST_NAME, 128), (LONGEST - LONGEST_NAME - 2, LONGEST_NAME, 1), (600, 163, 128)],
    ids=["path", "name", "tag"],
)
def test_a_first_part_of_any_length(
    deployment: Deployment, repository: str, first: int, path: int, tag: int
) -> None:
    # distribution does not count the first part: it could be the domain of a registry.
    start = repository.replace("/", "-")[-first:]
    name, tag_name = start.ljust(first, "f") + "/" + "n" * path, "t" * tag
    manifest = push(deployment, name, tag_name)
    with deployment.client() as client:
        assert client.get(f"/v2/{name}/manifests/{tag_name}").content == manifest


@pytest.mark.parametrize(
    "name",
    [
        "a/" + "n" * (LONGEST_NAME + 1),
        "n" * (LONGEST_NAME + 1),
        "a_b/" + "n" * (LONGEST_NAME - 3),
        "f" * (LONGEST - LONGEST_NAME) + "/" + "n" * LONGEST_NAME,
        "registry:5000/app",
    ],
    ids=["path", "one part", "no domain", "key of S3", "port"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "blobs/uploads/"), ("GET", "manifests/1"), ("GET", "tags/list"), ("GET", "blobs/x")],
)
def test_a_name_that_is_too_long(deployment: Deployment, name: str, method: str, path: str) -> None:
    response = ask(deployment, method, f"/v2/{name}/{path}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "NAME_INVALID")


def test_a_tag_for_which_a_name_is_too_long(deployment: Deployment) -> None:
    name = "f" * (LONGEST - LONGEST_NAME - 10) + "/" + "n" * LONGEST_NAME
    response = ask(deployment, "GET", f"/v2/{name}/manifests/{'t' * 10}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "NAME_INVALID")


@pytest.mark.parametrize(
    "tag",
    ["x" * (LONGEST_TAG + 1), ".a", "-a", "a+b", "%C3%BC", "a%20b", "%2e%2e", "a:b"],
    ids=ascii,
)
def test_what_is_no_tag(deployment: Deployment, repository: str, tag: str) -> None:
    manifest = push(deployment, repository, "1")
    response = ask(deployment, "PUT", f"/v2/{repository}/manifests/{tag}", content=manifest)
    assert response.is_error
    with deployment.client() as client:
        assert client.get(f"/v2/{repository}/tags/list").json()["tags"] == ["1"]


@pytest.mark.parametrize(
    "name",
    ["a..b", "..", ".", "a/../b", "%2e%2e/b", "a//b", "a%2Fb", "-a", "a___b", "%C3%BC", "a b"],
    ids=ascii,
)
def test_what_is_no_name(deployment: Deployment, repository: str, name: str) -> None:
    path = f"/v2/{repository}/{name}/blobs/uploads/".replace(" ", "%20")
    response = ask(deployment, "POST", path, content=b"")
    assert response.status_code == 404
    assert "Location" not in response.headers


@pytest.mark.parametrize("path", ["/v2/a%20b/tags/list", "/v2/a/../b/tags/list", "/v2//tags/list"])
def test_a_path_that_can_be_read_in_two_ways_gets_the_answer_of_a_registry(
    deployment: Deployment, path: str
) -> None:
    response = ask(deployment, "GET", path)
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/json")
    assert response.json()["errors"][0]["code"] == "UNSUPPORTED"


def ask(deployment: Deployment, method: str, path: str, content: bytes = b"") -> httpx.Response:
    """Ask for a path as it is: httpx by itself would resolve ``..``."""
    target = {"target": path.encode()}
    with deployment.client() as client:
        return client.request(method, "/", content=content, headers=KIND, extensions=target)


def test_an_artifact_that_refers_to_an_image(deployment: Deployment, repository: str) -> None:
    image = push(deployment, repository, "image")
    subject = describe(MANIFEST, image)
    kind = "application/vnd.example.sbom.v1"
    artifact = push(deployment, repository, "artifact", artifactType=kind, subject=subject)
    with deployment.client() as client:
        response = client.get(f"/v2/{repository}/manifests/artifact", headers=KIND)
        assert (response.content, response.json()["subject"]) == (artifact, subject)
        # distribution lists nothing that refers to an image; clients then use a tag.
        assert client.get(f"/v2/{repository}/referrers/{subject['digest']}").status_code == 404
