"""Acknowledged pushes survive each fault, and the service recovers by itself."""

import os
import random
import time
from collections.abc import Callable

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, digest_of
from integration.clients.uploads import pieces
from integration.faults import api
from integration.faults.api import BrokenPromise
from integration.faults.fault_clients import Clients
from integration.faults.fault_trials import PROMPT, SHORTEST, Trial, random_trial, run, serve
from integration.faults.faults import FAULTS, disk_is_full
from integration.faults.verification import BLOBS, broken_promises
from integration.local.registry import LocalRegistry
from integration.suite.support.reporting import Figure

#: Seconds of the mix.
MIX = 25
#: Bytes of an upload that a slow way to S3 takes much longer for than an answer may take.
LARGE = 8 * MEGABYTE


def serves(deployment: Deployment, host: str) -> bool:
    try:
        serve(deployment, host, LARGE)
    except (BrokenPromise, httpx.HTTPError):
        return False
    return True


def is_felt(name: str, registry: LocalRegistry, number: int) -> Callable[[], bool]:
    """Prepare to say whether a fault is there: what a host, or all of them, cannot do."""
    deployment, host = registry.deployment, registry.cloud.hosts[number]
    if name == "disk full":
        return lambda: disk_is_full(host)
    if name == "balancer resets":
        connection = deployment.connect()
        connection.settimeout(5)

        def broken() -> bool:
            with connection:
                try:
                    return connection.recv(1) == b""
                except ConnectionError:
                    return True

        return broken
    return lambda: not serves(deployment, deployment.hosts[number])


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_felt_and_breaks_no_promise(
    registry: LocalRegistry, repository: str, seed: int, name: str, figure: Figure
) -> None:
    number = list(FAULTS).index(name) % 2
    deployment = registry.deployment
    assert serves(deployment, deployment.hosts[number])
    felt = is_felt(name, registry, number)
    # The other host has the bytes; the one with the fault is to confirm them.
    layer = os.urandom(LARGE)
    with deployment.client(deployment.hosts[1 - number]) as http:
        session = api.repository(http, repository).begin()
        session.patch(pieces(layer))
    noticed: list[bool] = []
    responses: list[int | None] = []

    def meanwhile() -> None:
        with deployment.client(deployment.hosts[number]) as client:
            client.timeout = httpx.Timeout(PROMPT)
            responses.append(api.finish(client, session, digest_of(layer)))
        noticed.append(felt())

    began = time.monotonic()
    with Clients(deployment, repository, seed) as clients:
        time.sleep(1)
        trial = Trial(((name, number),), SHORTEST)
        seconds = run(trial, registry, meanwhile)
    ledger = clients.ledger
    figure(f"service back after: {name}", seconds, "s")
    figure(f"retries with: {name}", ledger.retries, "")
    assert noticed == [True]
    with registry.deployment.client() as client:
        found = client.get(f"/v2/{repository}/blobs/{digest_of(layer)}")
    if found.status_code == httpx.codes.OK:
        assert found.content == layer
    else:
        assert responses != [httpx.codes.CREATED], "a layer was confirmed that is not there"
    assert [push for push in ledger.acknowledged if push.begun > began]
    assert ledger.failed == []
    broken = broken_promises(registry.cloud, registry.deployment, ledger)
    assert not broken, "\n".join(broken)


def test_the_verdict_finds_a_layer_with_other_bytes(
    registry: LocalRegistry, repository: str, random: random.Random
) -> None:
    cloud, deployment = registry.cloud, registry.deployment
    clients = Clients(deployment, repository, seed=0)
    clients.push(repository, "latest", random)
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
    # The first line is what S3 has, the others what each host serves.
    assert len(found) == 1 + len(deployment.hosts)
    assert all(push.blobs[-1] in line and "other bytes" in line for line in found)


def test_a_mix_of_faults_breaks_no_promise(
    registry: LocalRegistry,
    repository: str,
    seed: int,
    random: random.Random,
    report: Callable[[str], None],
    figure: Figure,
) -> None:
    end = time.monotonic() + MIX
    trials = []
    with Clients(registry.deployment, repository, seed) as clients:
        while time.monotonic() < end:
            trial = random_trial(random, hosts=2)
            report(str(trial))
            trials.append(run(trial, registry))
    figure("worst recovery in the mix", max(trials), "s")
    figure("retries in the mix", clients.ledger.retries, "")
    assert clients.ledger.acknowledged
    assert clients.ledger.failed == []
    broken = broken_promises(registry.cloud, registry.deployment, clients.ledger)
    assert not broken, "\n".join(broken)
