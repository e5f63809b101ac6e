"""What clients were promised, and what they were not."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Push:
    """An image on its way into the registry, by the digests of its parts.

    Attributes:
        begun: when its first byte was sent, a moment of ``time.monotonic``.
        confirmed: when the registry had answered that it has all of it.
    """

    repository: str
    tag: str
    manifest: str
    blobs: Sequence[str]
    begun: float = field(default_factory=time.monotonic)
    confirmed: float | None = None


@dataclass(frozen=True)
class Abandoned:
    """A push that a client gave up.

    Attributes:
        absent: paths below the repository at which nothing may be.
        whole: digests of layers that may be there, if all of them is.
    """

    repository: str
    absent: Sequence[str]
    whole: Sequence[str] = ()


@dataclass
class Ledger:
    """All that clients have done, told by several threads."""

    pushes: list[Push] = field(default_factory=list)
    abandoned: list[Abandoned] = field(default_factory=list)
    operations: int = 0
    retries: int = 0
    #: Operations that were given up, or that gave what was not so; each with its reason.
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, push: Push) -> None:
        """Write a push down before its first byte is sent."""
        with self._lock:
            self.pushes.append(push)

    def abandon(self, abandoned: Abandoned) -> None:
        """Write a push down that will not be ended, before its first byte is sent."""
        with self._lock:
            self.abandoned.append(abandoned)

    def done(self, attempts: int) -> None:
        """Count an operation that went well, with its attempts."""
        with self._lock:
            self.operations += 1
            self.retries += attempts - 1

    def give_up(self, reason: str) -> None:
        """Count an operation that did not go well however often it was tried."""
        with self._lock:
            self.operations += 1
            self.failed.append(reason)

    def find_wrong(self, reason: str) -> None:
        """Count an answer that breaks a promise."""
        with self._lock:
            self.operations += 1
            self.wrong.append(reason)

    @property
    def acknowledged(self) -> list[Push]:
        """The pushes that the registry has confirmed."""
        with self._lock:
            return [push for push in self.pushes if push.confirmed is not None]

    def since(self, push: Push) -> list[Push]:
        """A push, and those that have the same tag and began later."""
        with self._lock:
            later = self.pushes[self.pushes.index(push) :]
            return [
                one for one in later if (one.repository, one.tag) == (push.repository, push.tag)
            ]
