"""A store in memory: S3's promises, and somebody else who may act before each request."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from threading import Lock

from scripts.registry_storage.store import Entry


class MemoryStore:
    """Objects in a dictionary; a second passes with each request. Several threads may use it.

    Args:
        before_each: is called before each request, as other clients of S3 come between.
        page: keys that a listing gives at a time: S3's 1,000 are more than small registries have.
        kms_key: with which the objects are encrypted.
    """

    def __init__(
        self,
        before_each: Callable[[], None] = lambda: None,
        page: int = 4,
        kms_key: bytes = b"",
    ) -> None:
        self.before_each = before_each
        self.kms_key = kms_key
        self._page = page
        self._lock = Lock()
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        #: Buckets from which objects are copied here, by name.
        self.others: dict[str, MemoryStore] = {}
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def pass_time(self, span: timedelta) -> None:
        """Let time go by."""
        self.time += span

    def now(self) -> datetime:
        """Return the time of the store."""
        return self.time

    def entries(self, prefix: str) -> Iterator[Entry]:
        """List by pages, each as it is when it is asked for."""
        last = ""
        while True:
            self._request()
            with self._lock:
                objects = list(self.objects.items())
            found = sorted(key for key in objects if key[0].startswith(prefix) and key[0] > last)
            for last, (content, modified) in found[: self._page]:
                yield Entry(last, len(content), modified, self._etag(content))
            if len(found) <= self._page:
                return

    def read(self, key: str) -> bytes | None:
        """Get an object."""
        self._request()
        return self.objects[key][0] if key in self.objects else None

    def stream(self, key: str) -> Iterator[bytes] | None:
        """Get an object in one piece."""
        content = self.read(key)
        return None if content is None else iter([content])

    def write(self, key: str, content: bytes) -> None:
        """Put an object."""
        self._request()
        self.put(key, content)

    def put(self, key: str, content: bytes) -> None:
        """Put an object at once: nobody comes between."""
        with self._lock:
            self.objects[key] = (content, self.time)

    def create(self, key: str, content: bytes) -> bool:
        """Put an object unless there is one."""
        self._request()
        if key in self.objects:
            return False
        self.put(key, content)
        return True

    def copy(self, source: Entry, target: str, bucket: str | None = None) -> bool:
        """Copy an object."""
        self._request()
        objects = self.others[bucket].objects if bucket else self.objects
        if source.key not in objects:
            return False
        self.put(target, objects[source.key][0])
        return True

    def delete(self, keys: Collection[str]) -> None:
        """Delete objects; one request."""
        self._request()
        with self._lock:
            for key in keys:
                self.objects.pop(key, None)

    def _etag(self, content: bytes) -> str:
        # With a key of KMS, S3's entity tags tell nothing of the content.
        return f'"{hashlib.md5(self.kms_key + content, usedforsecurity=False).hexdigest()}"'

    def _request(self) -> None:
        self.time += timedelta(seconds=1)
        self.before_each()
