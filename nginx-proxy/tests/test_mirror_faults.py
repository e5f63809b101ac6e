"""The service of mirrors, with an upstream that is broken, malformed, slow or hostile."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from wharf_proxy.mirror_service import LAYERS, room_for_layers
from wharf_proxy.mirror_store import MirrorStore
from wharf_proxy.upstream import Upstream as UpstreamClient

from integration.clients.image_builder import MANIFEST
from integration.console.waiting import wait_until
from integration.local.upstream import Faults, Upstream
from tests.support.mirror_service import BUCKET, MEGABYTE, REPOSITORY, Service, keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_host_of_a_redirect_gets_no_login(
    service: Service, upstream: Upstream, tmp_path: Path
) -> None:
    image = upstream.add("library/app", "1", [b"one"])
    with Upstream("127.0.0.1").serving() as other:
        other.trust(tmp_path / "trust.pem")
        service.ask("tag", REPOSITORY, "1")  # With its token the next request has no challenge.
        upstream.faults = Faults(redirect=other.url)
        answer = service.ask("layer", REPOSITORY, image.layers[0])
        assert other.count() == {}, "the other host was asked for a token, with the login"
        assert answer.status == 503


def test_body_of_an_error_is_not_read(service: Service, upstream: Upstream) -> None:
    upstream.faults = Faults(404, error_bytes=100 * MEGABYTE)
    assert service.ask("layer", REPOSITORY, f"sha256:{'0' * 64}").status == 404
    assert upstream.sent < 50 * MEGABYTE


def test_full_disk_costs_no_pull(service: Service, upstream: Upstream) -> None:
    upstream.add("library/app", "1", [b"one"])
    service.metrics.mkdir()
    assert service.ask("tag", REPOSITORY, "1").state == "fetched"


@pytest.mark.parametrize(("hang_ups", "state"), [(1, "fetched"), (2, "failed")])
def test_request_on_a_closed_connection_is_repeated_once(
    service: Service, upstream: Upstream, hang_ups: int, state: str
) -> None:
    upstream.add("library/app", "1", [b"one"])
    upstream.faults = Faults(hang_ups=hang_ups)
    assert service.ask("tag", REPOSITORY, "1").state == state


def test_host_of_a_redirect_that_is_down_pauses_no_other_request(
    service: Service, upstream: Upstream
) -> None:
    image = upstream.add("library/app", "1", [b"one"])
    upstream.faults = Faults(redirect="https://127.0.0.1:1")
    assert service.ask("layer", REPOSITORY, image.layers[0]).status == 503
    assert service.ask("tag", REPOSITORY, "1").state == "fetched"


def test_refusal_is_no_failure_of_the_upstream(
    service: Service, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.faults = Faults(401)
    assert service.ask("tag", REPOSITORY, "1").state == "refused"
    output = capsys.readouterr().out
    assert ("mirror_refused" in output, "mirror_failed" in output) == (True, False)


def test_schema_1_is_refused(service: Service, upstream: Upstream) -> None:
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    upstream.add_content("library/app", "1", kind, b'{"schemaVersion": 1}')
    assert service.ask("tag", REPOSITORY, "1").state == "refused"


@pytest.mark.parametrize(
    "content",
    [
        b"<html>log in</html>",
        b"[]",
        b"[" * 100_000,
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}',
    ],
    ids=["page", "list", "deep", "schema", "another-type"],
)
def test_what_is_no_manifest_is_not_kept(
    service: Service, upstream: Upstream, s3: "S3Client", content: bytes
) -> None:
    upstream.add_content("library/app", "1", MANIFEST, content)
    assert service.ask("tag", REPOSITORY, "1").state == "failed"
    assert keys(s3) == set()


@pytest.mark.parametrize(
    "fault",
    [
        Faults(redirect="https://[x"),
        Faults(challenge="Bearer realm="),
        Faults(challenge='Bearer realm="https://[x"'),
        Faults(token="secret-token\n"),
    ],
    ids=["redirect", "challenge", "realm", "token"],
)
def test_malformed_header_is_a_failure(
    service: Service, upstream: Upstream, fault: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    image = upstream.add("library/app", "1", [b"one"])
    upstream.faults = fault
    assert service.ask("layer", REPOSITORY, image.layers[0]).state == "failed"
    assert "secret-token" not in capsys.readouterr().out


def test_slow_layer_fails(
    service: Service, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wharf_proxy.upstream_responses.PATIENCE", 0.0)
    image = upstream.add("library/app", "1", [os.urandom(MEGABYTE)])
    upstream.faults = Faults(bytes_a_second=20_000)
    assert service.ask("layer", REPOSITORY, image.layers[0]).state == "failed"


def test_slow_upstream_holds_up_no_other_mirror(service: Service, upstream: Upstream) -> None:
    slow = upstream.add("library/app", "1", [os.urandom(MEGABYTE) for _ in range(LAYERS + 2)])
    quick = upstream.add("app", "1", [b"one"])
    upstream.faults = Faults(bytes_a_second=MEGABYTE)
    for layer in slow.layers:
        assert not service.has_result("layer", REPOSITORY, layer)
    assert service.ask("layer", "quay.io/app", quick.layers[0], fresh=False).state == "fetched"
    assert not service.has_result("layer", REPOSITORY, slow.layers[-1])
    for layer in slow.layers:
        service.ask("layer", REPOSITORY, layer, fresh=False)


def test_layers_of_all_mirrors_share_the_memory(
    make: Callable[..., Service], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make(room=1)
    layers = {
        REPOSITORY: upstream.add("library/app", "1", [b"one"]).layers[0],
        "quay.io/app": upstream.add("app", "1", [b"two"]).layers[0],
    }
    put, begun, released = MirrorStore.put_layer, [], Event()
    has, looked_up = MirrorStore.has, []

    def has_and_record(store: MirrorStore, *link: str) -> bool:
        found = has(store, *link)
        looked_up.append(link)
        return found

    def put_later(store: MirrorStore, repository: str, digest: str, response: Any) -> int:
        begun.append(digest)
        assert released.wait(20)
        return put(store, repository, digest, response)

    monkeypatch.setattr(MirrorStore, "put_layer", put_later)
    monkeypatch.setattr(MirrorStore, "has", has_and_record)
    try:
        for repository, layer in layers.items():
            assert not service.has_result("layer", repository, layer)
        wait_until("both layers to be absent", lambda: len(looked_up), 2)
        wait_until("the first fetch", lambda: len(begun), 1)
        # A second fetch would begin within this time.
        time.sleep(0.3)
        assert len(begun) == 1
    finally:
        released.set()
    for repository, layer in layers.items():
        assert service.ask("layer", repository, layer, fresh=False).state == "fetched"


@pytest.mark.parametrize(("memory", "layers"), [(2**30, 4), (2**34, 64), (2**28, LAYERS)])
def test_layers_take_an_eighth_of_the_memory(memory: int, layers: int) -> None:
    assert room_for_layers(memory) == layers


def test_tag_that_another_host_moved_meanwhile_is_looked_up_again(
    service: Service, upstream: Upstream, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.add("library/app", "1", [b"old"])
    store, look_up = MirrorStore(s3, BUCKET), UpstreamClient.digest
    moved: list[str] = []

    def look_up_slowly(client: UpstreamClient, repository: str, tag: str) -> str | None:
        digest = look_up(client, repository, tag)
        if not moved:
            moved.append(upstream.add("library/app", "1", [b"new"]).manifest)
            store.put_tag(repository, tag, moved[0])
        return digest

    monkeypatch.setattr(UpstreamClient, "digest", look_up_slowly)
    assert service.ask("tag", REPOSITORY, "1").status == 204
    tag = store.tag(REPOSITORY, "1")
    assert tag is not None
    assert [tag[0]] == moved


def test_unchanged_tag_is_not_written_again(
    service: Service, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.add("library/app", "1", [b"one"])
    service.ask("tag", REPOSITORY, "1")
    monkeypatch.setattr(MirrorStore, "put_tag", _refuse)
    assert service.ask("tag", REPOSITORY, "1").state == "fresh"
    monkeypatch.setattr("wharf_proxy.mirror_service.UNCHANGED", timedelta(hours=-1))
    assert service.ask("tag", REPOSITORY, "1").state == "stale", "S3 refuses the new time"


def _refuse(*_: object) -> None:
    raise ClientError({"Error": {"Code": "SlowDown", "Message": "no"}}, "PutObject")
