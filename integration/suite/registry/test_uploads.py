"""Uploads that stop, go on, are given up, or say one thing and send another."""

import gzip
import json
import random
from typing import Any

import httpx
import pytest

from integration.clients.deployment import Deployment, request_head
from integration.clients.image_builder import MANIFEST, MEGABYTE, digest_of
from integration.clients.uploads import Connection, Upload
from integration.suite.support.registry_version import RegistryVersion

#: An archive of no files, packed: what Docker makes of a step that changes nothing.
EMPTY_LAYER = gzip.compress(bytes(1024), mtime=0)


def send_half(deployment: Deployment, location: str, data: bytes) -> None:
    """Announce all of the data, send the first half, and break the connection."""
    head = request_head(
        f"PATCH {httpx.URL(location).raw_path.decode()} HTTP/1.1",
        f"Authorization: {deployment.authorization}",
        f"Content-Length: {len(data)}",
        "Content-Type: application/octet-stream",
    )
    with deployment.connect() as connection:
        connection.sendall(head + data[: len(data) // 2])


def test_an_upload_goes_on_from_where_the_registry_says_that_it_is(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(3 * MEGABYTE)
    with deployment.repository(repository) as client:
        begun = client.begin()
        begun.patch(data[: 2 * MEGABYTE])
        resumed = Upload(Connection(client.http), begun.location)
        resumed.resume()
        assert resumed.stored == 2 * MEGABYTE
        resumed.patch(data[2 * MEGABYTE :])
        assert client.blob(resumed.finish(digest_of(data))) == len(data)


def test_what_is_shorter_than_announced_is_no_blob(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(MEGABYTE)
    with deployment.repository(repository) as client:
        upload = client.begin()
        send_half(deployment, upload.location, data)
        for sent in (data, data[: len(data) // 2]):
            assert not upload.put(digest_of(sent)).is_success
            assert not client.has(f"blobs/{digest_of(sent)}")
        assert client.has(f"blobs/{client.upload(data)}")


def test_a_cancelled_upload_is_gone(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(1000)
    with deployment.repository(repository) as client:
        upload = client.begin()
        upload.patch(data)
        http, location = client.http, upload.location
        upload.cancel()
        responses = [http.get(location), http.patch(location, content=data)]
        for response in (*responses, upload.put(digest_of(data))):
            found = (response.status_code, response.json()["errors"][0]["code"])
            assert found == (404, "BLOB_UPLOAD_UNKNOWN")
        assert not client.has(f"blobs/{digest_of(data)}")


def test_a_layer_of_another_repository_is_mounted(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(100_000)
    digest = deployment.push_blob(f"{repository}/from", data)
    with deployment.repository(f"{repository}/to") as client:
        assert not client.has(f"blobs/{digest}")
        assert client.mount(digest, f"{repository}/from") is None
        assert client.blob(digest) == len(data)


def test_what_is_not_there_to_mount_is_uploaded(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(1000)
    with deployment.repository(repository) as client:
        upload = client.mount(digest_of(data), f"{repository}/nowhere")
        assert upload is not None
        upload.patch(data)
        assert client.blob(upload.finish(digest_of(data))) == len(data)


def test_an_empty_layer(deployment: Deployment, repository: str) -> None:
    digest = deployment.push_blob(repository, EMPTY_LAYER)
    with deployment.client() as client:
        response = client.get(f"/v2/{repository}/blobs/{digest}")
    assert (response.status_code, response.content) == (200, EMPTY_LAYER)


def test_a_blob_of_no_bytes_is_there_or_refused(
    deployment: Deployment, repository: str, registry_version: RegistryVersion
) -> None:
    with deployment.repository(repository) as client:
        accepted = client.begin().put(digest_of(b"")).is_success
        assert accepted == registry_version.facts.stores_empty_blobs
        assert client.has(f"blobs/{digest_of(b'')}") == accepted


def test_a_layer_in_ranges(deployment: Deployment, repository: str, random: random.Random) -> None:
    data = random.randbytes(300_000)
    path = f"/v2/{repository}/blobs/{deployment.push_blob(repository, data)}"
    with deployment.client() as client:
        head = client.head(path)
        assert (head.status_code, head.headers["Content-Length"]) == (200, "300000")
        assert (head.headers["Docker-Content-Digest"], head.content) == (digest_of(data), b"")
        # Twice: the first may come from the registry, the second from a cache.
        for _ in range(2):
            ranges = ("bytes=0-99999", "bytes=100000-100000", "bytes=100001-")
            parts = [client.get(path, headers={"Range": range_}) for range_ in ranges]
            assert [part.status_code for part in parts] == [206, 206, 206]
            assert b"".join(part.content for part in parts) == data


@pytest.mark.parametrize("wrong", ["layers", "config", "manifests"])
def test_a_manifest_before_what_it_names_is_refused(
    deployment: Deployment, repository: str, wrong: str
) -> None:
    there = {"digest": deployment.push_blob(repository, b"{}"), "size": 2}
    missing = {"digest": digest_of(repository.encode()), "size": len(repository)}
    kind = MANIFEST.replace("manifest", "index") if wrong == "manifests" else MANIFEST
    layer = {"mediaType": "application/octet-stream"}
    parts: dict[str, dict[str, Any]] = {
        "layers": {"config": layer | there, "layers": [layer | missing]},
        "config": {"config": layer | missing, "layers": [layer | there]},
        "manifests": {"manifests": [{"mediaType": MANIFEST} | missing]},
    }
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, **parts[wrong]})
    path = f"/v2/{repository}/manifests/1"
    with deployment.client() as client:
        response = client.put(path, content=manifest, headers={"Content-Type": kind})
        assert response.status_code == 400
        assert response.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
        assert client.get(path, headers={"Accept": kind}).status_code == 404
