"""Malformed requests get an error in the registry's format, which tells nothing of its insides."""

import json
import time

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import CONFIG, INDEX, MANIFEST, describe, digest_of

ZEROS = "0" * 64


def body(response: bytes) -> dict[str, object]:
    """Return the only error of a response, which has one body and no more."""
    _, _, content = response.partition(b"\r\n\r\n")
    start, end = content.index(b"{"), content.rindex(b"}") + 1
    (error,) = json.loads(content[start:end])["errors"]
    assert isinstance(error, dict)
    return error


def send(deployment: Deployment, text: str) -> bytes:
    """Send a request as it is; return the response until nginx closes the connection."""
    return deployment.exchange(text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("known", [True, False], ids=["known", "stranger"])
@pytest.mark.parametrize(
    "target",
    [
        "PATCH /v2/a/blobs/uploads/1",
        "POST /v2/a/blobs/uploads/",
        "PUT /v2/",
        "POST /x",
        "POST /ssl",
    ],
)
@pytest.mark.parametrize("chunks", ["zz\nabc\n", "3\nabc\nzz\n"], ids=["first", "second"])
def test_an_invalid_chunk(deployment: Deployment, target: str, known: bool, chunks: str) -> None:
    login = f"\nAuthorization: {deployment.authorization}" if known else ""
    header = f"{target} HTTP/1.1\nHost: registry{login}\nTransfer-Encoding: chunked\n\n"
    response = send(deployment, header + chunks)
    assert (response.split()[1], body(response)["code"]) == (b"400", "UNSUPPORTED")


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("GET /v2/ HTTP/2.0\n\n", b"505", "UNSUPPORTED"),
        ("GET /v2/ HTTP/1.1\nHost: a\nTransfer-Encoding: gzip\n\n", b"501", "UNSUPPORTED"),
        (f"GET /v2/{'x' * 9000} HTTP/1.1\nHost: a\n\n", b"414", "SIZE_INVALID"),
    ],
    ids=["version", "encoding", "URI"],
)
def test_what_nginx_does_not_speak(
    deployment: Deployment, text: str, status: bytes, code: str
) -> None:
    response = send(deployment, text)
    error = body(response)
    assert (response.split()[1], error["code"]) == (status, code)
    assert error["message"] != "the proxy failed to respond to this request"


@pytest.mark.parametrize("given", ["x-y", "bytes 0-2/3", f"0-{'9' * 20}"])
def test_a_chunk_with_a_malformed_range_is_refused(
    deployment: Deployment, repository: str, given: str
) -> None:
    with deployment.repository(repository) as client:
        upload = client.begin()
        headers = {"Content-Range": given}
        response = client.http.patch(upload.location, content=b"abc", headers=headers)
        error = response.json()["errors"][0]["code"]
        assert (response.status_code, error) == (416, "RANGE_INVALID")
        # The upload continues.
        upload.patch(b"abc")
        upload.finish(digest_of(b"abc"))


def test_a_chunk_may_have_any_content_type(deployment: Deployment, repository: str) -> None:
    headers = {"Content-Type": "text/plain"}
    with deployment.repository(repository) as client:
        upload = client.begin()
        response = client.http.patch(upload.location, content=b"abc", headers=headers)
    assert (response.status_code, response.headers["Range"]) == (202, "0-2")


#: A layer that is elsewhere, which the registry does not allow unless it is told to.
FOREIGN = {
    "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "digest": f"sha256:{ZEROS}",
    "size": 1,
    "urls": ["https://example.com/layer"],
}
IMAGE = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {**IMAGE, "schemaVersion": 1},
        {"mediaType": INDEX, "manifests": []},
        {**IMAGE, "layers": [FOREIGN]},
        {**IMAGE, "layers": [{**FOREIGN, "digest": "sha256:x"}]},
        {**IMAGE, "layers": [{**FOREIGN, "digest": f"md5:{ZEROS[:32]}"}]},
    ],
    ids=["nothing", "version", "index", "URL", "length", "algorithm"],
)
def test_a_manifest_that_is_none_is_refused(
    deployment: Deployment, repository: str, manifest: dict[str, object]
) -> None:
    deployment.push_blob(repository, b"{}")
    config = describe(CONFIG, b"{}")
    kind = manifest.get("mediaType", MANIFEST)
    content = {**manifest, "config": config} if "layers" in manifest else manifest
    with deployment.client() as client:
        response = client.put(
            f"/v2/{repository}/manifests/1", json=content, headers={"Content-Type": str(kind)}
        )
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "MANIFEST_INVALID")
    assert_clean(response)


# nginx would write manifests in chunks of a few bytes to the folder of the private key.
@pytest.mark.parametrize(
    ("chunked", "refusal"),
    [(True, (400, "MANIFEST_INVALID")), (False, (413, "SIZE_INVALID"))],
    ids=["chunked", "length"],
)
def test_a_manifest_above_the_limit_is_refused(
    deployment: Deployment, repository: str, chunked: bool, refusal: tuple[int, str]
) -> None:
    content = json.dumps({**IMAGE, "annotations": {"a": "x" * 4 * 1024**2}}).encode()
    sent = iter([content[:1000], content[1000:]]) if chunked else content
    with deployment.client() as client:
        response = client.put(f"/v2/{repository}/manifests/1", content=sent)
    assert (response.status_code, response.json()["errors"][0]["code"]) == refusal


@pytest.mark.parametrize(
    "path",
    [
        "manifests/sha256:x",
        f"manifests/md5:{'0' * 32}",
        f"manifests/sha256:{'A' * 64}",
        "manifests/a+b:123",
        f"manifests/{'x' * 129}",
        "blobs/uploads/a=b",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_that_nothing_can_have(
    deployment: Deployment, repository: str, method: str, path: str
) -> None:
    with deployment.client() as client:
        response = client.request(method, f"/v2/{repository}/{path}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "UNSUPPORTED")


def test_a_long_path_takes_no_time(deployment: Deployment) -> None:
    number, seconds = 50, 0.0
    request = f"GET /v2/{'x' * 7000}/manifests/1 HTTP/1.1\r\nHost: registry\r\n\r\n"
    for _ in range(number):
        with deployment.connect() as client:
            begun = time.monotonic()
            client.sendall(request.encode())
            assert client.recv(10_000).startswith(b"HTTP/1.1 400")
            seconds += time.monotonic() - begun
    # The square of the length takes half a second for each request, in a worker that others share.
    assert seconds < number * 0.05


@pytest.mark.parametrize("last", ["%00", "a%00b", "%0A", "%FF", "%7F", "x" * 2000])
def test_a_list_begins_behind_any_text(deployment: Deployment, last: str) -> None:
    with deployment.client() as client:
        assert client.get(f"/v2/_catalog?last={last}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("DELETE", "manifests/none", {}),
        ("GET", f"referrers/sha256:{ZEROS}", {}),
        ("GET", "blobs/x", {}),
        ("GET", f"blobs/sha256:{ZEROS}", {"Host": '"'}),
    ],
    ids=["S3", "Go's router", "no digest", "Go's server"],
)
def test_insides_stay_inside(
    deployment: Deployment, repository: str, method: str, path: str, headers: dict[str, str]
) -> None:
    with deployment.client() as client:
        response = client.request(method, f"/v2/{repository}/{path}", headers=headers)
    assert_clean(response)


def assert_clean(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json()["errors"][0]["code"]
    assert "s3aws" not in response.text
    assert "docker/registry" not in response.text
