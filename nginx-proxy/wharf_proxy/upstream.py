"""A registry that is mirrored: manifests and layers, read by the API of OCI.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, and for tokens
https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import urllib3

from wharf_proxy.https import TRUST
from wharf_proxy.mirrors import Mirror
from wharf_proxy.upstream_responses import (
    MANIFESTS,
    PAUSE,
    Absent,
    Failed,
    Refused,
    check_manifest,
    whole,
)

LARGEST_MANIFEST = 4 * 1024 * 1024
"""Bytes: distribution's own limit."""

_LARGEST_TOKEN = 64 * 1024

CONNECT, READ = 5.0, 30.0
"""Seconds to connect, and between two pieces of a response."""

REDIRECTS = 5

LONGEST_PAUSE = 300.0
"""Seconds without requests that the upstream may ask for."""

_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Response:
    """What a listener gets of each response: the status is 0 if there was none."""

    kind: str
    status: int
    remaining: str | None


class Upstream:
    """A registry that is mirrored.

    Args:
        mirror: what it is.
        listener: called after each request.
    """

    def __init__(self, mirror: Mirror, listener: Callable[[Response], None]) -> None:
        self._mirror = mirror
        self._listener = listener
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = Lock()
        self._paused: tuple[float, Failed] | None = None
        self._pool = urllib3.PoolManager(
            maxsize=16,
            cert_reqs="CERT_REQUIRED",
            ca_certs=os.environ.get("AWS_CA_BUNDLE") or TRUST,
            timeout=urllib3.Timeout(connect=CONNECT, read=READ),
            retries=False,
        )

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that a tag names, None if the upstream does not say it in a header.

        Docker Hub counts no such request (HEAD) as a pull.
        """
        response = self._request("HEAD", repository, f"manifests/{tag}")
        response.release_conn()
        digest: str | None = response.headers.get("Docker-Content-Digest")
        return digest

    def manifest(self, repository: str, reference: str) -> bytes:
        """Return a manifest's content. The caller compares its digest.

        Raises:
            Failed: also if it is no manifest that this registry can serve.
        """
        response = self._request("GET", repository, f"manifests/{reference}")
        content = whole(response, LARGEST_MANIFEST)
        check_manifest(content, response.headers.get("Content-Type", "").partition(";")[0].strip())
        return content

    def layer(self, repository: str, digest: str) -> Any:
        """Return the response with the bytes of a layer; the caller reads and closes it."""
        return self._request("GET", repository, f"blobs/{digest}")

    def _request(self, method: str, repository: str, rest: str) -> Any:
        """Send a request, with a login or a token where the upstream wants it.

        Raises:
            Absent: 404.
            Refused: 403, or 401 although there is a token.
            Failed: any other status than 200, or no response that can be read.
        """
        try:
            return self._respond(method, repository, rest)
        except (ValueError, IndexError, OverflowError, RecursionError) as error:
            # A URL, a number or a challenge that is none. The error's text may have a token in it.
            host = urlsplit(self._mirror.url).netloc
            raise Failed(f"{host}: a malformed response: {type(error).__name__}") from None

    def _respond(self, method: str, repository: str, rest: str) -> Any:
        url = f"{self._mirror.url}/v2/{self._mirror.name_of(repository)}/{rest}"
        scope = f"repository:{self._mirror.name_of(repository)}:pull"
        kind = rest.partition("/")[0]
        with self._lock:
            token, end = self._tokens.get(scope, ("", 0.0))
        response, ours = self._send(kind, method, url, token if time.monotonic() < end else "")
        if response.status == HTTPStatus.UNAUTHORIZED and ours:
            challenge = response.headers.get("WWW-Authenticate", "")
            response.close()
            token = self._authorization(challenge, scope)
            response, ours = self._send(kind, method, url, token)
        if response.status == HTTPStatus.OK:
            return response
        response.close()
        if response.status == HTTPStatus.NOT_FOUND:
            raise Absent
        if not ours:
            raise Failed(f"{urlsplit(url).netloc}: status {response.status} of a redirect")
        refused = response.status == HTTPStatus.FORBIDDEN or (
            response.status == HTTPStatus.UNAUTHORIZED and token.startswith("Bearer ")
        )
        why = f"{urlsplit(url).netloc}: status {response.status} for {kind}"
        raise Refused(why) if refused else Failed(why)

    def _send(self, kind: str, method: str, url: str, authorization: str) -> tuple[Any, bool]:
        """Send one request; follow redirects to HTTPS only, without the login to other hosts.

        Returns:
            The response, and whether it is of the URL's host. No other host may request a login:
            it would get that of the upstream.
        """
        home = urlsplit(url).netloc
        for _ in range(REDIRECTS + 1):
            headers = {"Accept": ", ".join(MANIFESTS)} if kind == "manifests" else {}
            if authorization and urlsplit(url).netloc == home:
                headers["Authorization"] = authorization
            response = self._exchange(kind, method, url, headers, home)
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response, urlsplit(url).netloc == home
            response.close()
            url = urljoin(url, location)
            if urlsplit(url).scheme != "https":
                raise Failed(f"{home}: a redirect to another scheme than https")
        raise Failed(f"{home}: more than {REDIRECTS} redirects")

    def _exchange(
        self, kind: str, method: str, url: str, headers: Mapping[str, str], home: str
    ) -> Any:
        """Return the response to one request; a failure of ``home`` pauses all requests."""
        host = urlsplit(url).netloc
        self._check_pause()
        try:
            response = self._open(method, url, headers)
        except urllib3.exceptions.HTTPError as error:
            self._listener(Response(kind, 0, None))
            failed = Failed(f"{host}: {type(error).__name__}")
            raise self._pause(failed) if host == home else failed from None
        remaining = response.headers.get("RateLimit-Remaining", "").partition(";")[0]
        self._listener(
            Response(kind, response.status, remaining if remaining.isdecimal() else None)
        )
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            said = response.headers.get("Retry-After", "")
            response.close()
            seconds = float(said) if said.isdecimal() else PAUSE
            limited = Failed(
                f"{host}: status 429: too many requests",
                seconds=max(min(seconds, LONGEST_PAUSE), 1.0),
                limited=True,
            )
            raise self._pause(limited) if host == home else limited
        return response

    def _open(self, method: str, url: str, headers: Mapping[str, str]) -> Any:
        def send() -> Any:
            return self._pool.request(
                method,
                url,
                headers={"User-Agent": "wharf", "Accept-Encoding": "identity", **headers},
                redirect=False,
                preload_content=False,
            )

        try:
            return send()
        except urllib3.exceptions.ProtocolError:
            # The upstream may close an idle connection while a request is on its way.
            return send()

    def _authorization(self, challenge: str, scope: str) -> str:
        """Return the header for a challenge.

        Raises:
            Failed: there is no way to meet the challenge.
        """
        scheme, _, rest = challenge.partition(" ")
        login = f"{self._mirror.username}:{self._mirror.password}".encode()
        basic = f"Basic {base64.b64encode(login).decode()}" if self._mirror.username else ""
        if scheme.lower() == "basic" and basic:
            return basic
        fields = parse_keqv_list([field for field in parse_http_list(rest) if "=" in field])
        realm = fields.get("realm", "")
        if scheme.lower() != "bearer" or urlsplit(realm).scheme != "https":
            raise Failed(f"{urlsplit(self._mirror.url).netloc}: it requires a login")
        query = urlencode({"service": fields.get("service", ""), "scope": scope})
        response, _ = self._send("token", "GET", f"{realm}?{query}", basic)
        content = whole(response, _LARGEST_TOKEN)
        if response.status != HTTPStatus.OK:
            raise Failed(f"{urlsplit(realm).netloc}: status {response.status} for a token")
        try:
            given = json.loads(content)
            token = given.get("token") or given["access_token"]
            if not _TOKEN.fullmatch(token):
                raise ValueError
            # The standard's default. A token is not used in its last seconds.
            end = time.monotonic() + float(given.get("expires_in") or 60) - 10
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Failed(f"{urlsplit(realm).netloc}: a response without a token") from None
        with self._lock:
            now = time.monotonic()
            self._tokens = {known: kept for known, kept in self._tokens.items() if kept[1] > now}
            self._tokens[scope] = (f"Bearer {token}", end)
        return f"Bearer {token}"

    def _check_pause(self) -> None:
        with self._lock:
            if self._paused and time.monotonic() < self._paused[0]:
                failed = self._paused[1]
                left = self._paused[0] - time.monotonic()
                raise Failed(str(failed), seconds=left, limited=failed.limited)

    def _pause(self, failed: Failed) -> Failed:
        with self._lock:
            self._paused = (time.monotonic() + failed.seconds, failed)
        return failed
