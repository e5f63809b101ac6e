"""Images of mirrored registries: an HTTP service on a Unix socket, for requests from nginx.

A request names what a client wants, in ``X-Wharf-Kind`` (``tag``, ``manifest`` or ``layer``),
``X-Wharf-Repository`` and ``X-Wharf-Reference``. The response is 202 while the upstream is asked;
nginx repeats the request until there is a result. Then it is 204 when the registry can serve what
the client wants, with ``X-Wharf-State``: ``hit``, ``fresh``, ``fetched`` or ``stale``; and an error
otherwise. A result is kept for a few seconds, for all who wait for it.

It is a process of its own with a lower priority, and nothing else waits for it.
"""

import argparse
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any

import waitress
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from wharf_proxy import log, mirror_store, workers
from wharf_proxy.bucket import connect
from wharf_proxy.log import report
from wharf_proxy.mirror_metrics import MirrorMetrics
from wharf_proxy.mirror_result import Result, error_body
from wharf_proxy.mirror_store import DIGEST, MirrorStore
from wharf_proxy.mirrors import Mirror
from wharf_proxy.settings import ProxySettings
from wharf_proxy.upstream import Upstream
from wharf_proxy.upstream_responses import Absent, Failed, Refused

SOCKET = "mirror.sock"
"""In the folder of the proxy; nginx's delivery.conf has its path."""

THREADS = 2
"""Concurrent requests of nginx: none waits for an upstream or for S3."""

LAYERS, OTHERS = 2, 4
"""Maximum of concurrent fetches of layers, and of manifests and tags, of each mirror. While there
is room for a layer of each mirror, no upstream holds up another."""

LAYER_MEMORY = 32 * 1024 * 1024
"""Bytes of memory that the fetch of a layer takes (:func:`wharf_proxy.mirror_store._transfer`)."""

SHARE = 1 / 8
"""The part of the memory for layers of all mirrors together."""

PRIORITY = 10
"""Niceness, as the verifier's."""

KEPT = 15.0
"""Seconds for which a result is kept. nginx repeats a request after 4 at most."""

RETRY = 10
"""Seconds before a tag whose upstream has failed is looked up again, at least."""

CONNECTIONS = 4_000
"""Open connections of nginx."""

STORAGE_ERRORS = (Boto3Error, BotoCoreError, ClientError)

LOOKUPS = 3
"""Lookups of a tag that another host has moved meanwhile."""

UNCHANGED = timedelta(hours=1)
"""After which the link of an unchanged tag is written again: retention reads its time."""

Start = Callable[[str, list[tuple[str, str]]], object]
Key = tuple[str, str, str]


class Mirrors:
    """The service as a WSGI application.

    Args:
        mirrors: the closed list.
        store: where images are kept.
        metrics: of the upstreams.
        room: concurrent fetches of layers, of all mirrors together.
    """

    def __init__(
        self, mirrors: Sequence[Mirror], store: MirrorStore, metrics: MirrorMetrics, room: int
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._tag_seconds = {mirror.host: mirror.tag_seconds for mirror in mirrors}
        self._upstreams = {
            mirror.host: Upstream(mirror, partial(metrics.count, mirror.host)) for mirror in mirrors
        }
        self._lock = Lock()
        self._flights: dict[Key, Future[Result]] = {}
        self._ended: dict[Key, float] = {}
        self._room = Semaphore(room)
        layers = max(min(LAYERS, room // max(len(mirrors), 1)), 1)
        self._layers = {mirror.host: ThreadPoolExecutor(layers) for mirror in mirrors}
        self._others = {mirror.host: ThreadPoolExecutor(OTHERS) for mirror in mirrors}

    def __call__(self, environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Respond to one request."""
        key = (
            environment["HTTP_X_WHARF_KIND"],
            environment["HTTP_X_WHARF_REPOSITORY"],
            environment["HTTP_X_WHARF_REFERENCE"],
        )
        flight = self._flight(key)
        if not flight.done():
            start("202 Accepted", [("Content-Length", "0")])
            return []
        result = flight.result()
        # Those who come later remember a tag for what is left of its time.
        left = result.seconds - (time.monotonic() - self._ended.get(key, time.monotonic()))
        body = b"" if result.status == HTTPStatus.NO_CONTENT else error_body(key[0], result)
        headers = [
            ("X-Wharf-State", result.state),
            ("X-Wharf-Seconds", str(max(math.ceil(left), 1))),
            ("X-Wharf-Seen", result.seen),
        ]
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start(f"{result.status.value} {result.status.phrase}", headers)
        return [body]

    def forget(self, seconds: float) -> None:
        """Forget results after a number of seconds; tags that are true for less sooner."""
        with self._lock:
            now = time.monotonic()
            for key, end in list(self._ended.items()):
                flight = self._flights[key]
                true = seconds
                if flight.done() and flight.result().status == HTTPStatus.NO_CONTENT:
                    true = flight.result().seconds or seconds
                if now - end > min(seconds, true):
                    del self._ended[key]
                    del self._flights[key]

    def _flight(self, key: Key) -> "Future[Result]":
        """Return the fetch that is under way or has just ended, or begin one."""
        self.forget(KEPT)
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                pools = self._layers if key[0] == "layer" else self._others
                pool = pools[key[1].partition("/")[0]]
                flight = self._flights[key] = pool.submit(self._result, key)
        return flight

    def _result(self, key: Key) -> Result:
        kind, repository, reference = key
        host = repository.partition("/")[0]
        work = {"layer": self._layer, "manifest": self._manifest, "tag": self._tag}[kind]
        try:
            return work(host, repository, reference)
        except Absent:
            return Result(
                HTTPStatus.NOT_FOUND, "absent", message=f"{host} does not have {reference}"
            )
        except Refused as refusal:
            report("mirror_refused", f"{repository} {reference}: {refusal}", mirror=host)
            message = f"{host} does not serve {reference}: the repository may not exist there"
            return Result(HTTPStatus.FORBIDDEN, "refused", message=message)
        except Failed as failure:
            report("mirror_failed", f"{repository} {reference}: {failure}", mirror=host)
            status = (
                HTTPStatus.TOO_MANY_REQUESTS if failure.limited else HTTPStatus.SERVICE_UNAVAILABLE
            )
            return Result(
                status,
                "failed",
                seconds=max(int(failure.seconds), 1),
                message=f"{host} cannot be used now, and this registry does not have {reference}",
            )
        except STORAGE_ERRORS as error:
            text = " ".join(str(error).split())
            report("mirror_storage_failed", f"{repository} {reference}: {text}", mirror=host)
            return Result(
                HTTPStatus.SERVICE_UNAVAILABLE, "storage", 1, message="S3 cannot be used now"
            )
        except Exception as error:
            # Whoever waits for the result would wait for ever.
            # The text of the error may have a token in it.
            text = f"{repository} {reference}: {type(error).__name__}"
            report("mirror_broken", text, mirror=host)
            return Result(HTTPStatus.SERVICE_UNAVAILABLE, "broken", 1, message="it failed")
        finally:
            with self._lock:
                self._ended[key] = time.monotonic()
            # A full disk costs metrics, no pulls.
            with suppress(OSError):
                self._metrics.write()

    def _layer(self, host: str, repository: str, digest: str) -> Result:
        if self._store.has(repository, "_layers", digest):
            return Result(HTTPStatus.NO_CONTENT, "hit")
        with self._room:
            start = time.monotonic()
            response = self._upstreams[host].layer(repository, digest)
            size = self._store.put_layer(repository, digest, response)
        self._metrics.add(host, size)
        seconds = round(time.monotonic() - start, 1)
        report("mirror_fetched", f"{repository} {digest}", mirror=host, bytes=size, seconds=seconds)
        return Result(HTTPStatus.NO_CONTENT, "fetched")

    def _manifest(self, host: str, repository: str, digest: str) -> Result:
        if self._store.has(repository, "_manifests/revisions", digest):
            return Result(HTTPStatus.NO_CONTENT, "hit")
        content = self._upstreams[host].manifest(repository, digest)
        if mirror_store.digest_of(content) != digest:
            raise Failed(f"the bytes of {digest} have another digest: nothing was kept")
        self._store.put_manifest(repository, content)
        return Result(HTTPStatus.NO_CONTENT, "fetched")

    def _tag(self, host: str, repository: str, tag: str) -> Result:
        try:
            state = self._look_up(host, repository, tag)
        except (Failed, *STORAGE_ERRORS) as failure:
            seen = self._store.tag(repository, tag)
            if not seen or not self._store.has(repository, "_manifests/revisions", seen[0]):
                raise
            digest, when = seen[0], seen[1].strftime("%Y-%m-%dT%H:%M:%SZ")
            why = " ".join(str(failure).split())
            report(
                "mirror_stale",
                f"{repository}:{tag}: {why}; {digest} is served, which was seen at {when}",
                mirror=host,
            )
            seconds = max(RETRY, int(failure.seconds) if isinstance(failure, Failed) else 0)
            return Result(HTTPStatus.NO_CONTENT, "stale", seconds, when)
        return Result(HTTPStatus.NO_CONTENT, state, self._tag_seconds[host])

    def _look_up(self, host: str, repository: str, tag: str) -> str:
        """Look a tag up, and let it name here what it names there; return the state."""
        upstream = self._upstreams[host]
        for _ in range(LOOKUPS):
            state = "fresh"
            # S3 has no fractions of a second.
            start = datetime.now(UTC).replace(microsecond=0)
            digest = upstream.digest(repository, tag) or ""
            if DIGEST.fullmatch(digest):
                state = self._manifest(host, repository, digest).state
            else:
                digest = self._store.put_manifest(repository, upstream.manifest(repository, tag))
            known = self._store.tag(repository, tag)
            if not known or known[1] < start or known[0] == digest:
                break
            # Another host has looked the tag up meanwhile, perhaps later: the tag must not go back.
        if not known or known[0] != digest or known[1] < start - UNCHANGED:
            self._store.put_tag(repository, tag, digest)
        return "fresh" if state == "hit" else state


def room_for_layers(memory: int) -> int:
    """Return how many layers may be fetched at the same time with so many bytes of memory."""
    return max(int(memory * SHARE) // LAYER_MEMORY, LAYERS)


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, required=True, help="Folder of the socket.")
    directory: Path = arguments.parse_args().directory
    for number in (signal.SIGTERM, signal.SIGQUIT):
        # A fetch that is under way is begun again by another host.
        signal.signal(number, lambda *_: os._exit(0))
    os.nice(PRIORITY)
    settings = ProxySettings.from_environment(os.environ)
    log.configure("mirror")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # Its warnings have URLs with queries.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    metrics = MirrorMetrics(directory)
    metrics.write()
    store = MirrorStore(connect(settings.region, mirror_store.CONFIG), settings.image_bucket)
    waitress.serve(
        Mirrors(settings.mirrors, store, metrics, room_for_layers(workers.memory_limit())),
        unix_socket=str(directory / SOCKET),
        unix_socket_perms="600",
        threads=THREADS,
        connection_limit=CONNECTIONS,
    )
    sys.exit(0)


if __name__ == "__main__":
    main()
