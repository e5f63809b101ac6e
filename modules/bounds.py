"""What a value may be beside others: checked by Python at synth and by Terraform at plan."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """An image in the region's ECR where hosts reach no other registry."""

    before, after = r"^[0-9]{12}\.dkr\.ecr\.", r"\."
    allowed = "an image in ECR of aws_region where host_network is endpoints; copy it there"

    def refuses(self, value: Any, others: Mapping[str, Any]) -> str | None:
        """Look for the name of ECR in the region."""
        region = others.get("aws_region")
        if value is None or region is None or others.get("host_network") != "endpoints":
            return None
        if re.search(f"{self.before}{region}{self.after}", value):
            return None
        return f"it must be {self.allowed}"

    def condition(self, reference: str) -> str:
        """Either of the two."""
        parts = f"{json.dumps(self.before)}, var.aws_region, {json.dumps(self.after)}"
        return f'var.host_network != "endpoints" || can(regex(join("", [{parts}]), {reference}))'


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
