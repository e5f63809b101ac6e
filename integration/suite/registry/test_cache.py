"""Layers from a host's own disk: fetched once, and only for those who may have them now."""

import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import httpx
import psutil
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MANIFEST, MEGABYTE
from integration.console.waiting import wait_until
from integration.faults.faults import disk_full, s3_cut
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.suite.support.layers import SLICE, Layer, push
from integration.suite.support.logs import await_logs

Logged = Callable[[], None]
Count = Callable[[Layer], int]


@pytest.fixture
def logged(cloud: LocalCloud, deployment: Deployment) -> Logged:
    """Return a function that waits until the hosts have logged the requests so far.

    nginx logs a request after the response.
    """
    return partial(await_logs, cloud, deployment)


@pytest.fixture
def fetches(cloud: LocalCloud, host: Host) -> Count:
    """Return how many slices of a layer the host has fetched."""
    log = cloud.endpoints.s3_log
    return lambda layer: log.reads(host.address, f"/{hexadecimal(layer)}/data")


@pytest.fixture
def checks(cloud: LocalCloud, host: Host) -> Count:
    """Return how often the host has looked whether a repository has a layer."""
    log = cloud.endpoints.s3_log
    return lambda layer: log.reads(host.address, f"/{hexadecimal(layer)}/link")


def hexadecimal(layer: Layer) -> str:
    return layer[0].rpartition(":")[2]


def test_a_layer_is_fetched_once(
    client: httpx.Client, layer: Layer, logged: Logged, fetches: Count
) -> None:
    responses = [client.get(layer[0]) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert {response.content for response in responses} == {layer[1]}
    logged()
    wait_until("one fetch", lambda: fetches(layer), 1)
    assert len({tuple(sorted(described(response).items())) for response in responses}) == 1


def described(response: httpx.Response) -> dict[str, str]:
    """Return the headers of an answer that say what it is."""
    names = ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Cache-Control")
    return {name: response.headers[name] for name in (*names, "Accept-Ranges")}


def test_a_layer_is_fetched_once_however_many_ask(
    client: httpx.Client, deployment: Deployment, repository: str, logged: Logged, fetches: Count
) -> None:
    layer = push(deployment, repository, 40 * MEGABYTE)
    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda _: client.get(layer[0]).content, range(16)))
    assert {hashlib.sha256(response).digest() for response in responses} == {
        hashlib.sha256(layer[1]).digest()
    }
    logged()
    wait_until("one fetch of each slice", lambda: fetches(layer), -(-len(layer[1]) // SLICE))


def test_a_warm_layer_takes_two_requests_to_s3(
    cloud: LocalCloud,
    host: Host,
    client: httpx.Client,
    layer: Layer,
    logged: Logged,
    fetches: Count,
) -> None:
    """Expect the link object and the head of the blob, concurrently, before the first byte."""

    def requests() -> Counter[str]:
        log = cloud.endpoints.s3_log.requests(host.address)
        return Counter(
            request.partition(" ")[0] + request.partition("?")[0][-5:]
            for request in log
            if hexadecimal(layer) in request
        )

    client.get(layer[0])
    logged()
    wait_until("the fetch to be logged", lambda: fetches(layer), 1)
    before = requests()
    client.get(layer[0])
    logged()
    wait_until("two requests", requests, before + Counter({"GET/link": 1, "HEAD/data": 1}))


def test_a_range_fetches_its_slices_only(
    client: httpx.Client, deployment: Deployment, repository: str, logged: Logged, fetches: Count
) -> None:
    layer = push(deployment, repository, 5 * SLICE)
    asked = f"bytes={3 * SLICE + 5}-{3 * SLICE + 9}"
    response = client.get(layer[0], headers={"Range": asked})
    assert response.content == layer[1][3 * SLICE + 5 : 3 * SLICE + 10]
    logged()
    wait_until("one slice", lambda: fetches(layer), 1)


def test_a_pull_needs_no_registry(
    client: httpx.Client, host: Host, layer: Layer, repository: str
) -> None:
    """nginx reads layers and manifests from S3 by itself."""
    manifest = put_manifest(client, repository, layer)
    pid = host.pid("registry")
    os.kill(pid, signal.SIGSTOP)
    try:
        for reference in ("latest", manifest.headers["Docker-Content-Digest"]):
            response = client.get(f"/v2/{repository}/manifests/{reference}", timeout=5)
            assert response.headers["ETag"] == f'"{manifest.headers["Docker-Content-Digest"]}"'
            assert response.headers["Content-Type"] == MANIFEST
        assert client.head(f"/v2/{repository}/manifests/latest", timeout=5).status_code == 200
        assert client.get(layer[0], timeout=5).content == layer[1]
    finally:
        os.kill(pid, signal.SIGCONT)


def put_manifest(client: httpx.Client, repository: str, layer: Layer) -> httpx.Response:
    """Push a manifest with the tag ``latest``, of one layer, which is its configuration, too."""
    blob = {"digest": layer[0].rpartition("/")[2], "size": len(layer[1])}
    kind = "application/vnd.oci.image"
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": f"{kind}.config.v1+json", **blob},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar", **blob}],
    }
    path = f"/v2/{repository}/manifests/latest"
    response = client.put(path, json=content, headers={"Content-Type": MANIFEST})
    return response.raise_for_status()


def test_head_fetches_nothing(
    client: httpx.Client, layer: Layer, logged: Logged, fetches: Count
) -> None:
    response = client.head(layer[0])
    assert response.headers["Content-Length"] == str(len(layer[1]))
    logged()
    assert fetches(layer) == 0


def test_a_client_that_has_it_gets_no_bytes(client: httpx.Client, layer: Layer) -> None:
    tag = client.get(layer[0]).headers["ETag"]
    assert client.get(layer[0], headers={"If-None-Match": tag}).status_code == 304


def test_a_layer_is_served_only_from_repositories_that_have_it(
    client: httpx.Client, layer: Layer, repository: str
) -> None:
    assert client.get(layer[0]).status_code == 200
    response = client.get(layer[0].replace(repository, f"{repository}/other"))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")


def test_a_layer_that_was_deleted_elsewhere_is_not_served(
    client: httpx.Client, deployment: Deployment, layer: Layer
) -> None:
    assert client.get(layer[0]).status_code == 200
    with deployment.client(deployment.hosts[1]) as other:
        assert other.delete(layer[0]).status_code == 202
    assert client.get(layer[0]).status_code == 404


def restart(cloud: LocalCloud, host: Host, container: str) -> None:
    """Start a container again that was killed, once podman knows that it has ended."""
    wait_until(f"podman to see that {container} has ended", lambda: host.runs(container), False)
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
    wait_until("one fetch", lambda: fetches(layer), 1)


def fetchers(host: Host) -> list[psutil.Process]:
    """Return the workers of the nginx that fetches layers; its master starts others."""
    programs = psutil.Process(host.pid("nginx")).children()
    (master,) = (program for program in programs if "layers.conf" in " ".join(program.cmdline()))
    return master.children()


def test_behind_a_slice_that_breaks_off_nothing_comes(
    client: httpx.Client, host: Host, deployment: Deployment, repository: str
) -> None:
    layer = push(deployment, repository, 200 * MEGABYTE)
    content, next_kill = bytearray(), 20 * MEGABYTE
    with pytest.raises(httpx.HTTPError), client.stream("GET", layer[0]) as response:  # noqa: PT012
        for part in response.iter_bytes():
            content += part
            # nginx notices by itself that the first slice breaks off.
            if len(content) > next_kill:
                next_kill += MEGABYTE
                for fetching in fetchers(host):
                    fetching.kill()
    begins = layer[1].startswith(bytes(content))
    assert begins, "bytes are missing in the middle"
    again = client.get(layer[0]).content
    assert hashlib.sha256(again).digest() == hashlib.sha256(layer[1]).digest(), "it was kept"


def test_one_check_serves_concurrent_requests(
    cloud: LocalCloud,
    client: httpx.Client,
    host: Host,
    layer: Layer,
    logged: Logged,
    checks: Count,
) -> None:
    client.get(layer[0])
    number = 8 * (os.cpu_count() or 1)
    connected = Barrier(number)

    def connect() -> None:
        connected.wait()
        client.get("/v2/")

    with ThreadPoolExecutor(number) as pool:
        # Before the cut: handshakes could take longer than it lasts.
        for connection in [pool.submit(connect) for _ in range(number)]:
            connection.result()
        logged()
        before = checks(layer)
        with s3_cut(cloud, host):
            responses = [pool.submit(client.get, layer[0]) for _ in range(number)]
            # Less than nginx waits for S3.
            time.sleep(1)
        contents = {hashlib.sha256(response.result().content).digest() for response in responses}
    assert contents == {hashlib.sha256(layer[1]).digest()}
    logged()
    # Of each worker the one that was under way, and the one that all others waited for; on a busy
    # machine also those of requests that came after the cut.
    assert 1 <= checks(layer) - before <= number // 2


@pytest.fixture
def full_disk(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """Fill a host's disk for layers; free it in the end."""
    with disk_full(cloud, host):
        yield


@pytest.mark.usefixtures("full_disk")
def test_layers_come_without_the_cache_while_the_disk_is_full(
    client: httpx.Client, deployment: Deployment, repository: str, fetches: Count
) -> None:
    layer = push(deployment, repository, 20 * MEGABYTE)
    responses = [client.get(layer[0]).content for _ in range(2)]
    assert {hashlib.sha256(response).digest() for response in responses} == {
        hashlib.sha256(layer[1]).digest()
    }
    # S3's front logs a request after its last byte.
    wait_until("the log to have both fetches", lambda: fetches(layer), 2)
