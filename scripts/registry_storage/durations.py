"""Spans of time as people write them: ``30d``, ``12h``, ``15m``, ``10s``."""

import re
from datetime import timedelta
from typing import Any

import click

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def duration(text: str) -> timedelta:
    """Read a span of time.

    Raises:
        ValueError: it is none; the text says what would be.
    """
    found = re.fullmatch(r"(\d{1,5})([dhms])", text)
    if not found:
        raise ValueError("must be a whole number and d, h, m or s, such as 30d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Duration(click.ParamType[timedelta]):
    """An option whose value is a span of time."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it, or say on one line what would be one."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
