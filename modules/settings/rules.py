"""Rules for values: each is checked by Python at synth and by Terraform at plan."""

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Protocol


class Rule(Protocol):
    """A limit on a setting, in words, in Python and in Terraform's language."""

    @property
    def allowed(self) -> str:
        """The allowed values, as the end of the sentence "it must be …"."""

    def accepts(self, value: object) -> bool:
        """Return whether the value is allowed."""

    def condition(self, reference: str) -> str:
        """Return Terraform's expression of the rule for a reference such as ``var.name``."""


@dataclass(frozen=True)
class Matches:
    """Text that matches a pattern and does not contain a forbidden pattern, if there is one.

    ``lines``: whether it may have more than one line.
    The patterns must mean the same to Python and to RE2, which knows no look-ahead.
    """

    pattern: str
    allowed: str
    unless: str | None = None
    lines: bool = False

    def accepts(self, value: object) -> bool:
        """Return whether the text matches."""
        text = str(value)
        forbidden = self.unless is not None and re.search(self.unless, text)
        return (
            bool(re.search(self.pattern, text))
            and not forbidden
            and (self.lines or "\n" not in text)
        )

    def condition(self, reference: str) -> str:
        """Return ``can(regex(…))``, and not the forbidden pattern."""
        wanted = f"can(regex({json.dumps(self.pattern)}, {reference}))"
        if self.unless is None:
            return wanted
        return f"{wanted} && !can(regex({json.dumps(self.unless)}, {reference}))"


@dataclass(frozen=True)
class Within:
    """A whole number between two limits, both included."""

    low: int
    high: int
    unit: str

    @property
    def allowed(self) -> str:
        """The limits with their unit."""
        return f"{self.low} to {self.high} {self.unit}"

    def accepts(self, value: object) -> bool:
        """Return whether the number lies within the limits."""
        return isinstance(value, int) and self.low <= value <= self.high

    def condition(self, reference: str) -> str:
        """Return two comparisons, and a check that the number is whole."""
        return (
            f"{reference} >= {self.low} && {reference} <= {self.high}"
            f" && floor({reference}) == {reference}"
        )


@dataclass(frozen=True)
class Cidr:
    """An IPv4 network, host bits zero, with a prefix between two lengths.

    ``apart`` is the beginning of a network of /16 with which it may have nothing in common; then
    ``shortest`` is at least 16.
    """

    shortest: int = 0
    longest: int = 32
    apart: str | None = None

    @property
    def allowed(self) -> str:
        """The form, with the lengths where they are limited."""
        form = "an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero"
        if (self.shortest, self.longest) == (0, 32):
            return form
        outside = f", outside {self.apart}.0.0/16" if self.apart else ""
        return f"{form}, the prefix /{self.shortest} to /{self.longest}{outside}"

    def accepts(self, value: object) -> bool:
        """Return whether the text is such a network."""
        text = str(value)
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError:
            return False
        if self.apart and text.startswith(f"{self.apart}."):
            return False
        return str(network) == text and self.shortest <= network.prefixlen <= self.longest

    def condition(self, reference: str) -> str:
        """Return a condition.

        ``cidrnetmask`` knows IPv4 only; ``cidrsubnet(x, 0, 0)`` is x if no host bit is set.
        """
        prefix = f'try(tonumber(split("/", {reference})[1]), -1)'
        outside = f' && !startswith({reference}, "{self.apart}.")' if self.apart else ""
        return (
            f"can(cidrnetmask({reference}))"
            f" && try(cidrsubnet({reference}, 0, 0) == {reference}, false)"
            f" && {prefix} >= {self.shortest} && {prefix} <= {self.longest}{outside}"
        )


@dataclass(frozen=True)
class Count:
    """The number of elements of a list or a table, both limits included."""

    low: int
    high: int
    noun: str

    @property
    def allowed(self) -> str:
        """The limits, as the end of the sentence "it must have …"."""
        return f"{self.low} to {self.high} {self.noun}"

    def accepts(self, value: Any) -> bool:
        """Count the elements."""
        return self.low <= len(value) <= self.high

    def condition(self, reference: str) -> str:
        """Return two comparisons of the length."""
        return f"length({reference}) >= {self.low} && length({reference}) <= {self.high}"


@dataclass(frozen=True)
class KeysApart:
    """A table whose keys differ in more than case, from each other and from some others.

    A key that is one of the others, letter by letter, is allowed.
    """

    others: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The others, and why, as the end of the sentence "it must have …"."""
        return (
            "no keys that differ in case only, from each other or from "
            f"{', '.join(self.others)}: IAM takes them for the same"
        )

    def accepts(self, value: Any) -> bool:
        """Compare the keys without case."""
        keys = {*value, *self.others}
        return len({key.lower() for key in keys}) == len(keys)

    def condition(self, reference: str) -> str:
        """Return a comparison of the list's length with and without repetitions."""
        keys = f"distinct(concat(keys({reference}), {json.dumps(self.others)}))"
        return f"length(distinct([for key in {keys} : lower(key)])) == length({keys})"


Whole = Count | KeysApart
"""The rules for a list or a table as a whole."""
