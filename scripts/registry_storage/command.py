"""Options, progress and output that the commands on a registry's bucket share."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.registry_storage.snapshot import require_registry
from scripts.registry_storage.store import S3Store
from scripts.registry_storage.work import Work

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Command = TypeVar("Command", bound=Callable[..., Any])

bucket = click.option("--bucket", required=True, help="Name of the image bucket.")
concurrency = click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Maximum number of concurrent requests.",
)
dry_run = click.option(
    "--dry-run", is_flag=True, help="Show the planned changes, and change nothing."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")


@contextmanager
def opened(
    bucket: str, region: str | None, concurrency: int, *more: str
) -> Iterator[tuple[S3Store, Work]]:
    """Open the bucket of a registry.

    Raises:
        ConfigurationError: the bucket has no objects of a registry, or below the prefixes ``more``.
    """
    store = S3Store(bucket, region=region, connections=concurrency)
    require_registry(store, bucket, *more)
    with _working(concurrency) as work:
        yield store, work


@contextmanager
def _working(concurrency: int) -> Iterator[Work]:
    """Show progress on standard error, if it is a terminal, and treat SIGTERM like Ctrl-C."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with Progress(
            *columns,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as progress:
            yield Work(concurrency, progress)
    finally:
        signal.signal(signal.SIGTERM, before)


def print_json(summary: "DataclassInstance", **more: Any) -> None:
    """Print a summary as JSON."""
    click.echo(json.dumps({**asdict(summary), **more}, indent=2))


def size(number: int) -> str:
    """Return bytes with a unit, such as ``1.5 MB``."""
    return decimal(number)


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, such as ``1 blob`` or ``2 blobs``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
