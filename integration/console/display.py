"""The display of long work: each step with its time, and a progress bar of the current step."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, Self, TypeVar

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar
from rich.text import Text

T = TypeVar("T")


class Resources(Protocol):
    """Resources that Terraform creates: how many the stack describes, and how many exist."""

    @property
    def described(self) -> int:
        """Number of resources in the stack."""

    @property
    def applied(self) -> int:
        """Number of resources in the state."""


class Display:
    """A printer of steps with the seconds since the start; on a terminal, it shows progress.

    Usage:

        with Display() as display:
            display("Building the images")
    """

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            _ResourceBar(),
            _Count(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            refresh_per_second=4,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("Working", total=None, resources=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, line: str) -> None:
        """Print the line of a step, with the seconds since the start."""
        self.console.print(f"{time.monotonic() - self._start:5.0f} s  {line}")

    def track(self, items: Sequence[T], description: str) -> Iterator[T]:
        """Yield the items, and show how many of them are done."""
        task = self._progress.add_task(description, total=len(items), resources=None)
        for item in items:
            yield item
            self._progress.advance(task)
        self._progress.remove_task(task)

    @contextmanager
    def applying(self, resources: Resources) -> Iterator[None]:
        """Show how many of the stack's resources exist while Terraform applies the stack."""
        self._progress.update(self._task, description="Applying", resources=resources)
        yield
        self._progress.update(self._task, description="Working", resources=None)


class _ResourceBar(ProgressColumn):
    """A bar of the resources that Terraform has created."""

    # Seconds between two looks at the state.
    max_refresh = 1.0

    def render(self, task: Task) -> RenderableType:
        resources: Resources | None = task.fields["resources"]
        if resources is None:
            return BarColumn(bar_width=20).render(task)
        return ProgressBar(total=resources.described, completed=resources.applied, width=20)


class _Count(ProgressColumn):
    """The number of resources, or of items, that are done."""

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        resources: Resources | None = task.fields["resources"]
        if resources is None:
            return Text("" if task.total is None else f"{task.completed:.0f} of {task.total:.0f}")
        return Text(f"{resources.applied} of {resources.described} resources")
