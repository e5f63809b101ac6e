"""The key exchange that a client gets, and the sessions that it resumes."""

import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.machine import podman, ulimits
from integration.local.registry import PROXY_IMAGE, LocalRegistry, program
from integration.suite.support.configuration_files import ConfigurationFiles

# A live deployment gives no way to a certain host.
pytestmark = pytest.mark.usefixtures("only_local")

#: Connections for one check: chance decides which worker accepts a connection.
CONNECTIONS = 8
VERSIONS = pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])


@pytest.fixture
def key_exchange(registry: LocalRegistry) -> Callable[..., str]:
    """Return the key exchange of a client: OpenSSL of the proxy's image, with these options."""

    def negotiate(*options: str) -> str:
        server = urlsplit(registry.deployment.url).hostname
        printed = podman(registry.directory).container.run(
            PROXY_IMAGE,
            ["s_client", "-connect", f"{server}:443", *options],
            entrypoint="openssl",
            networks=["host"],
            remove=True,
            ulimit=ulimits(),
        )
        found = re.search(r"(?:TLS1\.3 group|Peer Temp Key): (\w+)", str(printed))
        assert found, printed
        return found[1]

    return negotiate


def test_client_with_the_hybrid_key_exchange_gets_it(key_exchange: Callable[..., str]) -> None:
    assert key_exchange() == "X25519MLKEM768"


@pytest.mark.parametrize(
    "options", [["-groups", "X25519:P-256"], ["-tls1_2"]], ids=["no hybrid", "TLS 1.2"]
)
def test_older_client_gets_x25519(key_exchange: Callable[..., str], options: list[str]) -> None:
    assert key_exchange(*options) == "X25519"


class Handshake(NamedTuple):
    """The result of a handshake; ``certificate`` is PEM."""

    session: ssl.SSLSession
    resumed: bool
    certificate: str


class Client:
    """A client that speaks one version of TLS and trusts every certificate."""

    def __init__(self, version: str) -> None:
        # A session belongs to its context, so all connections share the context.
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.minimum_version = ssl.TLSVersion[version]
        self._context.maximum_version = ssl.TLSVersion[version]

    def connect(self, url: str, session: ssl.SSLSession | None = None) -> Handshake:
        """Connect, offer the session, and request the health check."""
        where = urlsplit(url)
        name = where.hostname or ""
        request = f"GET /ssl HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
        with (
            socket.create_connection((name, where.port or 443), timeout=60) as raw,
            self._context.wrap_socket(raw, server_hostname=name, session=session) as client,
        ):
            client.sendall(request.encode())
            # With TLS 1.3 the tickets come after the handshake, before the response.
            assert client.recv(10_000).startswith(b"HTTP/1.1 200 ")
            certificate = client.getpeercert(binary_form=True)
            assert certificate
            assert client.session
            shown = ssl.DER_cert_to_PEM_cert(certificate)
            return Handshake(client.session, bool(client.session_reused), shown)

    def resumes(self, url: str, session: ssl.SSLSession) -> bool:
        """Return whether the server resumes the session, whichever worker gets the connection."""
        found = {self.connect(url, session).resumed for _ in range(CONNECTIONS)}
        assert len(found) == 1, "the workers differ"
        return found.pop()


@VERSIONS
def test_ticket_resumes_a_session_on_its_host(deployment: Deployment, version: str) -> None:
    host = deployment.hosts[0]
    client = Client(version)
    first = client.connect(host)
    assert not first.resumed
    assert first.session.has_ticket
    assert client.resumes(host, first.session)


@VERSIONS
def test_ticket_of_another_host_leads_to_a_full_handshake(
    deployment: Deployment, version: str
) -> None:
    host, other = deployment.hosts
    client = Client(version)
    assert not client.resumes(other, client.connect(host).session)
    assert client.resumes(other, client.connect(other).session)


def workers(host: Host) -> set[int]:
    """Return the workers of the nginx that moves the data: the start program runs it first."""
    nginx = min(psutil.Process(host.pid("nginx")).children(), key=lambda process: process.pid)
    return {process.pid for process in nginx.children()}


@VERSIONS
def test_ticket_outlives_a_reload(
    configuration: ConfigurationFiles, deployment: Deployment, cloud: LocalCloud, version: str
) -> None:
    host, url = cloud.hosts[0], deployment.hosts[0]
    client = Client(version)
    session = client.connect(url).session
    before = workers(host)
    configuration.add_user("newcomer", "unimportant")
    configuration.publish()
    wait_until("the workers of before to end", lambda: workers(host) & before, set())
    assert client.resumes(url, session), "the reload has changed the key of the tickets"


@VERSIONS
def test_client_with_a_ticket_gets_a_new_certificate(
    configuration: ConfigurationFiles, deployment: Deployment, version: str
) -> None:
    url = deployment.hosts[0]
    client = Client(version)
    session = client.connect(url).session
    domain = deployment.url.removeprefix("https://")
    folder = configuration.folder
    program("certificate", "create", "--domain", domain, "--directory", str(folder), "--force")
    created = (folder / "domain.crt").read_text()
    configuration.publish()
    wait_until("the host to show it", lambda: client.connect(url, session).certificate, created)
