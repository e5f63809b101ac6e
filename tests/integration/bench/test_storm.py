"""The servers of a storm: each pulls as Docker does, within its rate, also from a local S3."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from integration.bench.storm import Named, Pace, pull
from integration.clients.image_builder import MANIFESTS, digest_of
from integration.clients.registry_client import RegistryClient
from integration.local.errors import LocalCloudError


class Registry:
    """A registry of one image, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.blobs = {digest_of(data): data for data in (b"config", b"one", b"two", b"three")}
        config, *layers = self.blobs
        self.manifest = json.dumps(
            {"config": {"digest": config}, "layers": [{"digest": layer} for layer in layers]}
        ).encode()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if "Authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": "Basic"})
        name = request.url.path.rpartition("/")[2]
        if "/blobs/" in request.url.path:
            return httpx.Response(200, stream=httpx.ByteStream(self.blobs[name]))
        digest = digest_of(self.manifest)
        assert request.headers["Accept"] == MANIFESTS
        return httpx.Response(200, content=self.manifest, headers={"Docker-Content-Digest": digest})


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def client(registry: Registry) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(registry)
    with httpx.Client(base_url="https://r", transport=transport, auth=("u", "p")) as client:
        yield client


def test_a_server_pulls_as_docker_does(registry: Registry, client: httpx.Client) -> None:
    assert pull(RegistryClient(client, "a/b"), "1") == len(b"config" + b"one" + b"two" + b"three")
    assert registry.asked[:2] == ["GET /v2/", "HEAD /v2/a/b/manifests/1"]
    assert sorted(registry.asked[3:]) == sorted(
        f"GET /v2/a/b/blobs/{digest}" for digest in registry.blobs
    )


def test_a_layer_that_is_another_is_noticed(registry: Registry, client: httpx.Client) -> None:
    registry.blobs[list(registry.blobs)[2]] = b"other"
    with pytest.raises(LocalCloudError, match="Asked for sha256:"):
        pull(RegistryClient(client, "a/b"), "1")


def test_a_server_takes_no_more_than_it_may(client: httpx.Client) -> None:
    """18 bytes, of which those of the configuration come first."""
    start = time.monotonic()
    pull(RegistryClient(client, "a/b", Pace(rate=100)), "1")
    assert time.monotonic() - start >= 0.17


def test_layers_come_from_a_host_that_no_dns_knows() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "10.0.0.2":
            return httpx.Response(307, headers={"Location": "https://images.s3.example/x?sign=1"})
        return httpx.Response(200, content=b"layer")

    transport = Named({"images.s3.example": "10.0.0.9"}, httpx.MockTransport(answer))
    with httpx.Client(
        base_url="https://10.0.0.2", auth=("u", "p"), follow_redirects=True, transport=transport
    ) as client:
        assert client.get("/v2/a/blobs/x").content == b"layer"
    registry, store = asked
    assert "Authorization" in registry.headers
    assert "Authorization" not in store.headers
    assert str(store.url) == "https://10.0.0.9/x?sign=1"
    assert store.headers["Host"] == store.extensions["sni_hostname"] == "images.s3.example"
