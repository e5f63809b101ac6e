"""A host that is killed in the middle of pushes and of a pull, while other clients work."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, digest_of
from integration.clients.uploads import Connection, Upload, pieces
from integration.faults.api import finish, repository, upload
from integration.faults.fault_clients import Clients
from integration.faults.fault_trials import RECOVERY, seconds_to_eject
from integration.faults.ledger import Ledger
from integration.faults.verification import broken_promises
from integration.local.registry import LocalRegistry
from integration.suite.support.reporting import Figure

#: Bytes of what is under way when its host is killed: more than sockets hold.
SIZE = 40 * MEGABYTE
#: Seconds from the request that ends a push to the death of its host, which has to store it yet.
STORING = 0.05


@dataclass
class Killed:
    """Transfers of a host that was killed, and their results."""

    repository: str
    #: A layer of which half was sent.
    pushed: bytes
    push_error: httpx.HTTPError | None
    #: One of which all was sent, and whose end was asked for; what the host answered.
    ending: bytes
    end_response: int | None
    #: A layer of which half was sent, and the URL of the next request.
    waiting: bytes
    waiting_at: str
    pulled: bytes
    received: bytes
    pull_error: httpx.HTTPError | None
    eject_s: float
    recovery_s: float
    ledger: Ledger


@pytest.fixture(scope="module")
def killed(registry: LocalRegistry, seed: int) -> Killed:
    name = f"wharf-test/killed-{os.urandom(3).hex()}"
    with Clients(registry.deployment, f"{name}/others", seed) as clients:
        return kill(registry, name, clients.ledger)


def kill(registry: LocalRegistry, name: str, ledger: Ledger) -> Killed:
    cloud, deployment = registry.cloud, registry.deployment
    host = cloud.hosts[0]
    door = f"https://{cloud.balancer.door(host.address)}"
    pushed, ending, waiting, pulled = (os.urandom(SIZE) for _ in range(4))
    ejected: list[Future[float]] = []
    ended: list[Future[int | None]] = []
    received = bytearray()
    push_error = pull_error = None
    with ExitStack() as stack:
        beside = stack.enter_context(ThreadPoolExecutor())
        pulling, pushing, closing = (stack.enter_context(deployment.client(door)) for _ in range(3))
        layer = upload(pushing, name, pulled)
        half_sent = repository(pushing, name).begin()
        half_sent.patch(pieces(waiting[: SIZE // 2]))
        all_sent = repository(closing, name).begin()
        all_sent.patch(pieces(ending))

        def half_and_kill() -> Iterator[bytes]:
            for start in range(0, SIZE, MEGABYTE):
                if start == SIZE // 2:
                    ended.append(beside.submit(finish, closing, all_sent, digest_of(ending)))
                    time.sleep(STORING)
                    # Beside the clients: a push may wait a minute for what a dead host never says.
                    ejected.append(beside.submit(seconds_to_eject, cloud, host.id))
                    cloud.kill_host(host.id)
                yield pushed[start : start + MEGABYTE]

        pull = stack.enter_context(pulling.stream("GET", f"/v2/{name}/blobs/{layer}"))
        chunks = pull.iter_bytes(MEGABYTE)
        received += next(chunks)
        try:
            repository(pushing, name).begin().patch(half_and_kill())
        except httpx.HTTPError as error:
            push_error = error
        eject_s = ejected[0].result()
        try:
            for chunk in chunks:
                received += chunk
        except httpx.HTTPError as error:
            pull_error = error
        end_response = ended[0].result()
    replacing = time.monotonic()
    cloud.reconcile()
    return Killed(
        repository=name,
        pushed=pushed,
        push_error=push_error,
        ending=ending,
        end_response=end_response,
        waiting=waiting,
        waiting_at=half_sent.location,
        pulled=pulled,
        received=bytes(received),
        pull_error=pull_error,
        eject_s=eject_s,
        recovery_s=eject_s + time.monotonic() - replacing,
        ledger=ledger,
    )


def test_a_push_whose_host_is_killed_is_not_confirmed(
    killed: Killed, deployment: Deployment
) -> None:
    assert killed.push_error is not None
    whole, half = killed.pushed, killed.pushed[: SIZE // 2]
    with deployment.client() as client:
        for data in (whole, half):
            response = client.head(f"/v2/{killed.repository}/blobs/{digest_of(data)}")
            assert response.status_code == httpx.codes.NOT_FOUND


def test_a_push_whose_host_is_killed_while_it_stores_it_is_whole_or_not_there(
    killed: Killed, deployment: Deployment
) -> None:
    layer = digest_of(killed.ending)
    with deployment.client() as client:
        response = client.get(f"/v2/{killed.repository}/blobs/{layer}")
    if response.status_code == httpx.codes.OK:
        assert digest_of(response.content) == layer
    else:
        assert response.status_code == httpx.codes.NOT_FOUND
        assert killed.end_response != httpx.codes.CREATED


def test_a_push_goes_on_at_another_host(killed: Killed, deployment: Deployment) -> None:
    half = SIZE // 2
    with deployment.client() as http:
        session = Upload(Connection(http), killed.waiting_at).at(http)
        session.resume()
        assert session.stored == half
        session.patch(pieces(killed.waiting[half:]))
        layer = session.finish(digest_of(killed.waiting))
        assert repository(http, killed.repository).blob(layer) == SIZE


def test_a_push_whose_host_is_killed_succeeds_when_it_is_tried_again(
    killed: Killed, deployment: Deployment
) -> None:
    name = f"{killed.repository}/again"
    with deployment.client() as http:
        layer = upload(http, name, killed.pushed)
        assert repository(http, name).blob(layer) == SIZE


def test_a_pull_whose_host_is_killed_breaks_off_and_goes_on_at_another(
    killed: Killed, deployment: Deployment
) -> None:
    assert killed.pull_error is not None
    done = len(killed.received)
    assert 0 < done < SIZE
    with deployment.client() as client:
        path = f"/v2/{killed.repository}/blobs/{digest_of(killed.pulled)}"
        rest = client.get(path, headers={"Range": f"bytes={done}-"})
    assert rest.status_code == httpx.codes.PARTIAL_CONTENT
    assert digest_of(killed.received + rest.content) == digest_of(killed.pulled)


def test_a_killed_host_is_ejected_and_replaced(killed: Killed, figure: Figure) -> None:
    figure("time to eject a killed host", killed.eject_s, "s")
    figure("time to replace a killed host", killed.recovery_s, "s")
    assert killed.recovery_s < RECOVERY


def test_the_others_are_kept_their_promises(
    killed: Killed, registry: LocalRegistry, figure: Figure
) -> None:
    figure("retries of the others", killed.ledger.retries, "")
    assert killed.ledger.acknowledged
    assert killed.ledger.failed == []
    broken = broken_promises(registry.cloud, registry.deployment, killed.ledger)
    assert not broken, "\n".join(broken)
