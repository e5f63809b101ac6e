"""What clients were promised, and what they were not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Push:
    """An image on its way into the registry, by the digests of its parts."""

    repository: str
    tag: str
    manifest: str
    blobs: Sequence[str]
    #: The registry has answered that it has all of it.
    acknowledged: bool = False


@dataclass
class Ledger:
    """All that clients have done, told by several threads."""

    pushes: list[Push] = field(default_factory=list)
    #: Blobs that were begun and given up before their end: repository and digest.
    abandoned: list[tuple[str, str]] = field(default_factory=list)
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

    def abandon(self, repository: str, digest: str) -> None:
        """Write a blob down whose upload will not be ended."""
        with self._lock:
            self.abandoned.append((repository, digest))

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
            return [push for push in self.pushes if push.acknowledged]
