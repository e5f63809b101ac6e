"""The ledger of pushes: acknowledged, without acknowledgement, and abandoned."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Push:
    """The push of an image, with the digests of its manifest and blobs.

    Attributes:
        begun: timestamp of ``time.monotonic`` before its first byte.
        confirmed: timestamp of the registry's acknowledgement.
    """

    repository: str
    tag: str
    manifest: str
    blobs: Sequence[str]
    begun: float = field(default_factory=time.monotonic)
    confirmed: float | None = None


@dataclass(frozen=True)
class Abandoned:
    """A push that a client abandoned.

    Attributes:
        absent: paths below the repository that must not exist.
        whole: digests of layers that may exist, if they are complete.
    """

    repository: str
    absent: Sequence[str]
    whole: Sequence[str] = ()


@dataclass
class Ledger:
    """The operations of all clients; safe for several threads."""

    pushes: list[Push] = field(default_factory=list)
    abandoned: list[Abandoned] = field(default_factory=list)
    operations: int = 0
    retries: int = 0
    #: Operations that were given up, or had a wrong result; each with its reason.
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, push: Push) -> None:
        """Record a push before its first byte is sent."""
        with self._lock:
            self.pushes.append(push)

    def abandon(self, abandoned: Abandoned) -> None:
        """Record a push that will be abandoned, before its first byte is sent."""
        with self._lock:
            self.abandoned.append(abandoned)

    def done(self, attempts: int) -> None:
        """Count an operation that succeeded, with its attempts."""
        with self._lock:
            self.operations += 1
            self.retries += attempts - 1

    def give_up(self, reason: str) -> None:
        """Count an operation whose attempts all failed."""
        with self._lock:
            self.operations += 1
            self.failed.append(reason)

    def find_wrong(self, reason: str) -> None:
        """Count a response that no fault excuses."""
        with self._lock:
            self.operations += 1
            self.wrong.append(reason)

    @property
    def acknowledged(self) -> list[Push]:
        """The pushes that the registry has acknowledged."""
        with self._lock:
            return [push for push in self.pushes if push.confirmed is not None]

    def since(self, push: Push) -> list[Push]:
        """Return a push and the later pushes to the same tag."""
        with self._lock:
            later = self.pushes[self.pushes.index(push) :]
            tag = (push.repository, push.tag)
            return [other for other in later if (other.repository, other.tag) == tag]
