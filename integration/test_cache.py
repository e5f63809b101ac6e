"""Layers from a host's own disk: fetched once, and only for those who may have them now."""

import hashlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from integration.deployment import Deployment
from integration.faults.faults import disk_full
from integration.images import MEGABYTE
from integration.local.cloud import LocalCloud
from integration.local.host import Host
from integration.logs import await_logs
from integration.settled import settled
from integration.uploads import Upload

Layer = tuple[str, bytes]
Logged = Callable[[], None]
Count = Callable[[Layer], int]

FOLDER = "/var/cache/wharf"


@pytest.fixture
def host(cloud: LocalCloud) -> Host:
    return cloud.hosts[0]


@pytest.fixture
def client(cloud: LocalCloud, deployment: Deployment, host: Host) -> Iterator[httpx.Client]:
    """A client of that host alone."""
    with deployment.client(f"https://{cloud.balancer.door(host.address)}") as client:
        yield client


@pytest.fixture
def logged(cloud: LocalCloud, deployment: Deployment) -> Logged:
    """Waits until the hosts have logged what they were asked: they do so after the answer."""
    return partial(await_logs, cloud, deployment)


def push(deployment: Deployment, repository: str, size: int) -> Layer:
    data = os.urandom(size)
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, data)
    return f"/v2/{repository}/blobs/{upload.finish(deployment.url, data)}", data


@pytest.fixture
def layer(deployment: Deployment, repository: str) -> Layer:
    return push(deployment, repository, 5 * MEGABYTE)


def s3_requests(cloud: LocalCloud, host: Host, key: str) -> int:
    """Return how often a host has fetched an object from S3, by the end of the object's key."""
    request = re.compile(rf' {re.escape(host.address)}:.*"GET [^?"]*{re.escape(key)}[ ?]')
    log = (cloud.logs / "endpoints" / "haproxy.log").read_text(errors="replace")
    return sum(request.search(line) is not None for line in log.splitlines())


@pytest.fixture
def fetches(cloud: LocalCloud, host: Host) -> Count:
    """Return how often the host has fetched the bytes of a layer."""
    return lambda layer: s3_requests(cloud, host, f"/{hexadecimal(layer)}/data")


@pytest.fixture
def questions(cloud: LocalCloud, host: Host) -> Count:
    """Return how often the host has asked whether a repository has a layer.

    For each question, and for each fetch, the registry reads the link of the layer three times.
    """
    return lambda layer: s3_requests(cloud, host, f"/{hexadecimal(layer)}/link") // 3


def hexadecimal(layer: Layer) -> str:
    return layer[0].rpartition(":")[2]


def test_a_layer_is_fetched_once(
    client: httpx.Client, layer: Layer, logged: Logged, fetches: Count
) -> None:
    answers = [client.get(layer[0]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.content for answer in answers} == {layer[1]}
    logged()
    settled("one fetch", lambda: fetches(layer), 1)
    assert len({tuple(sorted(described(answer).items())) for answer in answers}) == 1


def described(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer that say what it is."""
    names = ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Cache-Control")
    return {name: answer.headers[name] for name in (*names, "Accept-Ranges")}


def test_a_layer_is_fetched_once_however_many_ask(
    client: httpx.Client, deployment: Deployment, repository: str, logged: Logged, fetches: Count
) -> None:
    layer = push(deployment, repository, 40 * MEGABYTE)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.get(layer[0]).content, range(16)))
    assert {hashlib.sha256(answer).digest() for answer in answers} == {
        hashlib.sha256(layer[1]).digest()
    }
    logged()
    settled("one fetch", lambda: fetches(layer), 1)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=1000000-1000999", slice(1_000_000, 1_001_000)),
        ("bytes=4999990-", slice(4_999_990, None)),
        ("bytes=-10", slice(-10, None)),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_ranges(client: httpx.Client, layer: Layer, warm: bool, asked: str, part: slice) -> None:
    if warm:
        client.get(layer[0])
    answer = client.get(layer[0], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, layer[1][part])


def test_a_range_beyond_the_end(client: httpx.Client, layer: Layer) -> None:
    client.get(layer[0])
    assert client.get(layer[0], headers={"Range": "bytes=5000000-"}).status_code == 416


def test_head_fetches_nothing(
    client: httpx.Client, layer: Layer, logged: Logged, fetches: Count
) -> None:
    answer = client.head(layer[0])
    assert answer.headers["Content-Length"] == str(len(layer[1]))
    logged()
    assert fetches(layer) == 0


def test_a_client_that_has_it_gets_no_bytes(client: httpx.Client, layer: Layer) -> None:
    tag = client.get(layer[0]).headers["ETag"]
    assert client.get(layer[0], headers={"If-None-Match": tag}).status_code == 304


def test_a_layer_is_served_only_from_repositories_that_have_it(
    client: httpx.Client, layer: Layer, repository: str
) -> None:
    assert client.get(layer[0]).status_code == 200
    answer = client.get(layer[0].replace(repository, f"{repository}/other"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")


def test_a_layer_that_was_deleted_elsewhere_is_not_served(
    client: httpx.Client, deployment: Deployment, layer: Layer
) -> None:
    assert client.get(layer[0]).status_code == 200
    with deployment.client(deployment.hosts[1]) as other:
        assert other.delete(layer[0]).status_code == 202
    assert client.get(layer[0]).status_code == 404


def restart(cloud: LocalCloud, host: Host, container: str) -> None:
    """Start a container again that was killed, once podman knows that it has ended."""
    settled(f"podman to see that {container} has ended", lambda: host.runs(container), False)
    cloud.reconcile()


def test_layers_outlive_the_container(
    cloud: LocalCloud,
    client: httpx.Client,
    host: Host,
    layer: Layer,
    logged: Logged,
    fetches: Count,
) -> None:
    client.get(layer[0])
    os.kill(host.pid("nginx"), signal.SIGKILL)
    restart(cloud, host, "nginx")
    assert client.get(layer[0]).content == layer[1]
    logged()
    settled("one fetch", lambda: fetches(layer), 1)


def test_a_fetch_that_breaks_is_not_kept(
    cloud: LocalCloud,
    client: httpx.Client,
    host: Host,
    deployment: Deployment,
    repository: str,
    logged: Logged,
    fetches: Count,
) -> None:
    layer = push(deployment, repository, 200 * MEGABYTE)
    pid = host.pid("registry")
    with pytest.raises(httpx.HTTPError), client.stream("GET", layer[0]) as answer:  # noqa: PT012
        for _ in answer.iter_bytes():
            if pid:
                os.kill(pid, signal.SIGKILL)
                pid = 0
    restart(cloud, host, "registry")
    again = client.get(layer[0])
    assert hashlib.sha256(again.content).digest() == hashlib.sha256(layer[1]).digest()
    logged()
    assert fetches(layer) >= 1


def test_one_question_does_for_all_who_wait(
    client: httpx.Client, host: Host, layer: Layer, logged: Logged, questions: Count
) -> None:
    client.get(layer[0])
    logged()
    before = questions(layer)
    pid = host.pid("registry")
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(24) as pool:
            answers = [pool.submit(client.get, layer[0]) for _ in range(24)]
            time.sleep(2)
            os.kill(pid, signal.SIGCONT)
            contents = {hashlib.sha256(one.result().content).digest() for one in answers}
    finally:
        os.kill(pid, signal.SIGCONT)
    assert contents == {hashlib.sha256(layer[1]).digest()}
    logged()
    # Of each worker the one that was under way, and the one that all others waited for.
    assert 1 <= questions(layer) - before <= 2 * (os.cpu_count() or 1)


@pytest.fixture
def full_disk(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """The host's disk for layers is full for a while."""
    with disk_full(cloud, host):
        yield


@pytest.mark.usefixtures("full_disk")
def test_layers_come_without_the_cache_while_the_disk_is_full(
    client: httpx.Client, deployment: Deployment, repository: str, fetches: Count
) -> None:
    layer = push(deployment, repository, 20 * MEGABYTE)
    answers = [client.get(layer[0]).content for _ in range(2)]
    assert {hashlib.sha256(answer).digest() for answer in answers} == {
        hashlib.sha256(layer[1]).digest()
    }
    # S3's front logs a request after its last byte.
    settled("the log to have both fetches", lambda: fetches(layer), 2)
