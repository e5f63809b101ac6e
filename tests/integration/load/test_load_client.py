"""The client of the load against a registry that does what a test wants."""

import json
from collections.abc import Iterator

import gevent
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from integration.clients.image_builder import Image, digest_of
from integration.clients.registry_client import RegistryClient
from integration.load.pull_client import Client, trust

REPOSITORY = "load/app"
Record = tuple[str, str, int, str]


class Registry:
    """Serves one image; notes what is asked, and with which password."""

    def __init__(self, server: HTTPServer, image: Image) -> None:
        self.asked: list[tuple[str, bool]] = []
        self._server = server
        self._image = image
        self.spoilt = ""
        server.expect_request("/v2/").respond_with_handler(self._version)
        path = f"/v2/{REPOSITORY}/manifests/1"
        server.expect_request(path).respond_with_handler(self._manifest)
        self._blob(json.loads(image.manifest)["config"]["digest"], image.config)
        for layer in image.layers:
            self._blob(layer.digest, b"".join(layer.chunks()))

    def _version(self, request: Request) -> Response:
        self.asked.append((request.path, request.authorization is not None))
        return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    def _manifest(self, request: Request) -> Response:
        self.asked.append((request.path, request.authorization is not None))
        manifest = self._image.manifest
        return Response(manifest, headers={"Docker-Content-Digest": digest_of(manifest)})

    def _blob(self, digest: str, data: bytes) -> None:
        def redirect(request: Request) -> Response:
            self.asked.append(("blob", request.authorization is not None))
            where = f"http://127.0.0.1:{self._server.port}/store/{digest}"
            return Response(status=307, headers={"Location": where})

        def store(request: Request) -> Response:
            self.asked.append(("store", request.authorization is not None))
            return Response(data[::-1] if digest == self.spoilt else data)

        path = f"/v2/{REPOSITORY}/blobs/{digest}"
        self._server.expect_request(path).respond_with_handler(redirect)
        self._server.expect_request(f"/store/{digest}").respond_with_handler(store)


@pytest.fixture
def image() -> Image:
    return Image.from_seed(REPOSITORY, "1", [200_000, 10, 70_000, 5], "a")


@pytest.fixture
def registry(httpserver: HTTPServer, image: Image) -> Registry:
    return Registry(httpserver, image)


@pytest.fixture
def records() -> list[Record]:
    return []


@pytest.fixture
def client(httpserver: HTTPServer, records: list[Record]) -> Iterator[Client]:
    def record(kind: str, name: str, seconds: float, size: int, error: Exception | None) -> None:
        assert seconds > 0
        records.append((kind, name, size, str(error or "")))

    # localhost, so that the store at 127.0.0.1 is another host.
    url = f"http://localhost:{httpserver.port}"
    with Client(url, ("ci", "secret"), trust(None), record) as client:
        yield client


def test_a_pull_is_challenge_manifest_config_and_layers(
    registry: Registry, client: Client, records: list[Record], image: Image
) -> None:
    client.pull(REPOSITORY, "1")
    assert [name for _, name, _, _ in records] == [
        *("challenge", "manifest", "redirected config", *(["redirected layer"] * 4), "image"),
    ]
    whole = sum(layer.size for layer in image.layers) + len(image.config)
    assert records[-1] == ("PULL", "image", whole, "")
    assert registry.asked[0] == ("/v2/", False)
    assert registry.asked[1][1]


def test_what_the_registry_sends_itself_has_another_name(
    registry: Registry, httpserver: HTTPServer, client: Client, records: list[Record], image: Image
) -> None:
    assert registry.asked == []
    path = f"/v2/{REPOSITORY}/blobs/{digest_of(image.config)}"
    httpserver.clear_all_handlers()
    httpserver.expect_request(path).respond_with_data(image.config)
    client.repository(REPOSITORY).blob(digest_of(image.config), "config")
    assert records == [("GET", "config", len(image.config), "")]


def test_the_store_behind_a_redirect_gets_no_password(registry: Registry, client: Client) -> None:
    client.pull(REPOSITORY, "1")
    assert {request for request in registry.asked if request[0] in ("blob", "store")} == {
        ("blob", True),
        ("store", False),
    }


def test_a_wrong_byte_fails_the_pull(
    registry: Registry, client: Client, records: list[Record], image: Image
) -> None:
    registry.spoilt = image.layers[2].digest
    client.pull(REPOSITORY, "1")
    kind, _, _, error = records[-1]
    assert (kind, error) == ("PULL", "layer: 70000 bytes without the requested digest")


def test_a_missing_image_fails_the_pull(
    registry: Registry, client: Client, records: list[Record]
) -> None:
    assert registry.asked == []
    client.pull(REPOSITORY, "2")
    assert "manifest" in records[-1][3] or "status" in records[-1][3]
    assert records[-1][0] == "PULL"


@pytest.mark.parametrize(
    ("response", "headers", "problem"),
    [
        (b"{}", {}, "'Docker-Content-Digest'"),
        (b"<html>", {"Docker-Content-Digest": digest_of(b"<html>")}, "Expecting value"),
        (b"[]", {"Docker-Content-Digest": digest_of(b"[]")}, "list indices must be integers"),
        (b"{}", {"Docker-Content-Digest": digest_of(b"{}")}, "'config'"),
    ],
    ids=["no digest", "no JSON", "a list", "an empty manifest"],
)
def test_a_manifest_that_makes_no_sense_fails_the_pull(
    registry: Registry,
    httpserver: HTTPServer,
    client: Client,
    records: list[Record],
    response: bytes,
    headers: dict[str, str],
    problem: str,
) -> None:
    assert registry.asked == []
    path = f"/v2/{REPOSITORY}/manifests/2"
    httpserver.expect_request(path).respond_with_data(response, headers=headers)
    client.pull(REPOSITORY, "2")
    kind, name, _, error = records[-1]
    assert (kind, name) == ("PULL", "image")
    assert problem in error


def test_a_push_to_nowhere_has_failed(
    httpserver: HTTPServer, client: Client, records: list[Record], image: Image
) -> None:
    """Begin an upload whose response has no location."""
    httpserver.expect_request("/v2/").respond_with_data(
        status=401, headers={"WWW-Authenticate": "Basic"}
    )
    uploads = f"/v2/{REPOSITORY}/blobs/uploads/"
    httpserver.expect_request(uploads, "POST").respond_with_data(status=202)
    for layer in image.layers:
        path = f"/v2/{REPOSITORY}/blobs/{layer.digest}"
        httpserver.expect_request(path, "HEAD").respond_with_data(status=404)
    client.push(image)
    assert records[-1] == ("PUSH", "image", 0, "'Location'")


def test_a_pull_that_is_ended_in_the_middle_is_unfinished(
    client: Client, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RegistryClient, "challenge", lambda _: gevent.sleep(60))
    pull = gevent.spawn(client.pull, REPOSITORY, "1")
    gevent.sleep(0.01)
    assert records == []
    pull.kill()
    assert records == [("PULL", "unfinished", 0, "under way when the run ended")]


def test_layers_come_three_at_a_time(
    registry: Registry, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.asked == []
    going: list[str] = []
    most = []

    def blob(_client: RegistryClient, _digest: str, name: str = "layer") -> int:
        going.append(name)
        most.append(going.count("layer"))
        gevent.sleep(0.01)
        going.remove(name)
        return 1

    monkeypatch.setattr(RegistryClient, "blob", blob)
    client.pull(REPOSITORY, "1")
    assert max(most) == 3
