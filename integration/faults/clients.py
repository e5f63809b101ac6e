"""Clients that push, pull, give up in the middle, and try again whatever fails."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
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
from integration.faults.api import (
    OCTETS,
    BrokenPromise,
    begin,
    check_blobs,
    check_tag,
    digest,
    pieces,
    send,
    taken,
    upload,
)
from integration.faults.ledger import Abandoned, Ledger, Push
from integration.images import CONFIG, LAYER, MANIFEST, MEGABYTE

#: Seconds after which a client gives up.
PATIENCE = 120
#: Bytes of the layers, the larger ones more seldom.
SIZES = (10_000, 100_000, MEGABYTE, 6 * MEGABYTE)
#: Of 100 operations, how many are pushes that are given up in the middle, and how many pushes.
ABANDONED, PUSHES = 10, 40
#: Of 100 pushes, how many go to the tag of the one before.
AGAIN = 20
#: Seconds between two operations of a client.
PAUSE = 0.5
#: Where a push is given up.
IN_A_LAYER, BEFORE_ITS_END, BEFORE_THE_ANSWER, BEFORE_THE_MANIFEST = range(4)
#: Seconds that a client waits for an answer that it does not want.
AT_ONCE = 0.01


class Clients:
    """Threads that use a registry through its load balancer, until told to stop.

    Whatever is refused with a status or breaks is tried again from its beginning, after a while
    (exponential, with jitter, up to 4 s), and given up after ``PATIENCE`` seconds. Half of the
    pushes make a connection for each request, so that one upload goes through several hosts.

    Args:
        deployment: the registry.
        repository: below which they push.
        seed: of sizes and choices; the bytes are new each time, since a registry stores what it
            has already no second time.
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
        number, attempts = 0, 0
        while not self._over.is_set():
            chosen = source.randrange(100)
            known = self.ledger.acknowledged
            if chosen < ABANDONED:
                self._abandon(repository, source)
            elif chosen < ABANDONED + PUSHES or not known:
                # What broke and was tried again may still be on its way, and come in after what
                # is pushed to the tag now: no registry can tell which was meant to be the later.
                if attempts != 1 or source.randrange(100) >= AGAIN:
                    number += 1
                attempts = self.push(repository, str(number), source)
            else:
                self.pull(source.choice(known))
            self._over.wait(PAUSE)

    def push(self, repository: str, tag: str, source: random.Random) -> int:
        """Push an image of one layer, and write down whether the registry has confirmed it.

        Returns the number of attempts that it took; 0 if it was given up.
        """
        image = _Image.new(source)
        push = image.push(repository, tag)
        headers = {"Connection": "close"} if source.randrange(2) else {}
        self.ledger.begin(push)
        attempts = self._tried(lambda: self._push(push, image, headers), f"push of {tag}")
        if attempts:
            push.confirmed = time.monotonic()
        return attempts

    def _push(self, push: Push, image: "_Image", headers: dict[str, str]) -> None:
        with self._deployment.client() as client:
            client.headers.update(headers)
            for data in image.blobs:
                upload(client, push.repository, data)
            path = f"/v2/{push.repository}/manifests/{push.tag}"
            typed = {"Content-Type": MANIFEST}
            taken(client.put(path, content=image.manifest, headers=typed))

    def pull(self, push: Push) -> None:
        """Pull by its tag an image that the registry has confirmed."""
        self._tried(lambda: self._pull(push), f"pull of {push.repository}:{push.tag}")

    def _pull(self, push: Push) -> None:
        with self._deployment.client() as client:
            check_blobs(client, check_tag(client, push, self.ledger))

    def _abandon(self, repository: str, source: random.Random) -> None:
        """Begin a push, and go before its end."""
        image = _Image.new(source)
        layer, config = image.layer, image.config
        where = source.randrange(4)
        half = layer[: len(layer) // 2]
        tag = f"given-up-{os.urandom(4).hex()}"
        absent = [f"manifests/{tag}", f"manifests/{digest(image.manifest)}"]
        if where in (IN_A_LAYER, BEFORE_ITS_END):
            absent += [f"blobs/{digest(data)}" for data in (layer, half)]
            self.ledger.abandon(Abandoned(repository, absent))
        else:
            self.ledger.abandon(Abandoned(repository, absent, [digest(layer)]))

        try:
            with suppress(httpx.HTTPError), self._deployment.client() as client:
                location = begin(client, repository)
                if where == IN_A_LAYER:
                    client.patch(location, content=_broken_off(half), headers=OCTETS)
                    return
                end = send(client, location, layer)
                if where == BEFORE_THE_ANSWER:
                    client.put(end, timeout=httpx.Timeout(PATIENCE, read=AT_ONCE))
                elif where == BEFORE_THE_MANIFEST:
                    taken(client.put(end))
                    upload(client, repository, config)
        except BrokenPromise as error:
            self.ledger.find_wrong(f"push that is to be given up: {error}")

    def _tried(self, operation: Callable[[], None], name: str) -> int:
        attempts = 1

        def count(state: RetryCallState) -> None:
            nonlocal attempts
            attempts = state.attempt_number + 1

        retrying = Retrying(
            retry=retry_if_exception_type(httpx.HTTPError),
            wait=wait_random_exponential(multiplier=0.5, max=4),
            stop=stop_after_delay(PATIENCE) | stop_when_event_set(self._interrupted),
            sleep=sleep_using_event(self._interrupted),
            # Called after attempts that failed only.
            after=count,
        )
        try:
            retrying(operation)
        except RetryError as error:
            self.ledger.give_up(f"{name}: {error.last_attempt.exception()}")
            return 0
        except BrokenPromise as error:
            self.ledger.find_wrong(f"{name}: {error}")
            return 0
        self.ledger.done(attempts)
        return attempts


@dataclass(frozen=True)
class _Image:
    """An image of one layer, none of whose bytes a registry has."""

    layer: bytes
    config: bytes
    manifest: bytes

    @classmethod
    def new(cls, source: random.Random) -> Self:
        """Make one of a size that is drawn."""
        (size,) = source.choices(SIZES, weights=(4, 3, 2, 1))
        layer = os.urandom(size)
        rootfs = {"type": "layers", "diff_ids": [digest(layer)]}
        config = _json({"architecture": "amd64", "os": "linux", "rootfs": rootfs})
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _described(CONFIG, config),
                "layers": [_described(LAYER, layer)],
            }
        )
        return cls(layer, config, manifest)

    @property
    def blobs(self) -> Sequence[bytes]:
        """What is pushed before the manifest."""
        return (self.config, self.layer)

    def push(self, repository: str, tag: str) -> Push:
        """What the ledger has of its push."""
        return Push(repository, tag, digest(self.manifest), [digest(one) for one in self.blobs])


def _broken_off(data: bytes) -> Iterator[bytes]:
    yield from pieces(data)
    raise httpx.WriteError("Given up on purpose")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _described(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
