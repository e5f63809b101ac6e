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

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry, program
from integration.suite.support.configuration_files import (
    REFUSED,
    RENEWED,
    USERS,
    ConfigurationFiles,
)
from integration.suite.support.nginx_workers import old_workers

#: Reloads whose old workers may live, by wharf_proxy/workers.py.
GENERATIONS = 4


def status(deployment: Deployment, host: str) -> int:
    """Return the status of a host's response to a user."""
    with deployment.client(host) as client:
        return client.get("/v2/").status_code


def all_respond(deployment: Deployment, wanted: int) -> None:
    """Wait until each host answers a user so.

    nginx was told of new files: until its new workers are there the old ones answer. One host after
    the other, as each wrong password counts where it is tried.
    """
    for host in deployment.hosts:
        wait_until(f"{host} to answer {wanted}", partial(status, deployment, host), wanted)


def test_users_come_change_and_go(
    configuration: ConfigurationFiles, registry: LocalRegistry
) -> None:
    first = dataclasses.replace(registry.deployment, username="newcomer", password="first")
    second = dataclasses.replace(first, password="second")
    configuration.add_user("newcomer", "first")
    configuration.publish()
    all_respond(first, 200)
    # From now on each host remembers the password, for longer than a change takes.
    configuration.add_user("newcomer", "second")
    configuration.publish()
    all_respond(first, 401)
    all_respond(second, 200)
    configuration.remove_user("newcomer")
    configuration.publish()
    all_respond(second, 401)


def test_a_bad_file_is_refused_and_the_old_one_stays(
    configuration: ConfigurationFiles, registry: LocalRegistry
) -> None:
    with configuration.seen(REFUSED):
        configuration.put(USERS, b"demo:in clear\n")
    deployment = registry.deployment
    assert {status(deployment, host) for host in deployment.hosts} == {200}


def test_a_new_certificate_is_shown(
    configuration: ConfigurationFiles, registry: LocalRegistry
) -> None:
    def shown() -> set[str]:
        doors = [httpx.URL(host) for host in registry.deployment.hosts]
        return {ssl.get_server_certificate((door.host, door.port or 443)) for door in doors}

    domain = registry.deployment.url.removeprefix("https://")
    folder = configuration.folder
    program("certificate", "create", "--domain", domain, "--directory", str(folder), "--force")
    created = (folder / "domain.crt").read_text()
    assert created not in shown()
    configuration.publish()
    # nginx was told: until its new workers are there the old ones take connections.
    wait_until("every host to show the new certificate", shown, {created})


@pytest.fixture
def layer(deployment: Deployment, repository: str) -> tuple[str, bytes]:
    """Return the path of a layer of 20 MB, and its bytes."""
    data = os.urandom(20 * MEGABYTE)
    return f"/v2/{repository}/blobs/{deployment.push_blob(repository, data)}", data


def test_an_open_transfer_goes_on(
    configuration: ConfigurationFiles, deployment: Deployment, layer: tuple[str, bytes]
) -> None:
    path, data = layer
    received = hashlib.sha256()
    with deployment.client() as client, client.stream("GET", path) as response:
        pieces = response.iter_bytes()
        received.update(next(pieces))
        configuration.add_user("passer-by", "unimportant")
        configuration.publish()
        for piece in pieces:
            received.update(piece)
    assert received.digest() == hashlib.sha256(data).digest()


def pull_until(over: Event, deployment: Deployment, path: str, digest: bytes) -> tuple[int, int]:
    """Pull a layer again and again; return how often, and how often it went wrong."""
    pulls, failures = 0, 0
    while not over.is_set():
        with deployment.client() as client:
            response = client.get(path)
        pulls += 1
        failures += hashlib.sha256(response.content).digest() != digest
    return pulls, failures


def test_no_request_fails_while_files_are_renewed(
    configuration: ConfigurationFiles, deployment: Deployment, layer: tuple[str, bytes]
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
                configuration.add_user("passer-by", f"password {number}")
                configuration.publish()
        finally:
            over.set()
    pulls, failures = map(sum, zip(*(client.result() for client in clients), strict=True))
    assert pulls > 20
    assert failures == 0


@pytest.mark.usefixtures("only_local")
def test_slow_readers_keep_few_old_workers(
    configuration: ConfigurationFiles,
    cloud: LocalCloud,
    deployment: Deployment,
    layer: tuple[str, bytes],
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
            configuration.add_user("passer-by", f"password {number}")
            configuration.publish()
        few = range(GENERATIONS - 1, GENERATIONS * workers + 1)
        wait_until("old workers to be few", lambda: len(old_workers(nginx)) in few, True)


def test_a_change_of_nothing_reloads_nothing(cloud: LocalCloud) -> None:
    logs = [host.log("nginx") for host in cloud.hosts]
    before = [log.read_text().count(RENEWED) for log in logs]
    time.sleep(4)  # the hosts look each second
    assert [log.read_text().count(RENEWED) for log in logs] == before
