"""Rules for a value beside another setting: checked by Python at synth and by Terraform at plan."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Bound(ABC):
    """A limit that depends on another setting, which is declared before it."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """The allowed values, as the end of the sentence "it must be …"."""

    @abstractmethod
    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Return why the value is refused, or None; ``others`` lacks settings that were refused."""

    @abstractmethod
    def condition(self, reference: str) -> str:
        """Return Terraform's expression for the same rule, over variables."""


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
        """Return one comparison."""
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
        """Return one comparison."""
        return f"{reference} <= var.{self.other} - {self.less}"


@dataclass(frozen=True)
class OneOrTwo(Bound):
    """A number of hosts above 1 only with a minimum of 2: a single host has no half."""

    fewest: str

    @property
    def allowed(self) -> str:
        """The other setting's name, and the reason."""
        return (
            f"1 where {self.fewest} is below 2: tasks change in half of the hosts at a time, "
            "and one host has no half"
        )

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Compare with the minimum number of hosts."""
        fewest = others.get(self.fewest)
        if fewest is None or value <= 1 or fewest >= 2:
            return None
        return f"it must be {self.allowed}; raise {self.fewest} ({fewest}) to 2 or lower this to 1"

    def condition(self, reference: str) -> str:
        """Return both cases; either is enough."""
        return f"{reference} <= 1 || var.{self.fewest} >= 2"


@dataclass(frozen=True)
class FromEcr(Bound):
    """An image in the region's ECR where hosts reach no other registry."""

    before, after = r"^[0-9]{12}\.dkr\.ecr\.", r"\."
    allowed = "an image in ECR of aws_region where host_network is endpoints; copy it there"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Require the name of ECR in the region."""
        region = others.get("aws_region")
        if value is None or region is None or others.get("host_network") != "endpoints":
            return None
        if re.search(f"{self.before}{region}{self.after}", value):
            return None
        return f"it must be {self.allowed}"

    def condition(self, reference: str) -> str:
        """Return both cases; either is enough."""
        parts = f"{json.dumps(self.before)}, var.aws_region, {json.dumps(self.after)}"
        return f'var.host_network != "endpoints" || can(regex(join("", [{parts}]), {reference}))'


@dataclass(frozen=True)
class WithWayOut(Bound):
    """A way of the hosts to AWS that leads further, where another setting is given."""

    other: str

    @property
    def allowed(self) -> str:
        """The other setting's name."""
        return f"another one than endpoints where {self.other} is given"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Look whether hosts reach endpoints only."""
        if value != "endpoints" or not others.get(self.other):
            return None
        return (
            f"it must not be endpoints where {self.other} is given: from there hosts reach neither "
            "Route 53 nor an authority; use nat, or publish certificates by hand"
        )

    def condition(self, reference: str) -> str:
        """Return the condition that one of the two holds."""
        return f'var.{self.other} == "" || {reference} != "endpoints"'


@dataclass(frozen=True)
class Ends:
    """A table of numbers, empty or with the number of another setting: the usual number."""

    usual: str

    @property
    def allowed(self) -> str:
        """The other setting's name, as the end of the sentence "it must have …"."""
        return f"a time for {self.usual}, which ends the time of more hosts"

    def refuses(self, value: Mapping[str, Any], others: Mapping[str, Any]) -> str | None:
        """Require the number; return None if the value has it."""
        usual = others.get(self.usual)
        if usual is None or not value or usual in value.values():
            return None
        return f"it must have {self.allowed}; add a cron expression with {usual}"

    def condition(self, reference: str) -> str:
        """Return both cases: empty, or with the number."""
        return f"length({reference}) == 0 || contains(values({reference}), var.{self.usual})"


@dataclass(frozen=True)
class EmptyWhere:
    """A table that is empty where another setting has a value."""

    other: str
    value: str
    reason: str

    @property
    def allowed(self) -> str:
        """The other setting, as the end of the sentence "it must have …"."""
        return f"no entry where {self.other} is {self.value}: {self.reason}"

    def refuses(self, value: Mapping[str, Any], others: Mapping[str, Any]) -> str | None:
        """Compare the other setting; return None if the table may have entries."""
        if not value or others.get(self.other) != self.value:
            return None
        return f"it must have {self.allowed}"

    def condition(self, reference: str) -> str:
        """Return both cases; either is enough."""
        return f'var.{self.other} != "{self.value}" || length({reference}) == 0'


@dataclass(frozen=True)
class Replicated(Bound):
    """Days of versions where there is a replica: S3 replicates versions."""

    allowed = "at least 1 where replica_bucket is given: S3 replicates versions"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Require days where there is a replica."""
        if value > 0 or not others.get("replica_bucket"):
            return None
        return f"it must be {self.allowed}"

    def condition(self, reference: str) -> str:
        """Return both cases; either is enough."""
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
        """Compare with all other settings."""
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
