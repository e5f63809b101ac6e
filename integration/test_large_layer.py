"""A layer of any size passes through in both directions, without being kept anywhere on its way."""

import hashlib
import random
from collections.abc import Iterator

import httpx
import pytest

from integration.deployment import Deployment
from integration.images import MEGABYTE
from integration.reporting import Figure
from integration.uploads import Upload

#: Seconds; the emulator's S3, which puts the parts together twice, is what takes them.
TIMEOUT = 300


def test_a_large_layer(
    request: pytest.FixtureRequest,
    deployment: Deployment,
    repository: str,
    random: random.Random,
    figure: Figure,
) -> None:
    count = request.config.getoption("--large-layer")
    piece, sent = random.randbytes(MEGABYTE), hashlib.sha256()
    upload = Upload.begin(deployment, deployment.url, repository)

    def pieces() -> Iterator[bytes]:
        for number in range(count):
            # So that pieces in another order are found out.
            data = number.to_bytes(4) + piece[4:]
            sent.update(data)
            yield data

    with deployment.client() as client:
        answer = client.patch(upload.location, content=pieces(), timeout=TIMEOUT)
        figure(f"push of {count} MB", answer.raise_for_status().elapsed.total_seconds(), "s")
        digest = f"sha256:{sent.hexdigest()}"
        location = httpx.URL(answer.headers["Location"]).copy_merge_params({"digest": digest})
        answer = client.put(location, timeout=TIMEOUT)
        figure("its end, in S3", answer.raise_for_status().elapsed.total_seconds(), "s")
        received, size = hashlib.sha256(), 0
        with client.stream("GET", f"/v2/{repository}/blobs/{digest}") as pulled:
            for part in pulled.iter_bytes():
                received.update(part)
                size += len(part)
        figure(f"pull of {count} MB", pulled.elapsed.total_seconds(), "s")
    assert (size, f"sha256:{received.hexdigest()}") == (count * MEGABYTE, digest)
