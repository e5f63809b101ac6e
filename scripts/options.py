"""Types of command-line options: numbers, timestamps, durations, and quantities with a unit."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import humanfriendly

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


region = click.option(
    "--region",
    envvar="AWS_REGION",
    help="AWS region of the bucket.  [default: AWS_REGION, or that of the AWS configuration]",
)


class Finite(click.FloatRange):
    """A range of numbers without ``nan`` and ``inf``, which pass the checks of click's range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number.

        Raises:
            click.BadParameter: the value is not a finite number in the range.
        """
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number; write a number such as 1.5", param, ctx)
        return number


def parse_timestamp(text: str) -> datetime | None:
    """Return a timestamp in ISO 8601; None for other texts and for timestamps without a zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else None


def timestamp(text: str) -> datetime:
    """Return the timestamp of an option.

    Raises:
        click.BadParameter: the text is not a timestamp with a zone.
    """
    parsed = parse_timestamp(text)
    if parsed is None:
        raise click.BadParameter(
            f"{text!r} is not a time with a zone; write a time such as 2026-01-31T01:17:00+00:00"
        )
    return parsed


def duration(text: str) -> timedelta:
    """Return a duration such as ``30d``, ``12h``, ``15m`` or ``10s``.

    Raises:
        ValueError: the text is not a duration.
    """
    match = re.fullmatch(r"(\d{1,5})([dhms])", text)
    if not match:
        raise ValueError("must be a whole number and d, h, m or s, such as 30d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


class Duration(click.ParamType[timedelta]):
    """A duration, as :func:`duration` reads it."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration.

        Raises:
            click.BadParameter: the value is not a duration.
        """
        if isinstance(value, timedelta):
            return value
        try:
            return duration(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class Quantity(click.ParamType[float]):
    """A positive number with a unit, as humanfriendly reads it.

    Args:
        name: word for the quantity, for help and errors.
        parse: function of humanfriendly.
        example: values that a user may write.
    """

    def __init__(self, name: str, parse: Callable[[str], float], example: str) -> None:
        self.name = name
        self._parse, self._example = parse, example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number in bytes or seconds.

        Raises:
            click.BadParameter: the value is not a positive quantity.
        """
        if isinstance(value, float):
            return value
        try:
            number = float(self._parse(value.strip()))
        except (humanfriendly.InvalidSize, humanfriendly.InvalidTimespan, OverflowError):
            number = math.nan
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is not a positive {self.name}; write {self._example}", param, ctx)
        return number


SIZE = Quantity("size", humanfriendly.parse_size, "2GB or 500MiB")
TIME = Quantity("time", humanfriendly.parse_timespan, "60s or 2m")
RATE = Quantity("rate", humanfriendly.parse_size, "25MB/s")
