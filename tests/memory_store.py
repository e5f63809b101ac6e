"""A store in memory: S3's promises, and somebody else who may act before each request."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta

from scripts.registry_storage.store import Entry

#: Keys that a listing gives at a time: S3's 1,000 are more than these registries have.
PAGE = 4


class MemoryStore:
    """Objects in a dictionary; a second passes with each request.

    Args:
        before_each: is called before each request, as other clients of S3 come between.
    """

    def __init__(self, before_each: Callable[[], None] = lambda: None) -> None:
        self.before_each = before_each
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        #: Buckets from which objects are copied here, by name.
        self.others: dict[str, MemoryStore] = {}
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def pass_time(self, span: timedelta) -> None:
        """Let time go by."""
        self.time += span

    def now(self) -> datetime:
        """The time of the store."""
        return self.time

    def entries(self, prefix: str) -> Iterator[Entry]:
        """List by pages, each as it is when it is asked for."""
        last = ""
        while True:
            self._request()
            page = sorted(key for key in self.objects if key.startswith(prefix) and key > last)
            for key in page[:PAGE]:
                content, modified = self.objects[key]
                yield Entry(key, len(content), modified, str(hash(content)))
            if len(page) <= PAGE:
                return
            last = page[PAGE - 1]

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
        for key in keys:
            self.objects.pop(key, None)

    def _request(self) -> None:
        self.time += timedelta(seconds=1)
        self.before_each()
