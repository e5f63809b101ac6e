"""What a value may be: each rule is checked by Python at synth and by Terraform at plan."""

import ipaddress
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Rule(Protocol):
    """One limit on a setting, in words, in Python and in Terraform's language."""

    @property
    def allowed(self) -> str:
        """What is allowed, as the end of the sentence "it must be …"."""

    def accepts(self, value: object) -> bool:
        """Whether the value is allowed."""

    def condition(self, reference: str) -> str:
        """Terraform's expression for the same, over a reference such as ``var.name``."""


@dataclass(frozen=True)
class Matches:
    """Text that matches a pattern and, where one is given, does not contain another.

    The patterns must mean the same to Python and to RE2, which knows no look-ahead.
    """

    pattern: str
    allowed: str
    unless: str | None = None

    def accepts(self, value: object) -> bool:
        """Whether the text matches."""
        text = str(value)
        forbidden = self.unless is not None and re.search(self.unless, text)
        return bool(re.search(self.pattern, text)) and not forbidden and "\n" not in text

    def condition(self, reference: str) -> str:
        """``can(regex(…))``, and not the forbidden pattern."""
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
        """Whether the number lies within the limits."""
        return isinstance(value, int) and self.low <= value <= self.high

    def condition(self, reference: str) -> str:
        """Two comparisons, and that the number is whole."""
        return (
            f"{reference} >= {self.low} && {reference} <= {self.high}"
            f" && floor({reference}) == {reference}"
        )


@dataclass(frozen=True)
class Cidr:
    """An IPv4 network, host bits zero, with a prefix between two lengths."""

    shortest: int = 0
    longest: int = 32

    @property
    def allowed(self) -> str:
        """The form, with the lengths where they are limited."""
        form = "an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero"
        if (self.shortest, self.longest) == (0, 32):
            return form
        return f"{form}, the prefix /{self.shortest} to /{self.longest}"

    def accepts(self, value: object) -> bool:
        """Whether the text is such a network."""
        text = str(value)
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError:
            return False
        return str(network) == text and self.shortest <= network.prefixlen <= self.longest

    def condition(self, reference: str) -> str:
        """``cidrnetmask`` knows IPv4 only; ``cidrsubnet(x, 0, 0)`` is x if no host bit is set."""
        prefix = f'try(tonumber(split("/", {reference})[1]), -1)'
        return (
            f"can(cidrnetmask({reference}))"
            f" && try(cidrsubnet({reference}, 0, 0) == {reference}, false)"
            f" && {prefix} >= {self.shortest} && {prefix} <= {self.longest}"
        )


class Bound(ABC):
    """A limit that depends on another setting, one that is declared before it."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What is allowed, as the end of the sentence "it must be …"."""

    @abstractmethod
    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Why the value is refused, or None; ``others`` lacks what was itself refused."""

    @abstractmethod
    def condition(self, reference: str) -> str:
        """Terraform's expression for the same, over variables."""


@dataclass(frozen=True)
class AtLeast(Bound):
    """A number not below another setting."""

    other: str

    @property
    def allowed(self) -> str:
        """The other setting's name."""
        return f"at least {self.other}"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Compare the two numbers."""
        limit = others.get(self.other)
        if limit is None or value >= limit:
            return None
        return f"it must be at least {self.other} ({limit}); raise it or lower {self.other}"

    def condition(self, reference: str) -> str:
        """One comparison."""
        return f"{reference} >= var.{self.other}"


@dataclass(frozen=True)
class AtMost(Bound):
    """A number not above another setting, less a fixed amount."""

    other: str
    less: int = 0

    @property
    def allowed(self) -> str:
        """The other setting's name, and the amount."""
        return f"at most {self.other}" + (f" less {self.less}" if self.less else "")

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Compare the two numbers."""
        limit = others.get(self.other)
        if limit is None or value <= limit - self.less:
            return None
        less = f" less {self.less}" if self.less else ""
        return f"it must be at most {self.other} ({limit}){less}; lower it or raise {self.other}"

    def condition(self, reference: str) -> str:
        """One comparison."""
        return f"{reference} <= var.{self.other} - {self.less}"


@dataclass(frozen=True)
class FromEcr(Bound):
    """An image in ECR where hosts reach no other registry."""

    pattern = r"^[0-9]{12}\.dkr\.ecr\."
    allowed = "an image in ECR where host_network is endpoints; copy it there"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Look for the name of ECR."""
        if others.get("host_network") != "endpoints" or re.search(self.pattern, value):
            return None
        return f"it must be {self.allowed}"

    def condition(self, reference: str) -> str:
        """Either of the two."""
        pattern = json.dumps(self.pattern)
        return f'var.host_network != "endpoints" || can(regex({pattern}, {reference}))'


@dataclass(frozen=True)
class Replicated(Bound):
    """Days of versions where there is a replica: S3 replicates versions."""

    allowed = "at least 1 where replica_bucket is given: S3 replicates versions"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Look for a replica."""
        if value > 0 or not others.get("replica_bucket"):
            return None
        return f"it must be {self.allowed}"

    def condition(self, reference: str) -> str:
        """Either of the two."""
        return f'var.replica_bucket == "" || {reference} > 0'


@dataclass(frozen=True)
class Needed(Bound):
    """Text that has to be given where other settings have a value; "" stands for any value."""

    where: tuple[tuple[str, str], ...]

    @property
    def allowed(self) -> str:
        """The other settings."""
        conditions = [f"{name} is {value or 'given'}" for name, value in self.where]
        return f"given where {' and '.join(conditions)}"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Look at all of the others."""
        met = all(
            others.get(name) == wanted if wanted else others.get(name)
            for name, wanted in self.where
        )
        return f"it must be {self.allowed}" if met and not value else None

    def condition(self, reference: str) -> str:
        """Given, or one of the others does not have its value."""
        unmet = [
            f"var.{name} {'!=' if wanted else '=='} {json.dumps(wanted)}"
            for name, wanted in self.where
        ]
        return " || ".join([*unmet, f'{reference} != ""'])
