"""nginx, Lua and the registry read a target alike: what was checked is what is sent on.

An echo server in the place of a host's registry records the targets that it gets. A model of Go's
code reads each of them, and the client's.
"""

import dataclasses
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import psutil
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration.deployment import Deployment
from integration.go_targets import Reading, read
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.published import PERMISSIONS, Published
from integration.workers import renew_workers

pytestmark = pytest.mark.usefixtures("only_local")

USER, OWN, OTHER = "team", "team-a/x", "team-b/secret"
ACCOUNTS = f"demo delete *\n{USER} push team-a/*\n"
#: Of no layer: what the echo server responds gets into the cache of the host.
DIGEST = "sha256:" + "7e57" * 16
KNOWN = ["_state", "digest", "from", "mount"]

#: What one reader takes for a border, and another one does not.
SEAMS = st.sampled_from(
    ["#", "?", "&", "=", ";", "/", "//", "/./", "/../", "\\", ":", "%2f", "%2F", "%2e%2e", "%23",
     "%3f", "%3F", "%3a", "%3A", "%26", "%3d", "%3b", "%25", "%00", "%0a", "%zz", "%", "+", "%20",
     "&amp;", "*", "@", "\t", "\x00", "\x7f", "\xe9", "%c3%a9", "?#", "#?", "&&", "?&", ".", "..",
     "A", "x" * 200]
)  # fmt: skip
REPOSITORIES = st.sampled_from(
    [OWN, OWN, OWN, OWN, OTHER, "team-a", "team-a/blobs/uploads", "team-a/blobs", "team-a/UP"]
)
PATHS = st.builds(
    str.format,
    st.sampled_from(
        ["/v2/{0}/blobs/uploads/"] * 4 + ["/v2/{0}/blobs/uploads/1",
         "/v2/{0}/blobs/uploads/1", "/v2/{0}/blobs/{1}", "/v2/{0}/manifests/{1}",
         "/v2/{0}/manifests/latest", "/v2/{0}/tags/list", "/v2/", "/v2", "/v2/_catalog", "*"]
    ),
    REPOSITORIES,
    st.sampled_from([DIGEST, DIGEST.replace(":", "%3A")]),
)  # fmt: skip
NAMES = st.sampled_from([*KNOWN, "%6dount", "Mount", "n", "last", "x", ""])
VALUES = st.one_of(REPOSITORIES, st.sampled_from([DIGEST, "", "a+b", "a%2Bb", "=", "%3D%3D"]))
ARGUMENTS = st.lists(
    st.one_of(st.builds("{}={}".format, NAMES, VALUES), NAMES, st.just("&".join("a" * 150))),
    max_size=5,
).map("&".join)
BEGINNINGS = st.one_of(
    st.just(""),
    st.sampled_from(["", "https://registry", "https://registry:443/..", "//registry", "/."]),
)


@st.composite
def targets(draw: st.DrawFn) -> str:
    """Return a target of the API with seams at up to two places."""
    target = draw(BEGINNINGS) + draw(PATHS) + "?" + draw(ARGUMENTS)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(target)))
        target = target[:place] + draw(SEAMS) + target[place:]
    return target


class Echo(BaseHTTPRequestHandler):
    """A registry that has every layer, and records the target of each request."""

    protocol_version = "HTTP/1.1"
    server: "EchoServer"

    def parse_request(self) -> bool:
        """Record the target as nginx has sent it: the library changes some."""
        line: bytes = self.raw_requestline  # type: ignore[attr-defined]
        self.server.seen.append(line.split(b" ")[1])
        return super().parse_request()

    def respond(self) -> None:
        """Respond with two bytes, and close: nginx must keep no connection to this server."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    do_GET = do_HEAD = do_POST = do_PUT = respond

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class EchoServer(ThreadingHTTPServer):
    """The server of ``Echo``, on the loopback of the network in which it is made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.seen: list[bytes] = []


@contextmanager
def redirected(cloud: LocalCloud, pod: str, port: int, other: int) -> Iterator[None]:
    """Lead new connections to a port to another one, in the network of a host."""
    rule = f"type nat hook output priority -100; tcp dport {port} redirect to :{other};"
    table = f"table ip echo {{ chain output {{ {rule} }}; }}"
    with cloud.network.inside(pod):
        subprocess.run(["nft", "--file", "-"], input=table, text=True, check=True)
    try:
        yield
    finally:
        with cloud.network.inside(pod):
            subprocess.run(["nft", "delete table ip echo"], check=True)


@dataclass
class Proxy:
    """A host's nginx with the echo server behind it, for one user."""

    deployment: Deployment
    server: EchoServer

    def send(self, method: str, target: str) -> list[bytes]:
        """Send a target as it is; return those that came to the place of the registry."""
        self.server.seen.clear()
        head = f"{method} {target} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n"
        login = f"Authorization: {self.deployment.authorization}\r\nContent-Length: 0\r\n\r\n"
        with self.deployment.connect() as client:
            client.sendall((head + login).encode("latin-1"))
            while client.recv(10_000):
                pass
        return list(self.server.seen)


@pytest.fixture(scope="module")
def proxy(
    registry: LocalRegistry, cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    host = cloud.hosts[0]
    published = Published(registry, tmp_path_factory.mktemp("files"))
    published.add_user(USER, "secret")
    (published.folder / PERMISSIONS).write_text(ACCOUNTS)
    published.publish()
    user = dataclasses.replace(
        registry.deployment, url=registry.deployment.hosts[0], username=USER, password="secret"
    )
    # A socket stays in the network in which it was made; clients connect from outside.
    with cloud.network.inside(host.pod):
        server = EchoServer()
    with server, redirected(cloud, host.pod, 5000, server.server_port):
        Thread(target=server.serve_forever).start()
        renew_workers(psutil.Process(host.pid("nginx")).children()[0])
        yield Proxy(user, server)
        server.shutdown()
    published.restore()


def effect(reading: Reading) -> Reading:
    """Return the reading without half a mount, of which the registry takes no notice."""
    half = reading.route == "uploads" and not {"from", "mount"} <= reading.arguments.keys()
    return dataclasses.replace(reading, arguments={}) if half else reading


def permitted(sent: Reading) -> Reading:
    """Return what may come of a target: no mount from where the user may not read."""
    allowed = sent.arguments.get("from", "team-a/").startswith("team-a/")
    return sent if allowed else dataclasses.replace(sent, arguments={})


@settings(max_examples=500, deadline=None, database=None, report_multiple_bugs=False)
@given(target=targets())
@example(f"/v2/{OWN}/blobs/uploads/1?_state=a+b&_state=%3D&digest={DIGEST}")
@example(f"/v2/{OWN}/blobs/uploads/?#&mount={DIGEST}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?mount={DIGEST}&from={OWN}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?mount={DIGEST}&from={OTHER}&from={OWN}")
@example(f"/v2/{OWN}/blobs/uploads/?{'a&' * 150}mount={DIGEST}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?from=x;y&from={OTHER}&mount={DIGEST}")
@example(f"/v2/{OTHER}/blobs/{DIGEST}#/blobs/x")
def test_registry_gets_what_was_checked(proxy: Proxy, target: str) -> None:
    sent = read(target.encode("latin-1"))
    for method in ("GET", "POST"):
        for received in proxy.send(method, target):
            got = read(received)
            if got and got.route == "version":
                continue  # nginx takes "/v2" for "/v2/", where the registry redirects
            assert (got and effect(got)) == (sent and permitted(effect(sent)))
            assert got is None or got.repository.startswith("team-a/")
            names = [name for name, _ in parse_qsl(urlsplit(received.decode()).query, True)]
            assert len(set(names) & set(KNOWN)) == len(names), "an argument that nobody reads"


@pytest.mark.parametrize(
    ("method", "target", "wanted"),
    [
        ("GET", f"/v2/{OWN}/manifests/A_b.c-1?ns=docker.io", Reading("manifest", OWN, "A_b.c-1")),
        ("GET", f"/v2/{OWN}/blobs/{DIGEST.replace(':', '%3A')}", Reading("blob", OWN, DIGEST)),
        (
            "POST",
            f"/v2/{OWN}/blobs/uploads/?x&mount={DIGEST}&from=team-a%2Fy",
            Reading("uploads", OWN, "", {"mount": DIGEST, "from": "team-a/y"}),
        ),
        (
            "PUT",
            f"/v2/{OWN}/blobs/uploads/a-b_c.?_state=x-_%2B%2F%3D%3D&digest={DIGEST}&_state=y",
            Reading("upload", OWN, "a-b_c.", {"_state": "x-_+/==", "digest": DIGEST}),
        ),
    ],
    ids=["manifest", "blob", "mount", "upload"],
)
def test_registry_gets_all_that_it_reads(
    proxy: Proxy, method: str, target: str, wanted: Reading
) -> None:
    received = proxy.send(method, target)
    assert received
    assert [read(one) for one in received] == [wanted] * len(received)
