"""Verdict about the registry: lost pushes fail, temporary refusals do not."""

import io
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import digest_of
from integration.clients.uploads import Connection, Upload, pieces
from integration.faults.api import BrokenPromise, accept, check_image, check_tag
from integration.faults.fault_clients import Clients
from integration.faults.ledger import Abandoned, Ledger, Push
from integration.faults.verification import BLOBS, broken_promises
from integration.local.cloud import LocalCloud

OLD, NEW, UNCONFIRMED, LAYER, OTHER = b"old", b"new", b"unconfirmed", b"layer", b"other layer"
GIVEN_UP = b"given up"
HOSTS = ("https://first", "https://second")
THING = "/v2/some/thing"
Answers = dict[str, tuple[int, bytes]]


def push(manifest: bytes, tag: str = "1", confirmed: float | None = 1) -> Push:
    return Push("some/thing", tag, digest_of(manifest), [digest_of(LAYER)], 0, confirmed)


def ledger() -> Ledger:
    """Return a tag pushed twice, a push without acknowledgement, and two abandoned pushes."""
    ledger = Ledger()
    for pushed in (push(OLD), push(NEW), push(UNCONFIRMED, "2", None)):
        ledger.begin(pushed)
    ledger.abandon(Abandoned("some/thing", ["manifests/gone"], [digest_of(GIVEN_UP)]))
    ledger.abandon(Abandoned("some/thing", [f"blobs/{digest_of(OTHER)}"]))
    return ledger


#: What a registry has that keeps its promises to them.
KEPT: Answers = {
    f"{THING}/manifests/1": (200, NEW),
    f"{THING}/manifests/{digest_of(OLD)}": (200, OLD),
    f"{THING}/manifests/{digest_of(NEW)}": (200, NEW),
    f"{THING}/blobs/{digest_of(LAYER)}": (200, LAYER),
    f"{THING}/tags/list": (200, b'{"tags": ["1"]}'),
}


def registry(responses: Answers) -> Callable[[httpx.Request], httpx.Response]:
    def response(request: httpx.Request) -> httpx.Response:
        status, content = responses.get(request.url.path, (404, b""))
        headers = {"Docker-Content-Digest": digest_of(content)}
        return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)

    return response


def client(responses: Answers, url: str = HOSTS[0]) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(registry(responses)), base_url=url)


def judged(second: Answers, s3: dict[str, bytes] | None = None) -> list[str]:
    """Return the verdict about two hosts, of which the second has some different responses."""
    blobs = {digest_of(data): data for data in (OLD, NEW, LAYER)} | (s3 or {})
    responses = {HOSTS[0]: KEPT, HOSTS[1]: KEPT | second}

    class NoSuchKey(Exception):
        pass

    def get_object(Key: str, **_: str) -> dict[str, Any]:
        name = f"sha256:{Key.removeprefix(BLOBS).split('/')[2]}"
        return {"Body": io.BytesIO(blobs[name])}

    store = SimpleNamespace(get_object=get_object, exceptions=SimpleNamespace(NoSuchKey=NoSuchKey))
    cloud = SimpleNamespace(
        session=SimpleNamespace(client=lambda _: store), outputs={"image_bucket": "images"}
    )
    deployment = SimpleNamespace(hosts=HOSTS, client=lambda url: client(responses[url], url))
    return broken_promises(cast(LocalCloud, cloud), cast(Deployment, deployment), ledger())


def test_a_registry_that_keeps_its_promises() -> None:
    assert judged({}) == []


def test_a_push_that_nobody_confirmed_may_be_there_if_all_of_it_is() -> None:
    assert judged({f"{THING}/manifests/{digest_of(UNCONFIRMED)}": (200, UNCONFIRMED)}) == []


def test_a_layer_that_was_given_up_may_be_there_if_all_of_it_is() -> None:
    assert judged({f"{THING}/blobs/{digest_of(GIVEN_UP)}": (200, GIVEN_UP)}) == []


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({f"{THING}/manifests/1": (200, OLD)}, f"other bytes: those of {digest_of(OLD)}"),
        ({f"{THING}/manifests/1": (200, UNCONFIRMED)}, "manifests/1 has other bytes"),
        ({f"{THING}/manifests/1": (404, b"")}, "404 for GET /v2/some/thing/manifests/1"),
        ({f"{THING}/manifests/{digest_of(OLD)}": (404, b"")}, "404 for GET"),
        ({f"{THING}/blobs/{digest_of(LAYER)}": (200, b"layre")}, "has other bytes"),
        ({f"{THING}/blobs/{digest_of(LAYER)}": (503, b"")}, "503"),
        ({f"{THING}/manifests/{digest_of(UNCONFIRMED)}": (200, b"unconf")}, "has other bytes"),
        ({f"{THING}/manifests/{digest_of(UNCONFIRMED)}": (500, b"")}, "500"),
        ({f"{THING}/manifests/gone": (200, b"manifest")}, "manifests/gone was abandoned"),
        ({f"{THING}/blobs/{digest_of(OTHER)}": (200, OTHER)}, "was abandoned, and exists"),
        ({f"{THING}/blobs/{digest_of(GIVEN_UP)}": (200, b"given")}, "has other bytes"),
        ({f"{THING}/tags/list": (200, b'{"tags": []}')}, "lists or lacks 1"),
        ({f"{THING}/tags/list": (200, b'{"tags": ["1", "3"]}')}, "lists or lacks 3"),
    ],
)  # fmt: skip
def test_what_one_host_has_wrong_is_found(second: Answers, told: str) -> None:
    found = judged(second)
    assert found
    assert all(line.startswith(HOSTS[1]) and told in line for line in found)


def test_what_s3_has_wrong_is_found() -> None:
    name = digest_of(LAYER)
    assert judged({}, {name: b"layre"}) == [f"{name} is not in S3, or has other bytes"]


def test_a_tag_shows_what_was_pushed_to_it_since() -> None:
    book = ledger()
    old, new, _ = book.pushes
    assert check_tag(client(KEPT), old, book) is new
    with pytest.raises(BrokenPromise):
        check_tag(client(KEPT | {f"{THING}/manifests/1": (200, OLD)}), new, book)


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("path", [f"manifests/{digest_of(NEW)}", f"blobs/{digest_of(LAYER)}"])
def test_refused_read_can_be_retried(path: str, status: int) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        check_image(client(KEPT | {f"{THING}/{path}": (status, b"")}), push(NEW))


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BrokenPromise), (404, BrokenPromise), (416, BrokenPromise), (429, httpx.HTTPError),
     (408, httpx.HTTPError), (500, httpx.HTTPError), (503, httpx.HTTPError)],
)  # fmt: skip
def test_a_right_request_may_be_refused_for_now_only(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        accept(client({"/v2/": (status, b"")}).put("/v2/"), 201)


@pytest.mark.parametrize("stored", ["0-0", "0-3", "0-5"])
def test_a_chunk_that_is_not_stored_is_an_upload_that_broke(stored: str) -> None:
    """distribution answers 202 to it, whatever S3 has answered."""
    headers = {"Location": "/v2/a/blobs/uploads/1", "Range": stored}
    transport = httpx.MockTransport(lambda _: httpx.Response(202, headers=headers))
    with (
        httpx.Client(transport=transport, base_url=HOSTS[0]) as asked,
        pytest.raises(httpx.RemoteProtocolError, match=f"Of 5 bytes, the registry has {stored}"),
    ):
        Upload(Connection(asked), "/v2/a/blobs/uploads/1", stored=3).patch(pieces(b"er"))


def test_no_two_pushes_have_a_byte_in_common() -> None:
    """Or the registry would have it already, and could lose the second in silence."""

    def response(request: httpx.Request) -> httpx.Response:
        stored = f"0-{len(request.read()) - 1}"
        headers = {"Location": "/v2/some/thing/blobs/uploads/1", "Range": stored}
        return httpx.Response(202, headers=headers)

    transport = httpx.MockTransport(response)
    deployment = SimpleNamespace(
        client=lambda: httpx.Client(transport=transport, base_url=HOSTS[0])
    )
    pushed = []
    for _ in range(2):
        clients = Clients(cast(Deployment, deployment), "some/thing", seed=1)
        for tag in ("1", "2"):
            clients.push("some/thing", tag, random.Random(1))  # noqa: S311
        pushed += [blob for push in clients.ledger.acknowledged for blob in push.blobs]
    assert len(pushed) == len(set(pushed)) == 8
