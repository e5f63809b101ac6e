"""Concurrent work on many items, with progress for the user."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


class Work:
    """Threads for concurrent requests, and the display of their progress.

    Args:
        concurrency: number of threads; with 1, the caller's thread does the work in order.
        progress: display with a bar for each step; None for no display.

    Usage:
        for digest, content in Work(16).map(read, digests, "Reading manifests"): ...
    """

    def __init__(self, concurrency: int = 1, progress: Progress | None = None) -> None:
        self._concurrency = concurrency
        self._progress = progress

    def map(
        self, function: Callable[[Item], Result], items: Collection[Item], step: str
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item and the function's result, in the order of the items.

        After the first error or interrupt, calls that have begun are finished, and no call begins.
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
        """Yield the items, and show their number."""
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
