"""Every line that the containers log is JSON, and none holds the state of an upload."""

import base64
import json
import re
import socket
import ssl
import time
from contextlib import ExitStack

import pytest

from integration.clients.deployment import Deployment, request_head
from integration.clients.image_builder import CONFIG, MANIFEST, describe, manifest_of
from integration.load.watch import CONTAINERS
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.network.endpoints import BROKEN
from integration.suite.support.logs import await_logs

#: What must not show in any line: a query that a client has sent.
STATE = "state-of-no-upload"
#: Requests of a flood on one connection, of which nginx allows 1,000, and by nginx.conf those that
#: are answered at once, and in each second after them.
FLOOD, BURST, RATE = 900, 100, 50


def send(
    deployment: Deployment,
    line: str | bytes,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> bytes:
    """Send a request as it is to one host; return the response."""
    # nginx keeps the connection otherwise.
    lines = ["Connection: close", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return deployment.exchange(request_head(line, *lines) + body, deployment.hosts[0])


def basic(user: bytes) -> str:
    return "Basic " + base64.b64encode(user + b":wrong").decode()


@pytest.fixture
def host(cloud: LocalCloud) -> Host:
    """Return the host of the first door."""
    return cloud.hosts[0]


class NewLines:
    """The lines that hosts have logged since the test began; earlier lines are of other tests."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._logs = {
            (host.id, name): (host.log(name), host.log(name).stat().st_size)
            for host in cloud.hosts
            for name in CONTAINERS
        }

    def of(self, host: Host, container: str) -> list[bytes]:
        """Return the new lines of a container."""
        log, size = self._logs[host.id, container]
        return log.read_bytes()[size:].splitlines()


@pytest.fixture
def new_lines(cloud: LocalCloud) -> NewLines:
    return NewLines(cloud)


def send_what_is_hard_to_log(deployment: Deployment, repository: str) -> None:
    send(deployment, b"GET /v2/\xff\xfe/manifests/1 HTTP/1.1")
    send(deployment, 'GET /v2/"\\\x7f/manifests/1 HTTP/1.1')
    send(deployment, "GET /v2/{}/manifests/1 HTTP/1.1".format('"' * 7000))
    send(deployment, "{} /v2/ HTTP/1.1".format("A" * 7000))
    send(deployment, b"\xff\xfe\x00")
    for user in (b"\xff\xfe", b'"\\\x01\n', "józef".encode(), b"\xed\xa0\x80", b"x" * 1000):
        send(deployment, "GET /v2/ HTTP/1.1", {"Authorization": basic(user)})
    path = f"/v2/{repository}/blobs/uploads/1?_state={STATE}"
    chunked = {"Transfer-Encoding": "chunked"}
    send(deployment, f"PATCH {path} HTTP/1.1", chunked, b"zz\r\n")
    known = {**chunked, "Authorization": deployment.authorization}
    send(deployment, f"PATCH {path} HTTP/1.1", known, b"zz\r\n")
    deployment.push_blob(repository, b"data", deployment.hosts[0])


def test_every_line_is_json_without_the_state_of_an_upload(
    cloud: LocalCloud, deployment: Deployment, repository: str, new_lines: NewLines
) -> None:
    send_what_is_hard_to_log(deployment, repository)
    await_logs(cloud, deployment)
    for host in cloud.hosts:
        for container in CONTAINERS:
            for line in new_lines.of(host, container):
                # What a pipe takes from several workers without mixing lines up.
                assert container != "nginx" or len(line) < 4096
                # podman writes the time of the line before it.
                entry = json.loads(line[line.index(b"{") :].decode())
                # The registry logs the request of an upload that failed: docs/proxy.md.
                if b"_state=" in line:
                    assert (container, entry.get("level")) == ("registry", "error"), line


def test_a_user_is_logged_whole_or_not_at_all(
    cloud: LocalCloud, deployment: Deployment, host: Host, repository: str
) -> None:
    for tag, user in enumerate((deployment.username.encode() + b"\xff", "józef".encode())):
        request = f"GET /v2/{repository}/manifests/{tag} HTTP/1.1"
        send(deployment, request, {"Authorization": basic(user)})
    await_logs(cloud, deployment)
    # Clients of other tests may still be there.
    lines = [line for line in host.log("nginx").read_text().splitlines() if repository in line]
    entries = [json.loads(line[line.index("{") :]) for line in lines]
    users = {entry["uri"][-1]: entry["user"] for entry in entries}
    assert users == {"0": "", "1": "józef"}


def test_what_a_client_sends_is_no_error_of_s3(
    cloud: LocalCloud, deployment: Deployment, host: Host, new_lines: NewLines
) -> None:
    with deployment.client(deployment.hosts[0]) as client:
        client.headers["User-Agent"] = "s3aws: x"
        for path in ("/ssl", "/v2/s3aws/manifests/s3aws", "/v2/a/manifests/s3aws:x"):
            assert client.get(path).status_code in (200, 404)
    await_logs(cloud, deployment)
    assert not [line for line in new_lines.of(host, "nginx") if b'"failure":"s3aws' in line]


def test_an_error_of_s3_while_a_manifest_is_pushed_is_logged(
    cloud: LocalCloud, deployment: Deployment, host: Host, repository: str, new_lines: NewLines
) -> None:
    deployment.push_blob(repository, b"{}")
    image = manifest_of(describe(CONFIG, b"{}"), [])
    with (
        deployment.client(deployment.hosts[0]) as client,
        cloud.endpoints.refusing(host.address, BROKEN),
    ):
        path, kind = f"/v2/{repository}/manifests/1", {"Content-Type": MANIFEST}
        response = client.put(path, json=image, headers=kind)
    assert response.status_code == 500
    assert "s3aws" not in response.text, "the client sees an error of S3"
    await_logs(cloud, deployment)
    assert [line for line in new_lines.of(host, "nginx") if b'"failure":"s3aws' in line]


def test_the_health_check_passes_no_header_on(deployment: Deployment) -> None:
    # Go answers 400 to such a value, nginx does not.
    response = send(deployment, "GET /ssl HTTP/1.1", {"X-Odd": "\x01"})
    assert response.startswith(b"HTTP/1.1 200")


def test_health_checks_of_one_ipv6_network_are_limited_together(
    cloud: LocalCloud, host: Host
) -> None:
    context = ssl._create_unverified_context()  # noqa: S323  (the certificate has another name)
    statuses: list[bytes] = []
    with ExitStack() as stack:
        checkers = []
        for number in range(8):
            with cloud.network.inside(host.pod):
                client = socket.create_connection(("127.0.0.1", 8444))
            # As the classic load balancer says it, on the port that it uses.
            client.sendall(f"PROXY TCP6 2001:db8::{number:x} ::1 1 444\r\n".encode())
            checkers.append(stack.enter_context(context.wrap_socket(client)))
        # After all handshakes, which may take as long as the limit needs to let all requests pass.
        for checker in checkers:
            # Together more than one address may send at once, each of them less.
            checker.sendall(b"GET /ssl HTTP/1.1\r\nHost: a\r\n\r\n" * 89)
            checker.sendall(b"GET /ssl HTTP/1.0\r\n\r\n")
        for checker in checkers:
            statuses += re.findall(rb"HTTP/1.1 (\d+)", checker.makefile("rb").read())
    assert set(statuses) == {b"200", b"429"}


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /ssl HTTP/1.1", {"X-Long": "x" * 4000}, b"413"),
        ("POST /ssl HTTP/1.1", {}, b"405"),
        ("HEAD /ssl HTTP/1.1", {}, b"200"),
        ("GET /ssl HTTP/1.0", {}, b"200"),
    ],
    ids=["long", "POST", "HEAD", "HTTP/1.0"],
)
def test_the_health_check_is_short(
    deployment: Deployment, request_line: str, headers: dict[str, str], status: bytes
) -> None:
    assert send(deployment, request_line, headers).split()[1] == status


def test_a_flood_of_health_checks_ends_at_nginx(deployment: Deployment, host: Host) -> None:
    begun = time.monotonic()
    request = request_head("GET /ssl HTTP/1.1")
    with deployment.connect(deployment.hosts[0]) as client:
        client.sendall(request * FLOOD)
        responses = client.makefile("rb")
        statuses: list[bytes] = []
        while len(statuses) < FLOOD and (line := responses.readline()):
            if line.startswith(b"HTTP/1.1 "):
                statuses.append(line.split()[1])
    seconds = time.monotonic() - begun
    assert set(statuses) == {b"200", b"429"}
    assert BURST <= statuses.count(b"200") <= BURST + RATE * (seconds + 1)
    time.sleep(BURST / RATE)
    with deployment.client(deployment.hosts[0]) as checker:
        assert [checker.get("/ssl").status_code for _ in range(20)] == [200] * 20
    assert '"uri":"/ssl","repository":"","status":429' in host.log("nginx").read_text()
