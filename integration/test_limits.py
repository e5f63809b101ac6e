"""Slow clients live as long as they move; those that only hold connections do not."""

import hashlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Barrier
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from integration.conftest import QUICK
from integration.deployment import Deployment
from integration.images import MEGABYTE
from integration.local.registry import LocalRegistry
from integration.settled import settled
from integration.uploads import Upload

#: Seconds that a client has for its header, by nginx.conf, and what a shared machine adds.
HEADER, SLACK = 10, 10
#: Bytes a second that a slow upload may have.
SLOW = 100_000
#: Handshakes that are not ended, of 50 to 70 kB each.
HANDSHAKES = 1000
#: Seconds after which nginx gives memory back, by memory.lua.
GIVEN_BACK = 30
LIMIT = int(QUICK["proxy_connections_per_address"])


def seconds_until_closed(deployment: Deployment, drip: bytes) -> float:
    """Send a byte of an endless header each second, for a minute at most, until nobody listens."""
    start = time.monotonic()
    with deployment.connect() as client:
        client.sendall(b"GET /v2/ HTTP/1.1\r\nHost: registry\r\n")
        client.settimeout(1)
        while time.monotonic() - start < 60:
            try:
                client.sendall(drip)
                if not client.recv(1000):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - start


def test_a_slow_header_is_cut_off_and_others_notice_nothing(deployment: Deployment) -> None:
    with ThreadPoolExecutor(100) as pool:
        attack = [pool.submit(seconds_until_closed, deployment, b"x") for _ in range(100)]
        statuses = []
        while not all(one.done() for one in attack):
            with deployment.client() as client:
                statuses.append(client.get("/v2/").status_code)
            time.sleep(0.2)
    assert set(statuses) == {200}
    assert max(one.result() for one in attack) < HEADER + SLACK


def test_who_says_nothing_is_cut_off(deployment: Deployment) -> None:
    start = time.monotonic()
    with deployment.connect() as client:
        assert client.recv(1) == b""
    assert time.monotonic() - start < HEADER + SLACK


def client_hello() -> bytes:
    """Return what a client sends first."""
    sent = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="x")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def test_memory_of_half_open_handshakes_is_given_back(registry: LocalRegistry) -> None:
    nginx = psutil.Process(registry.cloud.hosts[0].pid("nginx"))
    door = urlsplit(registry.deployment.hosts[0])

    def taken() -> float:
        return sum(one.memory_info().rss for one in nginx.children(recursive=True)) / MEGABYTE

    before, hello = taken(), client_hello()
    with ExitStack() as stack:
        for _ in range(HANDSHAKES):
            address = (door.hostname or "", door.port or 443)
            client = stack.enter_context(socket.create_connection(address, timeout=60))
            client.sendall(hello)
        settled("handshakes to take memory", lambda: taken() > before + 25, True)
    settled("nginx to give memory back", lambda: taken() < before + 10, True, GIVEN_BACK + SLACK)


def test_a_slow_upload_lives(deployment: Deployment, repository: str) -> None:
    data = b"slow" * (2 * MEGABYTE // 4)

    def slowly() -> Iterator[bytes]:
        for start in range(0, len(data), SLOW // 10):
            yield data[start : start + SLOW // 10]
            time.sleep(0.1)

    upload = Upload.begin(deployment, deployment.url, repository)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    target = httpx.URL(upload.location).copy_merge_params({"digest": digest})
    begun = time.monotonic()
    with deployment.client() as client:
        answer = client.put(target, content=slowly())
        assert (answer.status_code, time.monotonic() - begun > HEADER) == (201, True)
        assert client.get(f"/v2/{repository}/blobs/{digest}").content == data


def test_a_header_that_is_too_large_is_refused(deployment: Deployment) -> None:
    with deployment.client() as client:
        for header in ({"X": "x" * 9000}, {f"X{n}": "x" * 7000 for n in range(5)}):
            answer = client.get("/v2/", headers=header)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "UNSUPPORTED")


def held(deployment: Deployment, url: str, repository: str) -> ssl.SSLSocket:
    """A request of which nginx waits for the body."""
    client = deployment.connect(url)
    lines = [
        f"PUT /v2/{repository}/manifests/held HTTP/1.1",
        "Host: registry",
        f"Authorization: {deployment.authorization}",
        "Content-Length: 100",
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    return client


def test_an_address_has_so_many_requests_at_a_time(
    registry: LocalRegistry, repository: str
) -> None:
    deployment = registry.deployment  # a live one may allow any number
    url = deployment.hosts[0]
    with ExitStack() as stack, deployment.client(url) as client:
        assert client.get("/v2/").status_code == 200
        # Some more: one that ends by itself must not make room for the next.
        for _ in range(LIMIT + 10):
            stack.enter_context(held(deployment, url, repository))
        settled("one request too many to be refused", lambda: client.get("/v2/").status_code, 429)
        refused = client.get("/v2/")
        assert client.get("/ssl").status_code == 200, "the host would go"
    assert (refused.status_code, refused.headers.get("Retry-After")) == (429, "1")
    assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"


def drip(deployment: Deployment, url: str, repository: str, until: float) -> None:
    """Begin an upload without a password, and send a byte of it every half second."""
    with deployment.connect(url) as client, suppress(OSError):
        client.sendall(
            f"POST /v2/{repository}/blobs/uploads/ HTTP/1.1\r\n"
            "Host: registry\r\nContent-Length: 1000000\r\n\r\n".encode()
        )
        while time.monotonic() < until:
            client.sendall(b"x")
            time.sleep(0.5)


def test_requests_without_a_password_hold_no_place(
    registry: LocalRegistry, repository: str
) -> None:
    deployment = registry.deployment
    url, until = deployment.hosts[0], time.monotonic() + 10
    statuses = []
    with ThreadPoolExecutor(LIMIT + 20) as pool, deployment.client(url) as client:
        flood = [pool.submit(drip, deployment, url, repository, until) for _ in range(LIMIT + 20)]
        while not all(one.done() for one in flood):
            statuses.append(client.get("/v2/").status_code)
            time.sleep(0.1)
    assert set(statuses) == {200}


def patch(deployment: Deployment, url: str, location: str, body: bytes) -> ssl.SSLSocket:
    """Begin to send four bytes to an upload."""
    client = deployment.connect(url)
    lines = [
        f"PATCH {httpx.URL(location).raw_path.decode()} HTTP/1.1",
        "Host: registry",
        f"Authorization: {deployment.authorization}",
        "Content-Type: application/octet-stream",
        "Content-Length: 4",
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return client


def test_upload_waits_until_another_one_ends(registry: LocalRegistry, repository: str) -> None:
    deployment = registry.deployment
    url = deployment.hosts[0]
    location = Upload.begin(deployment, url, repository).location
    # The limit follows the memory of the host. One user from one address has half of it.
    nginx = psutil.Process(registry.cloud.hosts[0].pid("nginx"))
    share = int(nginx.environ()["NGINX_UPLOADS"]) // 2
    with ExitStack() as stack:
        silent = [stack.enter_context(patch(deployment, url, location, b"")) for _ in range(share)]
        waiting = stack.enter_context(patch(deployment, url, location, b"body"))
        waiting.settimeout(2)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        silent[0].close()
        waiting.settimeout(20)
        assert waiting.recv(100).startswith(b"HTTP/1.1 202")


def test_user_has_so_many_lists_at_a_time(registry: LocalRegistry) -> None:
    deployment = registry.deployment
    begin = Barrier(60)

    def statuses(_: int) -> tuple[set[int], int]:
        with deployment.client(deployment.hosts[0]) as client:
            client.get("/v2/")
            begin.wait(60)
            # Again and again: on a busy machine the first ones do not come at the same time.
            lists = {client.get("/v2/_catalog").status_code for _ in range(10)}
            return lists, client.get("/v2/").status_code

    with ThreadPoolExecutor(begin.parties) as pool:
        found = list(pool.map(statuses, range(begin.parties)))
    assert set.union(*(lists for lists, _ in found)) == {200, 429}
    assert {other for _, other in found} == {200}
