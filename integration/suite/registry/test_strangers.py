"""Clients without a password get nothing, and do not affect others."""

import dataclasses
import hashlib
import http.client
import os
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.clients.deployment import Deployment
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.registry.test_authentication import API, DIGEST, ROUTES
from integration.suite.support.logs import await_logs

#: Seconds after which a host has forgotten who failed there, by authentication.lua.
WINDOW = 30
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"]
PIECES = st.sampled_from(
    ["v2", "_catalog", "blobs", "uploads", "manifests", "tags", "list", "ssl", ".verify", "debug",
     "error.json", "metrics", "..", ".", "", "%2e%2e", "%2F", "%00", "a", "latest", "sha256:00",
     "v2;a", "?", "#", "%", "\\", "V2", "ssl/", "x" * 300]
)  # fmt: skip
NAMES = st.sampled_from(
    ["any", "wharf-test/a", "library/debian", "ssl", "v2/_catalog", "a/blobs/uploads", "tags/list"]
)
TAGS = st.sampled_from(["1", "latest", "v1.2.3", "_", "x" * 128, "sha256:00"])
DIGESTS = st.sampled_from([DIGEST, f"sha256:{hashlib.sha256().hexdigest()}", "sha512:" + "0" * 128])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "X-Forwarded-For", "X-Original-URI", "X-Rewrite-URL", "Forwarded",
         "X-Accel-Redirect", "Connection", "Upgrade", "Transfer-Encoding", "Cookie", "Range"]
    ),
    st.sampled_from(
        ["", "Basic", "Basic !", "Basic Og==", "Bearer x", "127.0.0.1", "/v2/", "close", "chunked",
         "keep-alive, Authorization", "bytes=0-1", "websocket"]
    ),
    max_size=3,
)  # fmt: skip


def named(route: tuple[str, str], name: str, tag: str, digest: str) -> tuple[str, str]:
    """Return a method and a path of the API, of another repository, tag (or upload) and digest."""
    method, path = route
    return method, path.replace("/1", f"/{tag}").replace("any", name).replace(DIGEST, digest)


REQUESTS = st.one_of(
    st.builds(named, st.sampled_from(ROUTES), NAMES, TAGS, DIGESTS),
    st.builds(
        named, st.tuples(st.sampled_from(METHODS), st.sampled_from([*API])), NAMES, TAGS, DIGESTS
    ),
    st.tuples(
        st.sampled_from(METHODS),
        st.lists(PIECES, max_size=6).map(lambda pieces: "/" + "/".join(pieces)),
    ),
)


def ask(
    deployment: Deployment, method: str, path: str, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Send a request as it is: other clients tidy up what a test wants to be odd."""
    context = ssl.create_default_context(cafile=deployment.ca)
    where = urlsplit(deployment.url).netloc
    connection = http.client.HTTPSConnection(where, context=context, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Wait in the end until the hosts forget failed logins: all tests have one address."""
    yield
    time.sleep(WINDOW)


@pytest.mark.usefixtures("forgotten")
@settings(
    max_examples=1500,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(asked=REQUESTS, headers=HEADERS)
def test_no_request_without_a_password_gets_anything(
    deployment: Deployment, asked: tuple[str, str], headers: dict[str, str]
) -> None:
    method, path = asked
    status, body = ask(deployment, method, path, headers)
    if status < 300:
        # The health check, however its path is spelled, has nothing to say.
        assert (body, path.split("?")[0].rstrip("/").endswith("ssl")) == (b"", True)


@pytest.mark.parametrize(
    "header", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "5"}], ids=["chunked", "long"]
)
def test_the_health_check_waits_for_no_body(deployment: Deployment, header: dict[str, str]) -> None:
    status, body = ask(deployment, "GET", "/ssl", header)
    assert status == 413
    assert b"SIZE_INVALID" in body


@pytest.mark.parametrize(
    "path",
    [
        "/v2/a/../b/tags/list",
        "/v2/a/%2e%2e/b/tags/list",
        "/v2//a/tags/list",
        "/v2/./a/tags/list",
        "/v2/a%2Fb/tags/list",
        "/v2/a/tags/list/..",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_none(deployment: Deployment, path: str) -> None:
    status, body = ask(deployment, "GET", path, {"Authorization": deployment.authorization})
    assert status == 404
    # Nor does the registry know such a repository: it must not have been asked.
    assert b"NAME_UNKNOWN" not in body


def test_the_colon_of_a_digest_may_be_escaped(deployment: Deployment) -> None:
    with deployment.client() as client:
        responses = [
            client.get(f"/v2/a/blobs/sha256{colon}{'0' * 64}") for colon in (":", "%3A", "%3a")
        ]
    assert [response.json()["errors"][0]["code"] for response in responses] == ["BLOB_UNKNOWN"] * 3


@pytest.mark.parametrize(
    "header",
    [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding : chunked",
        "Content-Length: 5\r\nTransfer-Encoding: xchunked",
        "Content-Length: 5\r\n Transfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding:\x0bchunked",
        "Content-Length: +5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity, chunked",
        "Content-Length: 5\r\nConnection: Content-Length",
    ],
)
def test_no_request_is_smuggled_in_the_body_of_another(
    cloud: LocalCloud, deployment: Deployment, repository: str, header: str
) -> None:
    lines = [
        f"PATCH /v2/{repository}/blobs/uploads/1 HTTP/1.1",
        "Host: registry",
        f"Authorization: {deployment.authorization}",
        header,
    ]
    hidden = f"GET /v2/{repository}/hidden/manifests/1 HTTP/1.1\r\nHost: registry\r\n\r\n"
    with deployment.connect() as client:
        client.sendall("\r\n".join([*lines, "", "0", "", hidden]).encode())
        client.settimeout(10)
        response = client.recv(10_000).decode()
    assert int(response.split()[1]) >= 400
    await_logs(cloud, deployment)
    # As a request of its own it has no password; with that of the other one it would pass.
    for host in cloud.hosts:
        assert "hidden/manifests" not in host.log("registry").read_text()


@pytest.fixture
def victim(registry: LocalRegistry) -> Iterator[Deployment]:
    """Yield one host; wait in the end until it has forgotten failed logins."""
    deployment = registry.deployment
    attacked = dataclasses.replace(deployment, url=deployment.hosts[0])
    yield attacked
    # One that is not known to be wrong: that would get 401 at once.
    response = guess(attacked, time.monotonic_ns())
    if response.status_code == 429:
        time.sleep(int(response.headers["Retry-After"]))


def guess(victim: Deployment, number: int) -> httpx.Response:
    """Try a wrong password."""
    with dataclasses.replace(victim, password=f"guess {number}").client() as session:
        return session.get("/v2/")


def test_who_guesses_passwords_has_to_wait_and_nobody_else(victim: Deployment) -> None:
    with victim.client() as friend:
        assert friend.get("/v2/").status_code == 200
    with ThreadPoolExecutor(50) as pool:
        guesses = [pool.submit(guess, victim, number) for number in range(50)]
        friends = []
        while not all(login.done() for login in guesses):
            with victim.client() as friend:
                friends.append((friend.get("/v2/").status_code, friend.get("/ssl").status_code))
            time.sleep(0.05)  # of one address, /ssl answers 50 requests a second
    responses = [login.result() for login in guesses]
    assert {response.status_code for response in responses} == {401, 429}
    # Ten, and those that each of the workers was having verified when the tenth failed.
    verified = sum(response.status_code == 401 for response in responses)
    assert verified < 10 + 4 * (os.cpu_count() or 1)
    assert set(friends) == {(200, 200)}
    for response in responses:
        if response.status_code == 429:
            assert 1 <= int(response.headers["Retry-After"]) <= 30
            assert response.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
            assert response.elapsed.total_seconds() >= 1


def test_a_password_is_nowhere_in_the_logs(cloud: LocalCloud, deployment: Deployment) -> None:
    with dataclasses.replace(deployment, password="do-not-log-me").client() as client:
        client.get("/v2/", params={"password": "nor-me"})
    await_logs(cloud, deployment)
    for host in cloud.hosts:
        for container in ("nginx", "registry"):
            text = host.log(container).read_text()
            for secret in (deployment.password, "do-not-log-me", "nor-me"):
                assert secret not in text
