"""Options whose values are numbers."""

import math
from typing import Any

import click


class Finite(click.FloatRange):
    """click's range, without ``nan`` and ``inf``, which compare with no bound or pass all."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read what was given.

        Raises:
            click.BadParameter: it is no number, or outside the range.
        """
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number; write one like 1.5", param, ctx)
        return number
