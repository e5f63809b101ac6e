"""Uploads that stop, go on, are given up, or say one thing and send another."""

import gzip
import hashlib
import json
import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from integration.deployment import Deployment
from integration.images import MANIFEST, MEGABYTE
from integration.registry_version import RegistryVersion
from integration.uploads import Upload

#: An archive of no files, packed: what Docker makes of a step that changes nothing.
EMPTY_LAYER = gzip.compress(bytes(1024), mtime=0)


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push(deployment: Deployment, repository: str, data: bytes) -> str:
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, data)
    return upload.finish(deployment.url, data)


def status(deployment: Deployment, repository: str, digest: str) -> int:
    with deployment.client() as client:
        return client.head(f"/v2/{repository}/blobs/{digest}").status_code


def send_half(deployment: Deployment, location: str, data: bytes) -> None:
    """Announce all of the data, send the first half, and break the connection."""
    target = urlsplit(location)
    head = (
        f"PATCH {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Authorization: {deployment.authorization}\r\nContent-Length: {len(data)}\r\n"
        f"Content-Type: application/octet-stream\r\n\r\n"
    )
    with deployment.connect() as connection:
        connection.sendall(head.encode() + data[: len(data) // 2])


def test_an_upload_goes_on_from_where_the_registry_says_that_it_is(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(3 * MEGABYTE)
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, data[: 2 * MEGABYTE])
    with deployment.client() as client:
        answer = client.get(upload.location)
    assert (answer.status_code, answer.headers["Range"]) == (204, f"0-{2 * MEGABYTE - 1}")
    resumed = Upload(deployment, answer.headers["Location"], sent=2 * MEGABYTE)
    resumed.send(deployment.url, data[2 * MEGABYTE :])
    digest = resumed.finish(deployment.url, data)
    with deployment.client() as client:
        assert client.get(f"/v2/{repository}/blobs/{digest}").content == data


def test_what_is_shorter_than_announced_is_no_blob(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(MEGABYTE)
    upload = Upload.begin(deployment, deployment.url, repository)
    send_half(deployment, upload.location, data)
    for sent in (data, data[: len(data) // 2]):
        answer = upload.put(deployment.url, digest_of(sent))
        assert not answer.is_success
        assert status(deployment, repository, digest_of(sent)) == 404
    assert status(deployment, repository, push(deployment, repository, data)) == 200


def test_a_cancelled_upload_is_gone(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(1000)
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, data)
    with deployment.client() as client:
        assert client.delete(upload.location).status_code == 204
        asked = [client.get(upload.location), client.patch(upload.location, content=data)]
    for answer in (*asked, upload.put(deployment.url, digest_of(data))):
        found = (answer.status_code, answer.json()["errors"][0]["code"])
        assert found == (404, "BLOB_UPLOAD_UNKNOWN")
    assert status(deployment, repository, digest_of(data)) == 404


def test_a_layer_of_another_repository_is_mounted(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(100_000)
    digest = push(deployment, f"{repository}/from", data)
    assert status(deployment, f"{repository}/to", digest) == 404
    with deployment.client() as client:
        path = f"/v2/{repository}/to/blobs/uploads/"
        answer = client.post(path, params={"mount": digest, "from": f"{repository}/from"})
        assert answer.status_code == 201
        assert client.get(f"/v2/{repository}/to/blobs/{digest}").content == data


def test_what_is_not_there_to_mount_is_uploaded(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    data = random.randbytes(1000)
    with deployment.client() as client:
        path = f"/v2/{repository}/blobs/uploads/"
        wanted = {"mount": digest_of(data), "from": f"{repository}/nowhere"}
        answer = client.post(path, params=wanted)
    assert answer.status_code == 202
    upload = Upload(deployment, answer.headers["Location"])
    upload.send(deployment.url, data)
    assert upload.finish(deployment.url, data) == digest_of(data)


def test_an_empty_layer(deployment: Deployment, repository: str) -> None:
    digest = push(deployment, repository, EMPTY_LAYER)
    with deployment.client() as client:
        answer = client.get(f"/v2/{repository}/blobs/{digest}")
    assert (answer.status_code, answer.content) == (200, EMPTY_LAYER)


def test_a_blob_of_no_bytes_is_there_or_refused(
    deployment: Deployment, repository: str, registry_version: RegistryVersion
) -> None:
    upload = Upload.begin(deployment, deployment.url, repository)
    accepted = upload.put(deployment.url, digest_of(b"")).is_success
    assert accepted == registry_version.facts.stores_empty_blobs
    assert status(deployment, repository, digest_of(b"")) == (200 if accepted else 404)


def test_a_layer_in_ranges(deployment: Deployment, repository: str, random: random.Random) -> None:
    data = random.randbytes(300_000)
    path = f"/v2/{repository}/blobs/{push(deployment, repository, data)}"
    with deployment.client() as client:
        head = client.head(path)
        assert (head.status_code, head.headers["Content-Length"]) == (200, "300000")
        assert (head.headers["Docker-Content-Digest"], head.content) == (digest_of(data), b"")
        # Twice: the first may come from the registry, the second from a cache.
        for _ in range(2):
            ranges = ("bytes=0-99999", "bytes=100000-100000", "bytes=100001-")
            parts = [client.get(path, headers={"Range": one}) for one in ranges]
            assert [part.status_code for part in parts] == [206, 206, 206]
            assert b"".join(part.content for part in parts) == data


@pytest.mark.parametrize("wrong", ["layers", "config", "manifests"])
def test_a_manifest_before_what_it_names_is_refused(
    deployment: Deployment, repository: str, wrong: str
) -> None:
    there = {"digest": push(deployment, repository, b"{}"), "size": 2}
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
        answer = client.put(path, content=manifest, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
        assert client.get(path, headers={"Accept": kind}).status_code == 404
