"""An echo server in the place of a host's registry: it records targets, responds as told."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import psutil

from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.suite.support.nginx_workers import renew_workers

#: The port of the registry in the network of a host.
REGISTRY = 5000
#: The target of the balancer's health check, which comes every few seconds.
HEALTH = b"/"


class Echo(BaseHTTPRequestHandler):
    """A registry that has every layer, and records the target of each request."""

    protocol_version = "HTTP/1.1"
    server: "EchoServer"

    def parse_request(self) -> bool:
        """Record the target as nginx has sent it: the library changes some."""
        line: bytes = self.raw_requestline  # type: ignore[attr-defined]
        target = line.split(b" ")[1]
        if target != HEALTH:
            self.server.seen.append(target)
        return super().parse_request()

    def respond(self) -> None:
        """Respond with a few bytes, and close: nginx must keep no connection to this server."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = self.server.response
        # The question for a layer goes well; what fails is its delivery.
        # The balancer's check succeeds: it would take the host out.
        self.send_response(200 if self.command == "HEAD" or self.path == "/" else status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = respond

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class EchoServer(ThreadingHTTPServer):
    """The server of ``Echo``, on the loopback of the network in which it is made.

    ``response`` is the status and the body of each response.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.seen: list[bytes] = []
        self.response = (200, b"{}")


@contextmanager
def in_place_of_registry(cloud: LocalCloud, host: Host) -> Iterator[EchoServer]:
    """Let an echo server get the requests of a host's nginx to its registry."""
    # A socket stays in the network in which it was made; clients connect from outside.
    with cloud.network.inside(host.pod):
        server = EchoServer()
    with server, _redirected(cloud, host.pod, REGISTRY, server.server_port):
        Thread(target=server.serve_forever).start()
        renew_workers(psutil.Process(host.pid("nginx")).children()[0])
        yield server
        server.shutdown()


@contextmanager
def _redirected(cloud: LocalCloud, pod: str, port: int, other: int) -> Iterator[None]:
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
