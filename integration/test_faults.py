"""What clients were promised is kept, whatever goes wrong; and the service comes back by itself."""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from integration.deployment import Deployment
from integration.faults.clients import Clients, digest, upload
from integration.faults.faults import FAULTS
from integration.faults.trials import (
    RECOVERY,
    SHORTEST,
    Trial,
    random_trial,
    run,
    seconds_to_eject,
)
from integration.faults.verdict import BLOBS, broken_promises
from integration.images import MEGABYTE
from integration.local.registry import LocalRegistry
from integration.reporting import Figure

#: Seconds of the mix, and where its choices come from.
MIX, SEED = 25, 20261125
#: Bytes of what is under way when its host is killed: more than sockets hold.
SIZE = 40 * MEGABYTE


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "host killed"])
def test_a_fault_breaks_no_promise(
    registry: LocalRegistry, repository: str, name: str, figure: Figure
) -> None:
    trial = Trial(((name, list(FAULTS).index(name) % 2),), SHORTEST)
    with Clients(registry.deployment, repository, seed=SEED) as clients:
        time.sleep(1)
        seconds = run(trial, registry)
    ledger = clients.ledger
    figure(f"service back after: {name}", seconds, "s")
    figure(f"retries with: {name}", ledger.retries, "")
    assert ledger.operations
    assert ledger.failed == []
    assert broken_promises(registry.cloud, registry.deployment, ledger) == []


def test_the_verdict_finds_a_layer_with_other_bytes(
    registry: LocalRegistry, repository: str
) -> None:
    cloud, deployment = registry.cloud, registry.deployment
    clients = Clients(deployment, repository, seed=SEED)
    clients.push(repository, "latest", random.Random(repository))  # noqa: S311
    (push,) = clients.ledger.acknowledged
    hexadecimal = push.blobs[-1].removeprefix("sha256:")
    layer = {
        "Bucket": cloud.outputs["image_bucket"],
        "Key": f"{BLOBS}/{hexadecimal[:2]}/{hexadecimal}/data",
    }
    s3 = cloud.session.client("s3")
    right = s3.get_object(**layer)["Body"].read()
    s3.put_object(**layer, Body=right[:-1] + bytes([right[-1] ^ 1]))
    try:
        found = broken_promises(cloud, deployment, clients.ledger)
    finally:
        s3.put_object(**layer, Body=right)
    # The first line is what S3 has, the second what a host serves.
    assert len(found) == 2
    assert all(push.blobs[-1] in line and "other bytes" in line for line in found)


@dataclass
class Killed:
    """What was under way at a host, and what became of it when the host was killed."""

    repository: str
    pushed: bytes
    push_error: httpx.HTTPError | None
    pulled: bytes
    received: bytes
    pull_error: httpx.HTTPError | None
    eject_s: float
    recovery_s: float


@pytest.fixture(scope="module")
def killed(registry: LocalRegistry) -> Killed:
    """A host that is killed in the middle of a push and of a pull."""
    cloud, deployment = registry.cloud, registry.deployment
    host = cloud.hosts[0]
    door = f"https://{cloud.balancer.door(host.address)}"
    repository = f"wharf-test/killed-{os.urandom(3).hex()}"
    pushed, pulled = os.urandom(SIZE), os.urandom(SIZE)
    with deployment.client() as client:
        layer = upload(client, repository, pulled)
    ejected: list[Future[float]] = []
    received = bytearray()

    def half_and_kill() -> Iterator[bytes]:
        for start in range(0, SIZE, MEGABYTE):
            if start == SIZE // 2:
                cloud.kill_host(host.id)
                # Beside the clients: a push may wait a minute for what a dead host never says.
                ejected.append(beside.submit(seconds_to_eject, cloud, host.id))
            yield pushed[start : start + MEGABYTE]

    push_error = pull_error = None
    with (
        ThreadPoolExecutor() as beside,
        deployment.client(door) as pulling,
        deployment.client(door) as pushing,
        pulling.stream("GET", f"/v2/{repository}/blobs/{layer}") as answer,
    ):
        pieces = answer.iter_bytes(MEGABYTE)
        received += next(pieces)
        try:
            begun = pushing.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
            where = httpx.URL(begun).raw_path.decode()
            pushing.patch(where, content=half_and_kill()).raise_for_status()
        except httpx.HTTPError as error:
            push_error = error
        eject_s = ejected[0].result()
        try:
            for piece in pieces:
                received += piece
        except httpx.HTTPError as error:
            pull_error = error
    replacing = time.monotonic()
    cloud.reconcile()
    return Killed(
        repository=repository,
        pushed=pushed,
        push_error=push_error,
        pulled=pulled,
        received=bytes(received),
        pull_error=pull_error,
        eject_s=eject_s,
        recovery_s=eject_s + time.monotonic() - replacing,
    )


def test_a_push_whose_host_is_killed_is_not_confirmed(
    killed: Killed, deployment: Deployment
) -> None:
    assert killed.push_error is not None
    with deployment.client() as client:
        path = f"/v2/{killed.repository}/blobs/{digest(killed.pushed)}"
        assert client.head(path).status_code == httpx.codes.NOT_FOUND


def test_a_push_whose_host_is_killed_succeeds_when_it_is_tried_again(
    killed: Killed, deployment: Deployment
) -> None:
    repository = f"{killed.repository}/again"
    with deployment.client() as client:
        layer = upload(client, repository, killed.pushed)
        assert digest(client.get(f"/v2/{repository}/blobs/{layer}").content) == layer


def test_a_pull_whose_host_is_killed_breaks_off_and_goes_on_at_another(
    killed: Killed, deployment: Deployment
) -> None:
    assert killed.pull_error is not None
    done = len(killed.received)
    assert 0 < done < SIZE
    with deployment.client() as client:
        path = f"/v2/{killed.repository}/blobs/{digest(killed.pulled)}"
        rest = client.get(path, headers={"Range": f"bytes={done}-"})
    assert rest.status_code == httpx.codes.PARTIAL_CONTENT
    assert digest(killed.received + rest.content) == digest(killed.pulled)


def test_a_killed_host_is_ejected_and_replaced(killed: Killed, figure: Figure) -> None:
    figure("time to eject a killed host", killed.eject_s, "s")
    figure("time to replace a killed host", killed.recovery_s, "s")
    assert killed.recovery_s < RECOVERY


def test_a_mix_of_faults_breaks_no_promise(
    registry: LocalRegistry,
    repository: str,
    report: Callable[[str], None],
    figure: Figure,
) -> None:
    report(f"Faults at random, seed {SEED}")
    source = random.Random(SEED)  # noqa: S311
    end = time.monotonic() + MIX
    worst = 0.0
    with Clients(registry.deployment, repository, seed=SEED) as clients:
        while time.monotonic() < end:
            trial = random_trial(source, hosts=2)
            report(str(trial))
            worst = max(worst, run(trial, registry))
    figure("worst recovery in the mix", worst, "s")
    figure("retries in the mix", clients.ledger.retries, "")
    assert clients.ledger.failed == []
    assert broken_promises(registry.cloud, registry.deployment, clients.ledger) == []
