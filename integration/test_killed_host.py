"""A host that is killed in the middle of pushes and of a pull, while other clients work."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from integration.deployment import Deployment
from integration.faults.api import OCTETS, begin, digest, finish, send, taken, upload
from integration.faults.clients import Clients
from integration.faults.ledger import Ledger
from integration.faults.trials import RECOVERY, seconds_to_eject
from integration.faults.verdict import broken_promises
from integration.images import MEGABYTE
from integration.local.registry import LocalRegistry
from integration.reporting import Figure

#: Bytes of what is under way when its host is killed: more than sockets hold.
SIZE = 40 * MEGABYTE
#: Seconds from the request that ends a push to the death of its host, which has to store it yet.
STORING = 0.05


@dataclass
class Killed:
    """What was under way at a host, and what became of it when the host was killed."""

    repository: str
    #: A layer of which half was sent.
    pushed: bytes
    push_error: httpx.HTTPError | None
    #: One of which all was sent, and whose end was asked for; what the host answered.
    ending: bytes
    end_answer: int | None
    #: One that waits for its second half, and where the host said that it goes on.
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
    repository = f"wharf-test/killed-{os.urandom(3).hex()}"
    with Clients(registry.deployment, f"{repository}/others", seed) as clients:
        return kill(registry, repository, clients.ledger)


def kill(registry: LocalRegistry, repository: str, ledger: Ledger) -> Killed:
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
        layer = upload(pushing, repository, pulled)
        half = waiting[: SIZE // 2]
        waiting_at = taken(
            pushing.patch(begin(pushing, repository), content=half, headers=OCTETS)
        ).headers["Location"]
        end = send(closing, begin(closing, repository), ending)

        def half_and_kill() -> Iterator[bytes]:
            for start in range(0, SIZE, MEGABYTE):
                if start == SIZE // 2:
                    ended.append(beside.submit(finish, closing, end))
                    time.sleep(STORING)
                    # Beside the clients: a push may wait a minute for what a dead host never says.
                    ejected.append(beside.submit(seconds_to_eject, cloud, host.id))
                    cloud.kill_host(host.id)
                yield pushed[start : start + MEGABYTE]

        pull = stack.enter_context(pulling.stream("GET", f"/v2/{repository}/blobs/{layer}"))
        pieces = pull.iter_bytes(MEGABYTE)
        received += next(pieces)
        try:
            where = begin(pushing, repository)
            pushing.patch(where, content=half_and_kill(), headers=OCTETS).raise_for_status()
        except httpx.HTTPError as error:
            push_error = error
        eject_s = ejected[0].result()
        try:
            for piece in pieces:
                received += piece
        except httpx.HTTPError as error:
            pull_error = error
        end_answer = ended[0].result()
    replacing = time.monotonic()
    cloud.reconcile()
    return Killed(
        repository=repository,
        pushed=pushed,
        push_error=push_error,
        ending=ending,
        end_answer=end_answer,
        waiting=waiting,
        waiting_at=waiting_at,
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
            answer = client.head(f"/v2/{killed.repository}/blobs/{digest(data)}")
            assert answer.status_code == httpx.codes.NOT_FOUND


def test_a_push_whose_host_is_killed_while_it_stores_it_is_whole_or_not_there(
    killed: Killed, deployment: Deployment
) -> None:
    layer = digest(killed.ending)
    with deployment.client() as client:
        answer = client.get(f"/v2/{killed.repository}/blobs/{layer}")
    if answer.status_code == httpx.codes.OK:
        assert digest(answer.content) == layer
    else:
        assert answer.status_code == httpx.codes.NOT_FOUND
        assert killed.end_answer != httpx.codes.CREATED


def test_a_push_goes_on_at_another_host(killed: Killed, deployment: Deployment) -> None:
    layer, half = digest(killed.waiting), SIZE // 2
    with deployment.client() as client:
        where = httpx.URL(killed.waiting_at).raw_path.decode()
        at = taken(client.get(where))
        assert at.headers["Range"] == f"0-{half - 1}"
        end = send(client, at.headers["Location"], killed.waiting[half:], stored=half)
        taken(client.put(end.copy_set_param("digest", layer)))
        assert digest(client.get(f"/v2/{killed.repository}/blobs/{layer}").content) == layer


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


def test_the_others_are_kept_their_promises(
    killed: Killed, registry: LocalRegistry, figure: Figure
) -> None:
    figure("retries of the others", killed.ledger.retries, "")
    assert killed.ledger.acknowledged
    assert killed.ledger.failed == []
    broken = broken_promises(registry.cloud, registry.deployment, killed.ledger)
    assert not broken, "\n".join(broken)
