"""A layer of any size passes through in both directions, without being kept anywhere on its way."""

import hashlib
import random
import time
from collections.abc import Iterator

import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.suite.support.reporting import Figure

#: Seconds; the emulator's S3, which puts the parts together twice, is what takes them.
TIMEOUT = 300
#: Bytes of a part that the registry copies, many of them at the same time; see docs/aws.md.
COPIED = 32 * 1024**2
#: Requests to S3 at the end of a push beside the copied parts: 19 of 3.1.1, 18 of 2.8.3. One comes
#: after the other, and clients such as Docker wait 30 s for all of them.
IN_SEQUENCE = 20


def test_a_large_layer(
    request: pytest.FixtureRequest,
    deployment: Deployment,
    repository: str,
    random: random.Random,
    figure: Figure,
) -> None:
    count = request.config.getoption("--large-layer")
    piece, sent = random.randbytes(MEGABYTE), hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for number in range(count):
            # So that pieces in another order are found out.
            data = number.to_bytes(4) + piece[4:]
            sent.update(data)
            yield data

    with deployment.repository(repository) as client:
        upload = client.begin()
        pushed = upload.patch(pieces(), timeout=TIMEOUT)
        figure(f"push of {count} MB", pushed.elapsed.total_seconds(), "s")
        digest = f"sha256:{sent.hexdigest()}"
        ended = upload.put(digest, timeout=TIMEOUT)
        figure("its end, in S3", ended.raise_for_status().elapsed.total_seconds(), "s")
        start = time.monotonic()
        assert client.blob(digest) == count * MEGABYTE
        figure(f"pull of {count} MB", time.monotonic() - start, "s")


def test_the_end_of_a_push_takes_few_requests_to_s3(
    cloud: LocalCloud, deployment: Deployment, repository: str, figure: Figure
) -> None:
    host = cloud.hosts[0]
    door = f"https://{cloud.balancer.door(host.address)}"
    deployment.push_blob(repository, bytes(5 * COPIED // 2), door)

    def last_requests() -> list[str]:
        found = cloud.endpoints.s3_log.requests(host.address)
        # Each request of an upload reads this object first.
        begun = [i for i, line in enumerate(found) if repository in line and "startedat" in line]
        return found[max(begun, default=0) :]

    wait_until(
        "the log to have the deletion of what was uploaded, twice",
        lambda: sum("?delete" in line for line in last_requests()),
        2,
    )
    copied = [line for line in last_requests() if line.startswith("PUT") and "partNumber" in line]
    others = len(last_requests()) - len(copied)
    figure("requests to S3 in sequence at the end of a push", others, "")
    assert (len(copied), others <= IN_SEQUENCE) == (3, True), "\n".join(last_requests())
