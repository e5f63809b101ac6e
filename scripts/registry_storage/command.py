"""What all programs on a registry's bucket have in common: options, progress, how they end."""

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

from scripts.registry_storage.work import Work

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Command = TypeVar("Command", bound=Callable[..., Any])

bucket = click.option("--bucket", required=True, help="The image bucket's name.")
region = click.option(
    "--region",
    envvar="AWS_REGION",
    help="The bucket's AWS region.  [default: AWS_REGION, else as for any AWS program]",
)
concurrency = click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Requests at a time.",
)
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")


@contextmanager
def working(concurrency: int) -> Iterator[Work]:
    """Show progress on standard error, if that is a terminal, and end by SIGTERM as by Ctrl-C."""

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
    """Print a summary for programs."""
    click.echo(json.dumps({**asdict(summary), **more}, indent=2))


def size(number: int) -> str:
    """Bytes for people: ``1.5 MB``."""
    return decimal(number)


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun: ``1 blob``, ``2 blobs``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
