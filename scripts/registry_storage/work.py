"""Work on many things at once, so many and no more, while a person sees how far it is."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


class Work:
    """How many requests run at a time, and where to show what is done.

    Args:
        concurrency: threads; with 1, everything happens in order and in the caller's.
        progress: shows a bar for each step; None shows nothing.

    Usage:
        for digest, content in Work(16).map(read, digests, "Reading manifests"): ...
    """

    def __init__(self, concurrency: int = 1, progress: Progress | None = None) -> None:
        self._concurrency = concurrency
        self._progress = progress

    def map(
        self, function: Callable[[Item], Result], items: Collection[Item], step: str
    ) -> Iterator[tuple[Item, Result]]:
        """Give each item with what the function makes of it, in the order of the items.

        The first error ends it: what has begun is finished, nothing more begins. The same holds
        for an interruption.
        """
        return self.follow(self._map(function, items), step, len(items))

    def _map(
        self, function: Callable[[Item], Result], items: Collection[Item]
    ) -> Iterator[tuple[Item, Result]]:
        if self._concurrency == 1:
            yield from ((item, function(item)) for item in items)
            return
        with ThreadPoolExecutor(self._concurrency) as pool:
            try:
                yield from zip(items, pool.map(function, items), strict=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def follow(self, items: Iterable[Item], step: str, total: int | None = None) -> Iterator[Item]:
        """Give the items, and show how many there were."""
        if self._progress is None:
            yield from items
            return
        task = self._progress.add_task(step, total=total)
        try:
            for item in items:
                yield item
                self._progress.advance(task)
        finally:
            self._progress.remove_task(task)
