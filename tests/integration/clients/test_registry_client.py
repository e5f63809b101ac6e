"""The registry client: the requests of an upload, and responses that it does not accept."""

from collections.abc import Callable

import httpx
import pytest

from integration.clients.image_builder import digest_of
from integration.clients.registry_client import DigestMismatch, RegistryClient

UPLOADS = "/v2/a/b/blobs/uploads/"
Handler = Callable[[httpx.Request], httpx.Response]


class Registry:
    """A registry with one upload, which records the requests."""

    def __init__(self) -> None:
        self.stored = b""
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "PATCH":
            self.stored += request.read()
        last = max(len(self.stored) - 1, 0)
        headers = {"Location": f"https://first{UPLOADS}1?_state=x%2B", "Range": f"0-{last}"}
        status = {"POST": 202, "PATCH": 202, "PUT": 201, "GET": 204, "DELETE": 204}
        return httpx.Response(status[request.method], headers=headers)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def http(handler: Handler, url: str = "https://first") -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(handler), base_url=url)


def client(handler: Handler) -> RegistryClient:
    return RegistryClient(http(handler), "a/b")


def test_bytes_are_sent_as_chunks_with_their_ranges(registry: Registry) -> None:
    upload = client(registry).begin()
    upload.patch(b"12345")
    upload.patch(b"678")
    upload.finish(digest_of(registry.stored))
    _, first, second, end = registry.requests
    assert [response.headers["Content-Range"] for response in (first, second)] == ["0-4", "5-7"]
    assert end.url.params["digest"] == digest_of(b"12345678")
    assert end.url.params["_state"] == "x+"


def test_an_iterable_is_sent_as_a_stream(registry: Registry) -> None:
    upload = client(registry).begin()
    upload.patch(iter([b"12", b"3"]))
    upload.patch(iter([b"45"]), length=2)
    headers = [request.headers for request in registry.requests if request.method == "PATCH"]
    assert headers[0]["Transfer-Encoding"] == "chunked"
    assert headers[1]["Content-Length"] == "2"
    assert not any("Content-Range" in sent for sent in headers)


def test_an_upload_continues_at_the_host_of_another_client(registry: Registry) -> None:
    upload = client(registry).begin().at(http(registry, "https://second:444"))
    upload.patch(b"data")
    assert str(registry.requests[-1].url) == f"https://second:444{UPLOADS}1?_state=x%2B"


def test_a_resumed_upload_sends_the_next_range(registry: Registry) -> None:
    registry.stored = b"12345"
    upload = client(registry).begin()
    upload.resume()
    upload.patch(b"678")
    assert registry.requests[-1].headers["Content-Range"] == "5-7"


@pytest.mark.parametrize(("status", "mounted"), [(201, True), (202, False)])
def test_a_blob_that_cannot_be_mounted_is_an_upload(status: int, mounted: bool) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"mount": "sha256:x", "from": "c/d"}
        return httpx.Response(status, headers={"Location": f"{UPLOADS}1"})

    assert (client(respond).mount("sha256:x", "c/d") is None) == mounted


@pytest.mark.parametrize("reference", ["latest", digest_of(b"{}")])
def test_a_manifest_with_another_digest_is_refused(reference: str) -> None:
    named = digest_of(b"{}") if reference == "latest" else digest_of(b"[]")
    headers = {"Docker-Content-Digest": named}
    with pytest.raises(DigestMismatch, match="got 2 bytes"):
        client(lambda _: httpx.Response(200, content=b"[]", headers=headers)).manifest(reference)


@pytest.mark.parametrize("status", [401, 200, 429])
def test_a_challenge_names_how_to_log_in(status: int) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=f"status {status}"):
        client(lambda _: httpx.Response(status)).challenge()
