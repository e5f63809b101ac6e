"""Clients that push, pull, abandon pushes, and retry whatever fails."""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
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

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, Image, Layer, digest_of
from integration.clients.uploads import pieces
from integration.faults.api import BrokenPromise, check_blobs, check_tag, repository, upload
from integration.faults.ledger import Abandoned, Ledger, Push
from integration.local.upstream import Upstream

#: Seconds after which a client gives up.
PATIENCE = 120
#: Bytes of the layers, and how often a layer has each size.
SIZES, WEIGHTS = (10_000, 100_000, MEGABYTE, 6 * MEGABYTE), (4, 3, 2, 1)
#: Percentages of operations that are abandoned pushes, pushes, and first pulls of an image that the
#: hosts mirror; the others are pulls.
ABANDONED, PUSHES, MIRRORED = 10, 40, 10
#: Percentage of pushes that replace the tag of the push before.
AGAIN = 20
#: Seconds between two operations of a client.
PAUSE = 0.5
#: Steps in which a push is abandoned.
IN_A_LAYER, BEFORE_ITS_END, BEFORE_THE_RESPONSE, BEFORE_THE_MANIFEST = range(4)
#: Seconds that a client waits for a response that it abandons.
AT_ONCE = 0.01


class Clients:
    """Threads that use a registry through its load balancer, until the context ends.

    A failed operation is retried from its beginning (exponential back-off with jitter, up to 4 s),
    and given up after ``PATIENCE`` seconds. Half of the pushes make a connection for each request,
    so an upload goes through several hosts.

    Args:
        deployment: the registry.
        repository: prefix of the repositories.
        seed: of sizes and choices. The bytes are new each time, since a registry does not store a
            blob again that it has.
        number: of threads.
        upstream: the registry that the hosts mirror as docker.io, if they do. An image that was
            pulled from it counts as an acknowledged push from then on.

    Usage:

        with Clients(deployment, "wharf-test/load", seed=1) as clients:
            cloud.kill_host(host)
        assert not clients.ledger.failed
    """

    def __init__(
        self,
        deployment: Deployment,
        repository: str,
        seed: int,
        number: int = 4,
        upstream: Upstream | None = None,
    ) -> None:
        self.ledger = Ledger()
        self._deployment = deployment
        self._repository = repository
        self._upstream = upstream
        self._random = [random.Random(f"{seed}/{n}") for n in range(number)]  # noqa: S311
        self._over = Event()
        #: Set when operations under way must not be retried either.
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
            for worker in self._running:
                worker.result()

    def _work(self, repository: str, source: random.Random) -> None:
        number, attempts = 0, 0
        while not self._over.is_set():
            chosen = source.randrange(100)
            known = self.ledger.acknowledged
            if chosen < ABANDONED:
                self._abandon(repository, source)
            elif chosen < ABANDONED + PUSHES or not known:
                # After a retry, the first attempt may still be on its way and replace the tag after
                # the next push: no registry can know which push was meant to be the later.
                if attempts != 1 or source.randrange(100) >= AGAIN:
                    number += 1
                attempts = self.push(repository, str(number), source)
            elif self._upstream and chosen < ABANDONED + PUSHES + MIRRORED:
                self._pull_new(self._upstream, repository, source)
            else:
                self.pull(source.choice(known))
            self._over.wait(PAUSE)

    def push(self, repository: str, tag: str, source: random.Random) -> int:
        """Push an image of one layer, and record whether the registry has acknowledged it.

        Returns:
            The number of attempts; 0 if the push was given up.
        """
        image = _new_image(repository, tag, source)
        blobs = [digest_of(image.config), image.layers[0].digest]
        push = Push(repository, tag, digest_of(image.manifest), blobs)
        headers = {"Connection": "close"} if source.randrange(2) else {}
        self.ledger.begin(push)
        attempts = self._tried(lambda: self._push(image, headers), f"push of {tag}")
        if attempts:
            push.confirmed = time.monotonic()
        return attempts

    def _push(self, image: Image, headers: dict[str, str]) -> None:
        with self._deployment.client() as http:
            http.headers.update(headers)
            client = repository(http, image.repository)
            upload(http, image.repository, image.config)
            client.upload(image.layers[0].chunks(), image.layers[0].digest)
            client.put_manifest(image.tag, image.manifest)

    def _pull_new(self, upstream: Upstream, repository: str, source: random.Random) -> None:
        """Pull an image that the mirror does not have yet; record it as an acknowledged push."""
        (size,), tag = source.choices(SIZES, WEIGHTS), os.urandom(4).hex()
        image = upstream.add(repository, tag, [os.urandom(size)])
        blobs = [image.config, *image.layers]
        push = Push(f"docker.io/{repository}", tag, image.manifest, blobs)
        self.ledger.begin(push)
        if self._tried(lambda: self._pull(push), f"first pull of {push.repository}:{push.tag}"):
            push.confirmed = time.monotonic()

    def pull(self, push: Push) -> None:
        """Pull an acknowledged image by its tag."""
        self._tried(lambda: self._pull(push), f"pull of {push.repository}:{push.tag}")

    def _pull(self, push: Push) -> None:
        with self._deployment.client() as http:
            check_blobs(http, push.repository, check_tag(http, push, self.ledger).blobs)

    def _abandon(self, name: str, source: random.Random) -> None:
        """Begin a push, and abandon it at a random step."""
        image = _new_image(name, f"given-up-{os.urandom(4).hex()}", source)
        (layer,), step = image.layers, source.randrange(4)
        data = b"".join(layer.chunks())
        half = data[: len(data) // 2]
        absent = [f"manifests/{image.tag}", f"manifests/{digest_of(image.manifest)}"]
        if step in (IN_A_LAYER, BEFORE_ITS_END):
            absent += [f"blobs/{layer.digest}", f"blobs/{digest_of(half)}"]
            self.ledger.abandon(Abandoned(name, absent))
        else:
            self.ledger.abandon(Abandoned(name, absent, [layer.digest]))

        try:
            with suppress(httpx.HTTPError), self._deployment.client() as http:
                session = repository(http, name).begin()
                if step == IN_A_LAYER:
                    session.patch(_broken_off(half))
                    return
                session.patch(pieces(data))
                if step == BEFORE_THE_RESPONSE:
                    session.put(layer.digest, timeout=httpx.Timeout(PATIENCE, read=AT_ONCE))
                elif step == BEFORE_THE_MANIFEST:
                    session.finish(layer.digest)
                    upload(http, name, image.config)
        except BrokenPromise as error:
            self.ledger.find_wrong(f"abandoned push: {error}")

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
            # tenacity calls it after failed attempts only.
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


def _new_image(repository: str, tag: str, source: random.Random) -> Image:
    """Return an image of one layer of a random size; no registry has any of its blobs."""
    (size,) = source.choices(SIZES, WEIGHTS)
    return Image(repository, tag, (Layer(os.urandom(8).hex(), size),))


def _broken_off(data: bytes) -> Iterator[bytes]:
    yield from pieces(data)
    raise httpx.WriteError("Given up on purpose")
