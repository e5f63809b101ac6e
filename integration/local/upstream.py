"""A public registry that a test controls: it counts, limits, fails, is slow, lies, cuts off."""

import base64
import json
import re
import secrets
import socketserver
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

from integration.clients.image_builder import (
    CONFIG,
    INDEX,
    LAYER,
    MANIFEST,
    config_of,
    describe,
    digest_of,
    encode,
    layout_digest,
    make_image,
    manifest_of,
)

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")
#: Bytes that are sent at once.
PIECE = 64 * 1024


@dataclass
class Faults:
    """What is wrong with the upstream.

    Attributes:
        status: of every response for a manifest or layer; 0 for the right ones.
        only: the method and kind that the status is for, such as ``GET manifests``; empty for all.
        retry_after: header of a response 429.
        lies: whether layers and manifests have other bytes than they should.
        cuts: whether layers end in the middle.
        bytes_a_second: of a layer; 0 for no limit.
        redirect: URL that layers are redirected to, if it is not empty.
        error_bytes: size of the body of an error.
        hang_ups: number of the next requests whose connection is closed without a response.
        challenge: header of a response 401, instead of the right one.
        token: that everybody gets, instead of the right one.
    """

    status: int = 0
    only: str = ""
    retry_after: str = ""
    lies: bool = False
    cuts: bool = False
    bytes_a_second: int = 0
    redirect: str = ""
    error_bytes: int = 2
    hang_ups: int = 0
    challenge: str = ""
    token: str = ""


@dataclass(frozen=True)
class UpstreamImage:
    """An image of the upstream, by its digests."""

    manifest: str
    config: str
    layers: Sequence[str]


class Upstream:
    """A registry in memory, with TLS and tokens as those of Docker Hub.

    Args:
        address: where it listens, which is the name in its certificate.
        login: the user name and password that it gives tokens for; None for everybody.

    Usage:
        with Upstream("127.0.0.1").serving() as upstream: upstream.add("library/app", "1", [b"x"])
    """

    def __init__(self, address: str, login: tuple[str, str] | None = None) -> None:
        self.authority = trustme.CA()
        self.login = login
        self.faults = Faults()
        #: Pulls that it says it still allows.
        self.remaining = 100
        self.requests: Counter[str] = Counter()
        #: All requests so far, those without a response included.
        self.arrived = 0
        #: Bytes of bodies that clients have taken.
        self.sent = 0
        self._content: dict[str, tuple[str, bytes]] = {}
        self._tags: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._server = _Server((address, 0), _Handler)
        self._server.upstream = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(address).configure_cert(context)
        self._server.context = context
        self.url = f"https://{address}:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator["Upstream"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def trust(self, file: Path) -> None:
        """Add the authority to a file of authorities."""
        with file.open("ab") as authorities:
            authorities.write(b"\n" + self.authority.cert_pem.bytes())

    def add(self, repository: str, tag: str, layers: Sequence[bytes]) -> UpstreamImage:
        """Let a tag name a new image with these layers."""
        config = config_of([digest_of(layer) for layer in layers])
        manifest = encode(
            manifest_of(describe(CONFIG, config), [describe(LAYER, layer) for layer in layers])
        )
        for content in (config, *layers):
            self._content[f"{repository}/blobs/{digest_of(content)}"] = (
                "application/octet-stream",
                content,
            )
        self._add_manifest(repository, tag, MANIFEST, manifest)
        return UpstreamImage(
            digest_of(manifest), digest_of(config), [digest_of(layer) for layer in layers]
        )

    def add_layout(self, repository: str, tag: str, layout: Path) -> str:
        """Let a tag name the image of an OCI layout; return its digest."""
        for file in (layout / "blobs" / "sha256").iterdir():
            place = f"{repository}/blobs/sha256:{file.name}"
            self._content[place] = ("application/octet-stream", file.read_bytes())
        digest = layout_digest(layout)
        manifest = self._content[f"{repository}/blobs/{digest}"][1]
        self._add_manifest(repository, tag, MANIFEST, manifest)
        return digest

    def add_new_layout(self, repository: str, tag: str, layout: Path) -> str:
        """Write the OCI layout of a new image, and let a tag name it; return its digest."""
        make_image(layout, [100_000])
        return self.add_layout(repository, tag, layout)

    def add_content(self, repository: str, tag: str, kind: str, content: bytes) -> None:
        """Let a tag name what may be no manifest."""
        self._add_manifest(repository, tag, kind, content)

    def add_index(self, repository: str, tag: str, platforms: dict[str, UpstreamImage]) -> str:
        """Let a tag name an index of images by their architecture; return its digest."""
        manifests = [
            describe(
                MANIFEST,
                self._content[f"{repository}/manifests/{image.manifest}"][1],
                platform={"os": "linux", "architecture": architecture},
            )
            for architecture, image in platforms.items()
        ]
        index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        self._add_manifest(repository, tag, INDEX, index)
        return digest_of(index)

    def count(self) -> Counter[str]:
        """Return the requests since the last call, by method and kind, and forget them."""
        counted, self.requests = self.requests, Counter()
        return counted

    def _add_manifest(self, repository: str, tag: str, kind: str, content: bytes) -> None:
        self._content[f"{repository}/manifests/{digest_of(content)}"] = (kind, content)
        self._tags[f"{repository}/manifests/{tag}"] = f"{repository}/manifests/{digest_of(content)}"

    def token(self, authorization: str) -> str | None:
        """Return a token for a login, None if it is wrong."""
        if self.login:
            wanted = base64.b64encode(":".join(self.login).encode()).decode()
            if authorization != f"Basic {wanted}":
                return None
        token = secrets.token_urlsafe(16)
        self._tokens.add(f"Bearer {token}")
        return token

    def allows(self, authorization: str) -> bool:
        """Return whether a token is one of those that were given."""
        return authorization in self._tokens

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Return type and content of a manifest or layer by the end of its path."""
        return self._content.get(self._tags.get(path, path))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    upstream: Upstream
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the connection."""
        with self.context.wrap_socket(request, server_side=True) as tls:
            socketserver.BaseServer.finish_request(self, tls, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients may leave."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        upstream, url = self.server.upstream, urlsplit(self.path)
        faults = upstream.faults
        upstream.arrived += 1
        if faults.hang_ups > 0:
            faults.hang_ups -= 1
            self.close_connection = True
            return
        if url.path == "/token":
            self._give_token(upstream, parse_qs(url.query))
            return
        found = _PATH.fullmatch(url.path)
        challenge = faults.challenge or (f'Bearer realm="{upstream.url}/token",service="upstream"')
        if not upstream.allows(self.headers.get("Authorization", "")):
            self._send(401, b"{}", {"WWW-Authenticate": challenge})
            return
        kind = found["kind"] if found else "other"
        upstream.requests[f"{self.command} {kind}"] += 1
        if faults.status and faults.only in ("", f"{self.command} {kind}"):
            more = {"Retry-After": faults.retry_after} if faults.retry_after else {}
            if faults.status == 401:
                more["WWW-Authenticate"] = challenge
            self._send(faults.status, bytes(faults.error_bytes), more)
            return
        if faults.redirect and kind == "blobs":
            self._send(307, b"", {"Location": f"{faults.redirect}{self.path}"})
            return
        content = upstream.find(url.path.removeprefix("/v2/"))
        if content is None:
            self._send(404, b"{}", {})
            return
        self._send_content(kind, *content)

    do_HEAD = do_GET

    def _give_token(self, upstream: Upstream, query: dict[str, list[str]]) -> None:
        upstream.requests[f"token {query['scope'][0]}"] += 1
        token = upstream.faults.token or upstream.token(self.headers.get("Authorization", ""))
        body = json.dumps({"token": token, "expires_in": 300}).encode()
        self._send(200 if token else 401, body if token else b"{}", {})

    def _send_content(self, kind: str, media_type: str, content: bytes) -> None:
        upstream = self.server.upstream
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(content)}
        if kind == "manifests":
            headers["RateLimit-Remaining"] = f"{upstream.remaining};w=21600"
        if upstream.faults.lies:
            content = content + b"\n" if kind == "manifests" else bytes(len(content))
        self._send(200, content, headers, kind)

    def _send(self, status: int, content: bytes, headers: dict[str, str], kind: str = "") -> None:
        faults = self.server.upstream.faults
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        end = len(content) // 2 if faults.cuts and kind == "blobs" else len(content)
        for start in range(0, end, PIECE):
            piece = content[start : min(start + PIECE, end)]
            if faults.bytes_a_second and kind == "blobs":
                time.sleep(len(piece) / faults.bytes_a_second)
            self.wfile.write(piece)
            self.server.upstream.sent += len(piece)
        if end < len(content):
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Count only."""
