"""Slow clients live as long as they move; those that only hold connections do not."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Barrier
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from integration.clients.deployment import Deployment, request_head
from integration.clients.image_builder import MEGABYTE, digest_of
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.conftest import QUICK
from integration.suite.registry.test_names import push

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
        # Without the empty line that ends the header.
        client.sendall(request_head("GET /v2/ HTTP/1.1")[:-2])
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
        while not all(request.done() for request in attack):
            with deployment.client() as client:
                statuses.append(client.get("/v2/").status_code)
            time.sleep(0.2)
    assert set(statuses) == {200}
    assert max(request.result() for request in attack) < HEADER + SLACK


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
        return (
            sum(process.memory_info().rss for process in nginx.children(recursive=True)) / MEGABYTE
        )

    before, hello = taken(), client_hello()
    with ExitStack() as stack:
        for _ in range(HANDSHAKES):
            address = (door.hostname or "", door.port or 443)
            client = stack.enter_context(socket.create_connection(address, timeout=60))
            client.sendall(hello)
        wait_until("handshakes to take memory", lambda: taken() > before + 25, True)
    wait_until("nginx to give memory back", lambda: taken() < before + 10, True, GIVEN_BACK + SLACK)


def test_a_slow_upload_lives(deployment: Deployment, repository: str) -> None:
    data = b"slow" * (2 * MEGABYTE // 4)

    def slowly() -> Iterator[bytes]:
        for start in range(0, len(data), SLOW // 10):
            yield data[start : start + SLOW // 10]
            time.sleep(0.1)

    with deployment.repository(repository) as client:
        upload, begun = client.begin(), time.monotonic()
        response = upload.put(digest_of(data), slowly())
        assert (response.status_code, time.monotonic() - begun > HEADER) == (201, True)
        assert client.blob(digest_of(data)) == len(data)


def test_a_header_that_is_too_large_is_refused(deployment: Deployment) -> None:
    with deployment.client() as client:
        for header in ({"X": "x" * 9000}, {f"X{n}": "x" * 7000 for n in range(5)}):
            response = client.get("/v2/", headers=header)
            assert (response.status_code, response.json()["errors"][0]["code"]) == (
                400,
                "UNSUPPORTED",
            )


def begin(deployment: Deployment, url: str, line: str, *headers: str) -> ssl.SSLSocket:
    """Send the header of a request."""
    client = deployment.connect(url)
    client.sendall(header(deployment, line, *headers))
    return client


def header(deployment: Deployment, line: str, *headers: str) -> bytes:
    login = f"Authorization: {deployment.authorization}"
    return request_head(f"{line} HTTP/1.1", login, *headers)


def narrow(cloud: LocalCloud) -> ssl.SSLSocket:
    """Connect to nginx on the first host, without room for more of a response than some kB."""
    with cloud.network.inside(cloud.hosts[0].pod):
        client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", 8443))
    context = ssl._create_unverified_context()  # noqa: S323  (the certificate has another name)
    return context.wrap_socket(client)


def held(deployment: Deployment, url: str, repository: str) -> ssl.SSLSocket:
    """Return a request of which nginx waits for the body."""
    return begin(deployment, url, f"PUT /v2/{repository}/manifests/held", "Content-Length: 100")


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
        wait_until(
            "one request too many to be refused", lambda: client.get("/v2/").status_code, 429
        )
        refused = client.get("/v2/")
        assert client.get("/ssl").status_code == 200, "the host would go"
    assert (refused.status_code, refused.headers.get("Retry-After")) == (429, "1")
    assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"


def drip(deployment: Deployment, url: str, repository: str, until: float) -> None:
    """Begin an upload without a password, and send a byte of it every half second."""
    with deployment.connect(url) as client, suppress(OSError):
        line = f"POST /v2/{repository}/blobs/uploads/ HTTP/1.1"
        client.sendall(request_head(line, "Content-Length: 1000000"))
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
        while not all(request.done() for request in flood):
            statuses.append(client.get("/v2/").status_code)
            time.sleep(0.1)
    assert set(statuses) == {200}


def share_of_a_user(registry: LocalRegistry) -> int:
    """Return how many uploads, or manifests, one user has from one address: half of a host's."""
    nginx = psutil.Process(registry.cloud.hosts[0].pid("nginx"))
    return int(nginx.environ()["NGINX_UPLOADS"]) // 2


@pytest.mark.parametrize("kind", ["upload", "manifest"])
def test_body_waits_until_another_one_ends(
    registry: LocalRegistry, repository: str, kind: str
) -> None:
    deployment = registry.deployment
    url = deployment.hosts[0]
    line = probe = f"PUT /v2/{repository}/manifests/1"
    status = b"400"
    if kind == "upload":
        with deployment.repository(repository, url) as client:
            line, probe = (
                f"PATCH {httpx.URL(client.begin().location).raw_path.decode()}" for _ in range(2)
            )
        status = b"202"
    with ExitStack() as stack:

        def send(line: str) -> ssl.SSLSocket:
            return stack.enter_context(begin(deployment, url, line, "Content-Length: 4"))

        def waits(client: ssl.SSLSocket) -> bool:
            client.sendall(b"body")
            client.settimeout(2)
            try:
                client.recv(1)
            except TimeoutError:
                return True
            return False

        silent = [send(line) for _ in range(share_of_a_user(registry))]
        # A busy nginx may read the last header after that of the next request.
        wait_until("all places to be taken", lambda: waits(send(probe)), True)
        waiting = send(line)
        assert waits(waiting)
        silent[0].close()
        waiting.settimeout(20)
        assert waiting.recv(100).split()[1] == status


def unsent(cloud: LocalCloud, pod: str) -> int:
    """Return the bytes that a host's registry has written and nginx has not read."""
    with cloud.network.inside(pod):
        lines = subprocess.check_output(["ss", "-Htn", "sport = :5000"], text=True).splitlines()
    return sum(int(line.split()[2]) for line in lines)


def test_slow_reader_of_a_large_manifest_holds_no_memory_of_the_registry(
    registry: LocalRegistry, repository: str
) -> None:
    deployment, cloud = registry.deployment, registry.cloud
    push(deployment, repository, "large", annotations={"a": "x" * 4_000_000})

    def read(stack: ExitStack, method: str = "GET") -> bytes:
        client = stack.enter_context(narrow(cloud))
        client.sendall(header(deployment, f"{method} /v2/{repository}/manifests/large"))
        return client.recv(12)[-3:]

    with ExitStack() as stack:
        statuses = [read(stack) for _ in range(share_of_a_user(registry) + 1)]
        assert statuses.pop() == b"429"
        assert set(statuses) == {b"200"}
        assert read(stack, "HEAD") == b"200"
        wait_until("nginx to have it all", lambda: unsent(cloud, cloud.hosts[0].pod), 0)
        # From another address the same user has places.
        with deployment.client(deployment.hosts[0]) as client:
            assert client.get(f"/v2/{repository}/manifests/large").status_code == 200
    with ExitStack() as stack:
        wait_until("the places to be free", lambda: read(stack), b"200")


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
