"""Sizes, times and rates as people write them: 2GB, 60s, 25MB/s."""

import math
from collections.abc import Callable
from typing import Any

import click
import humanfriendly


class Quantity(click.ParamType[float]):
    """A number with a unit, as humanfriendly reads it.

    Args:
        name: what it is.
        parse: of humanfriendly.
        example: of what may be written.
    """

    def __init__(self, name: str, parse: Callable[[str], float], example: str) -> None:
        self.name = name
        self._parse, self._example = parse, example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read what was given.

        Raises:
            click.BadParameter: it is no such thing, or nothing.
        """
        if isinstance(value, float):
            return value
        try:
            number = float(self._parse(value.strip()))
        except (humanfriendly.InvalidSize, humanfriendly.InvalidTimespan, OverflowError):
            number = math.nan
        if not 0 < number < math.inf:
            self.fail(
                f"{value!r} is no {self.name} above nothing; write {self._example}", param, ctx
            )
        return number


SIZE = Quantity("size", humanfriendly.parse_size, "2GB or 500MiB")
TIME = Quantity("time", humanfriendly.parse_timespan, "60s or 2m")
RATE = Quantity("rate", humanfriendly.parse_size, "25MB/s")
