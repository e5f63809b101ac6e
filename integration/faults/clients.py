"""Clients that push, pull, give up in the middle, and try again whatever fails."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Self

import httpx
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from integration.deployment import Deployment
from integration.faults.ledger import Ledger, Push
from integration.images import CONFIG, LAYER, MANIFEST, MEGABYTE

#: Seconds after which a client gives up.
PATIENCE = 120
#: Bytes of the blobs, the larger ones more seldom.
SIZES = (10_000, 100_000, MEGABYTE, 6 * MEGABYTE)
#: Bytes that are sent at a time.
PIECE = 64 * 1024
#: Of 100 operations, how many are uploads that are given up in the middle, and how many pushes.
ABANDONED, PUSHES = 10, 40
#: Seconds between two operations of a client.
PAUSE = 0.5


class BrokenPromise(Exception):
    """An answer that no fault excuses."""


class Clients:
    """Threads that use a registry through its load balancer, until told to stop.

    Whatever is refused with a status or breaks is tried again from its beginning, after a while
    (exponential, with jitter, up to 4 s), and given up after ``PATIENCE`` seconds.

    Args:
        deployment: the registry.
        repository: below which they push.
        seed: of sizes, bytes and choices.
        number: of threads.

    Usage:

        with Clients(deployment, "wharf-test/load", seed=1) as clients:
            cloud.kill_host(host)
        assert not clients.ledger.failed
    """

    def __init__(self, deployment: Deployment, repository: str, seed: int, number: int = 4) -> None:
        self.ledger = Ledger()
        self._deployment = deployment
        self._repository = repository
        self._random = [random.Random(f"{seed}/{n}") for n in range(number)]  # noqa: S311
        self._over = Event()
        #: What has been begun is not tried again either.
        self._interrupted = Event()
        self._pool = ThreadPoolExecutor(number)
        self._running: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._running = [
            self._pool.submit(self._work, f"{self._repository}/{number}", source)
            for number, source in enumerate(self._random)
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if error is not None:
            self._interrupted.set()
        self._pool.shutdown()
        if error is None:
            for one in self._running:
                one.result()

    def _work(self, repository: str, source: random.Random) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            chosen = source.randrange(100)
            known = self.ledger.acknowledged
            if chosen < ABANDONED:
                self._abandon(repository, source)
            elif chosen < ABANDONED + PUSHES or not known:
                self.push(repository, str(number), source)
            else:
                self.pull(source.choice(known))
            self._over.wait(PAUSE)

    def push(self, repository: str, tag: str, source: random.Random) -> Push:
        """Push an image of one layer, and write down whether the registry has confirmed it."""
        layer = _bytes(source)
        config = _json({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}})
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _described(CONFIG, config),
                "layers": [_described(LAYER, layer)],
            }
        )
        push = Push(repository, tag, digest(manifest), [digest(config), digest(layer)])
        self.ledger.begin(push)
        if self._tried(lambda: self._push(push, manifest, [config, layer]), f"push of {tag}"):
            push.acknowledged = True
        return push

    def _push(self, push: Push, manifest: bytes, blobs: list[bytes]) -> None:
        with self._deployment.client() as client:
            for data in blobs:
                upload(client, push.repository, data)
            answer = client.put(
                f"/v2/{push.repository}/manifests/{push.tag}",
                content=manifest,
                headers={"Content-Type": MANIFEST},
            )
            # Of blobs that it has just taken, it must not say that it does not know them.
            if 400 <= answer.status_code < 500:
                raise BrokenPromise(f"{answer.status_code} for the manifest: {answer.text}")
            answer.raise_for_status()

    def pull(self, push: Push) -> None:
        """Pull an image that the registry has confirmed."""
        self._tried(lambda: self._pull(push), f"pull of {push.repository}:{push.tag}")

    def _pull(self, push: Push) -> None:
        with self._deployment.client() as client:
            check_image(client, push)

    def _abandon(self, repository: str, source: random.Random) -> None:
        """Begin an upload, send half of it, and go."""
        data = _bytes(source)
        self.ledger.abandon(repository, digest(data))

        def half() -> Iterator[bytes]:
            yield from _pieces(data[: len(data) // 2])
            raise httpx.WriteError("Given up on purpose")

        try:
            with self._deployment.client() as client:
                location = _begin(client, repository)
                client.patch(location, content=half(), headers=_OCTETS)
        except httpx.HTTPError:
            return

    def _tried(self, operation: Callable[[], None], name: str) -> bool:
        attempts = 0

        def count(state: RetryCallState) -> None:
            nonlocal attempts
            attempts = state.attempt_number

        retrying = Retrying(
            retry=retry_if_exception_type(httpx.HTTPError),
            wait=wait_random_exponential(multiplier=0.5, max=4),
            stop=stop_after_delay(PATIENCE) | stop_when_event_set(self._interrupted),
            sleep=sleep_using_event(self._interrupted),
            after=count,
        )
        try:
            retrying(operation)
        except RetryError as error:
            self.ledger.give_up(f"{name}: {error.last_attempt.exception()}")
            return False
        except BrokenPromise as error:
            self.ledger.find_wrong(f"{name}: {error}")
            return False
        # Called after attempts that failed only.
        self.ledger.done(attempts + 1)
        return True


_OCTETS = {"Content-Type": "application/octet-stream"}


def upload(client: httpx.Client, repository: str, data: bytes) -> str:
    """Upload a blob in one stream; return its digest.

    Raises:
        httpx.HTTPError: it was refused, or broke.
    """
    location = _begin(client, repository)
    answer = client.patch(location, content=_pieces(data), headers=_OCTETS).raise_for_status()
    end = httpx.URL(answer.headers["Location"]).copy_merge_params({"digest": digest(data)})
    client.put(end).raise_for_status()
    return digest(data)


def _begin(client: httpx.Client, repository: str) -> str:
    answer = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
    return str(answer.headers["Location"])


def check_image(client: httpx.Client, push: Push) -> None:
    """Pull an image that was confirmed, all of it.

    Raises:
        BrokenPromise: a part is not there, or has other bytes.
        httpx.HTTPError: it cannot be had now.
    """
    accept = {"Accept": MANIFEST}
    _check(client.get(f"/v2/{push.repository}/manifests/{push.tag}", headers=accept), push.manifest)
    for blob in push.blobs:
        _check(client.get(f"/v2/{push.repository}/blobs/{blob}"), blob)


def _check(answer: httpx.Response, wanted: str) -> None:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise BrokenPromise(f"{answer.url.path} is not there")
    answer.raise_for_status()
    if digest(answer.content) != wanted:
        raise BrokenPromise(f"{answer.url.path} has other bytes")


def digest(data: bytes) -> str:
    """The digest of bytes, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _bytes(source: random.Random) -> bytes:
    (size,) = source.choices(SIZES, weights=(4, 3, 2, 1))
    return source.randbytes(size)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _described(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
