"""Changed files in the configuration bucket come into force without a restart."""

import dataclasses
import hashlib
import os
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Event

import httpx
import psutil
import pytest

from integration.deployment import Deployment
from integration.images import MEGABYTE
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry, program
from integration.published import REFUSED, RENEWED, USERS, Published
from integration.settled import settled
from integration.uploads import Upload
from integration.workers import old_workers

#: Reloads whose old workers may live, by wharf_proxy/workers.py.
GENERATIONS = 4


def status(deployment: Deployment, host: str) -> int:
    """What a host answers to a user."""
    with deployment.client(host) as client:
        return client.get("/v2/").status_code


def all_answer(deployment: Deployment, wanted: int) -> None:
    """Wait until each host answers a user so.

    nginx was told of new files: until its new workers are there the old ones answer. One host after
    the other, as each wrong password counts where it is tried.
    """
    for host in deployment.hosts:
        settled(f"{host} to answer {wanted}", partial(status, deployment, host), wanted)


def test_users_come_change_and_go(published: Published, registry: LocalRegistry) -> None:
    first = dataclasses.replace(registry.deployment, username="newcomer", password="first")
    second = dataclasses.replace(first, password="second")
    published.add_user("newcomer", "first")
    published.publish()
    all_answer(first, 200)
    # From now on each host remembers the password, for longer than a change takes.
    published.add_user("newcomer", "second")
    published.publish()
    all_answer(first, 401)
    all_answer(second, 200)
    published.remove_user("newcomer")
    published.publish()
    all_answer(second, 401)


def test_a_bad_file_is_refused_and_the_old_one_stays(
    published: Published, registry: LocalRegistry
) -> None:
    with published.seen(REFUSED):
        published.put(USERS, b"demo:in clear\n")
    deployment = registry.deployment
    assert {status(deployment, host) for host in deployment.hosts} == {200}


def test_a_new_certificate_is_shown(published: Published, registry: LocalRegistry) -> None:
    def shown() -> set[str]:
        doors = [httpx.URL(host) for host in registry.deployment.hosts]
        return {ssl.get_server_certificate((one.host, one.port or 443)) for one in doors}

    domain = registry.deployment.url.removeprefix("https://")
    folder = published.folder
    program("certificate", "create", "--domain", domain, "--directory", str(folder), "--force")
    created = (folder / "domain.crt").read_text()
    assert created not in shown()
    published.publish()
    # nginx was told: until its new workers are there the old ones take connections.
    settled("every host to show the new certificate", shown, {created})


@pytest.fixture
def layer(deployment: Deployment, repository: str) -> tuple[str, bytes]:
    """The path of a layer of 20 MB, and its bytes."""
    data = os.urandom(20 * MEGABYTE)
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, data)
    return f"/v2/{repository}/blobs/{upload.finish(deployment.url, data)}", data


def test_an_open_transfer_goes_on(
    published: Published, deployment: Deployment, layer: tuple[str, bytes]
) -> None:
    path, data = layer
    received = hashlib.sha256()
    with deployment.client() as client, client.stream("GET", path) as answer:
        pieces = answer.iter_bytes()
        received.update(next(pieces))
        published.add_user("passer-by", "unimportant")
        published.publish()
        for piece in pieces:
            received.update(piece)
    assert received.digest() == hashlib.sha256(data).digest()


def pull_until(over: Event, deployment: Deployment, path: str, digest: bytes) -> tuple[int, int]:
    """Pull a layer again and again; return how often, and how often it went wrong."""
    pulls, failures = 0, 0
    while not over.is_set():
        with deployment.client() as client:
            answer = client.get(path)
        pulls += 1
        failures += hashlib.sha256(answer.content).digest() != digest
    return pulls, failures


def test_no_request_fails_while_files_are_renewed(
    published: Published, deployment: Deployment, layer: tuple[str, bytes]
) -> None:
    path, data = layer
    over = Event()
    with ThreadPoolExecutor() as pool:
        try:
            clients = [
                pool.submit(pull_until, over, deployment, path, hashlib.sha256(data).digest())
                for _ in range(4)
            ]
            for number in range(2):
                published.add_user("passer-by", f"password {number}")
                published.publish()
        finally:
            over.set()
    pulls, failures = map(sum, zip(*(client.result() for client in clients), strict=True))
    assert pulls > 20
    assert failures == 0


@pytest.mark.usefixtures("only_local")
def test_slow_readers_keep_few_old_workers(
    published: Published, cloud: LocalCloud, deployment: Deployment, layer: tuple[str, bytes]
) -> None:
    nginx, workers = psutil.Process(cloud.hosts[0].pid("nginx")), os.cpu_count() or 1
    request = (
        f"GET {layer[0]} HTTP/1.1\r\nHost: x\r\nAuthorization: {deployment.authorization}\r\n\r\n"
    )
    with ExitStack() as stack:
        for number in range(GENERATIONS + 2):
            for _ in range(4 * workers):
                reader = stack.enter_context(deployment.connect(deployment.hosts[0]))
                reader.sendall(request.encode())
                assert reader.recv(1)
            published.add_user("passer-by", f"password {number}")
            published.publish()
        few = range(GENERATIONS - 1, GENERATIONS * workers + 1)
        settled("old workers to be few", lambda: len(old_workers(nginx)) in few, True)


def test_a_change_of_nothing_reloads_nothing(cloud: LocalCloud) -> None:
    logs = [host.log("nginx") for host in cloud.hosts]
    before = [log.read_text().count(RENEWED) for log in logs]
    time.sleep(4)  # the hosts look each second
    assert [log.read_text().count(RENEWED) for log in logs] == before
