"""What a person sees of long work: each step with its time, and below them what goes on now."""

import time
from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

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

from integration.local.cloud import apply_with_terraform
from integration.local.terraform import Terraform

T = TypeVar("T")


class Display:
    """Prints each step with the seconds since the beginning; on a terminal, shows progress.

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
        self._task = self._progress.add_task("Working", total=None, terraform=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, line: str) -> None:
        """Say what begins now, or what was found."""
        self.console.print(f"{time.monotonic() - self._start:5.0f} s  {line}")

    def track(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Go through items, and show how many of them are done."""
        task = self._progress.add_task(what, total=len(items), terraform=None)
        for item in items:
            yield item
            self._progress.advance(task)
        self._progress.remove_task(task)

    def apply(self, terraform: Terraform) -> None:
        """Deploy the stack as ever, and show how many of its resources there are already."""
        self._progress.update(self._task, description="Applying", terraform=terraform)
        apply_with_terraform(terraform)
        self._progress.update(self._task, description="Working", terraform=None)


class _ResourceBar(ProgressColumn):
    """A bar that fills with the resources that Terraform has made."""

    # Seconds between two looks at the state.
    max_refresh = 1.0

    def render(self, task: Task) -> RenderableType:
        terraform: Terraform | None = task.fields["terraform"]
        if terraform is None:
            return BarColumn(bar_width=20).render(task)
        return ProgressBar(total=terraform.described, completed=terraform.applied, width=20)


class _Count(ProgressColumn):
    """The same in numbers."""

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        terraform: Terraform | None = task.fields["terraform"]
        if terraform is None:
            return Text("" if task.total is None else f"{task.completed:.0f} of {task.total:.0f}")
        return Text(f"{terraform.applied} of {terraform.described} resources")
