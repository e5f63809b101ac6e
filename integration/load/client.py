"""A client of a registry, as it is on a server: each pull begins with nothing and checks all."""

import hashlib
import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
from gevent import GreenletExit
from gevent.pool import Pool

from integration.load.images import CHUNK, MANIFEST, Image, Layer, digest_of

#: Layers that Docker moves at a time (its max-concurrent-downloads).
AT_A_TIME = 3
#: Seconds without a byte after which a client gives up.
PATIENCE = 120
ACCEPT = ", ".join(
    [
        MANIFEST,
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
)


class LoadError(Exception):
    """An answer that is not what a client needs."""


#: What a client meets when a registry fails; the last three are of answers with the right status
#: and nothing in them that makes sense.
FAILURES = (LoadError, httpx.HTTPError, httpx.InvalidURL, LookupError, TypeError, ValueError)

Item = TypeVar("Item")
Result = TypeVar("Result")


def together(
    do: Callable[[Item], Result], items: Iterable[Item], at_a_time: int = AT_A_TIME
) -> list[Result]:
    """Do something with each item, some at a time.

    Raises:
        LoadError: or another of ``FAILURES``: the first that one of them met.
    """

    def attempt(item: Item) -> Result | Exception:
        # gevent prints what leaves a greenlet, also when somebody waits for it.
        try:
            return do(item)
        except FAILURES as error:
            return error

    pool = Pool(at_a_time)
    try:
        jobs = [pool.spawn(attempt, item) for item in items]
        pool.join()
    finally:
        # The run may end in the middle.
        pool.kill()
    found: list[Result | Exception] = [job.value for job in jobs]
    failed = [one for one in found if isinstance(one, Exception)]
    if failed:
        raise failed[0]
    return [one for one in found if not isinstance(one, Exception)]


class Recorder(Protocol):
    """Gets every request, and every pull and push as a whole.

    A pull or push has the name ``image``, or ``unfinished`` if it was ended in the middle.
    """

    def __call__(
        self, kind: str, name: str, seconds: float, size: int, error: Exception | None
    ) -> None:
        """``size`` in bytes; ``error`` is None if it went well."""


@dataclass
class Measured:
    """A request or an operation that goes on."""

    name: str
    size: int = 0


class Client:
    """One server's client.

    Args:
        url: of the registry.
        credentials: user and password.
        context: what to trust.
        record: gets what was measured.

    Usage:

        with Client(url, ("ci", password), context, record) as client:
            client.pull("library/app", "1")
    """

    def __init__(
        self, url: str, credentials: tuple[str, str], context: ssl.SSLContext, record: Recorder
    ) -> None:
        self._record = record
        self._auth = httpx.BasicAuth(*credentials)
        self._http = httpx.Client(
            base_url=url,
            verify=context,
            timeout=PATIENCE,
            # A layer may come from S3 by a redirect, which gets no password.
            follow_redirects=True,
            limits=httpx.Limits(max_connections=2 * AT_A_TIME),
            trust_env=False,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def pull(self, repository: str, tag: str) -> None:
        """Pull an image. What failed is recorded, not raised."""
        with self._operation("PULL") as pull:
            self._challenge()
            described = self._manifest(repository, tag)
            pull.size += self._blob(repository, described["config"], "config")
            layers = described["layers"]
            pull.size += sum(together(lambda one: self._blob(repository, one, "layer"), layers))

    def push(self, image: Image) -> None:
        """Push what the registry does not have of an image. What failed is recorded, not raised."""
        with self._operation("PUSH") as push:
            self._push(image, push)

    def must_push(self, image: Image) -> None:
        """Push an image.

        Raises:
            LoadError: or another of ``FAILURES``: it was refused, or not answered.
        """
        self._push(image, Measured("image"))

    def _push(self, image: Image, push: Measured) -> None:
        self._challenge()
        push.size += sum(together(lambda one: self._send(image.repository, one), image.layers))
        config = image.config
        self._send_bytes(image.repository, config)
        path = f"/v2/{image.repository}/manifests/{image.tag}"
        with self._request("PUT", "manifest"):
            self._ask("PUT", path, 201, content=image.manifest, headers={"Content-Type": MANIFEST})

    @contextmanager
    def _operation(self, kind: str) -> Iterator[Measured]:
        start, measured = time.perf_counter(), Measured("image")
        error: Exception | None = None
        try:
            yield measured
        except FAILURES as problem:
            error = problem
        except GreenletExit:
            late = LoadError("under way when the run ended")
            self._record(kind, "unfinished", time.perf_counter() - start, measured.size, late)
            raise
        self._record(kind, measured.name, time.perf_counter() - start, measured.size, error)

    @contextmanager
    def _request(self, kind: str, name: str) -> Iterator[Measured]:
        start, measured = time.perf_counter(), Measured(name)
        try:
            yield measured
        except FAILURES as problem:
            self._record(kind, measured.name, time.perf_counter() - start, measured.size, problem)
            raise
        self._record(kind, measured.name, time.perf_counter() - start, measured.size, None)

    def _challenge(self) -> None:
        """Ask without a password first, as clients do to learn how to log in."""
        with self._request("GET", "challenge"):
            answer = self._http.get("/v2/")
            if answer.status_code != 401 or "WWW-Authenticate" not in answer.headers:
                raise LoadError(f"/v2/ without a password: status {answer.status_code}, not 401")

    def _manifest(self, repository: str, tag: str) -> Any:
        with self._request("GET", "manifest") as measured:
            path = f"/v2/{repository}/manifests/{tag}"
            answer = self._ask("GET", path, 200, headers={"Accept": ACCEPT})
            measured.size = len(answer.content)
            wanted, found = answer.headers["Docker-Content-Digest"], digest_of(answer.content)
            if wanted != found:
                raise LoadError(f"the manifest of {tag} is {found}, not {wanted}")
            return json.loads(answer.content)

    def _blob(self, repository: str, described: Any, name: str) -> int:
        """Read a blob to its end; return its size."""
        digest = hashlib.sha256()
        path = f"/v2/{repository}/blobs/{described['digest']}"
        with (
            self._request("GET", name) as measured,
            self._http.stream("GET", path, auth=self._auth) as answer,
        ):
            if answer.url.host != self._http.base_url.host:
                measured.name = f"redirected {name}"
            if answer.status_code != 200:
                raise LoadError(f"{name}: status {answer.status_code}, not 200")
            for chunk in answer.iter_raw(CHUNK):
                digest.update(chunk)
                measured.size += len(chunk)
            if f"sha256:{digest.hexdigest()}" != described["digest"]:
                raise LoadError(f"{name}: {measured.size} bytes that have not the digest asked for")
        return measured.size

    def _send(self, repository: str, layer: Layer) -> int:
        """Upload a layer unless the registry has it; return the bytes that were sent."""
        with self._request("HEAD", "layer"):
            path = f"/v2/{repository}/blobs/{layer.digest}"
            if self._ask("HEAD", path, 200, 404).status_code == 200:
                return 0
        location = self._begin(repository)
        with self._request("PATCH", "layer") as measured:
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(layer.size),
            }
            answer = self._ask("PATCH", location, 202, content=layer.chunks(), headers=headers)
            measured.size = layer.size
        self._finish(answer.headers["Location"], layer.digest, b"")
        return layer.size

    def _send_bytes(self, repository: str, data: bytes) -> None:
        self._finish(self._begin(repository), digest_of(data), data)

    def _begin(self, repository: str) -> str:
        with self._request("POST", "upload"):
            answer = self._ask("POST", f"/v2/{repository}/blobs/uploads/", 202)
        return str(answer.headers["Location"])

    def _finish(self, location: str, digest: str, data: bytes) -> None:
        with self._request("PUT", "layer"):
            url = httpx.URL(location).copy_merge_params({"digest": digest})
            self._ask("PUT", str(url), 201, content=data)

    def _ask(self, method: str, path: str, *wanted: int, **more: Any) -> httpx.Response:
        answer = self._http.request(method, path, auth=self._auth, **more)
        if answer.status_code not in wanted:
            what = urlsplit(path).path.split("/")[-2]
            raise LoadError(f"{method} {what}: status {answer.status_code}, not {wanted[0]}")
        return answer


def trust(ca: Path | None) -> ssl.SSLContext:
    """What a client trusts: the certificate in a PEM file, or what the system trusts."""
    return ssl.create_default_context(cafile=ca)
