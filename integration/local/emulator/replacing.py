"""Replacing methods of other packages, with the original at hand."""

from collections.abc import Callable
from typing import Any


def instead(owner: type, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
    """Replace the method ``name`` of ``owner`` by ``make(original)``."""
    setattr(owner, name, make(getattr(owner, name)))


def after(owner: type, name: str, correct: Callable[[Any, Any], None]) -> None:
    """Make the method call ``correct(self, result)`` before it returns its result."""

    def make(original: Any) -> Callable[..., Any]:
        def corrected(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            correct(self, result)
            return result

        return corrected

    instead(owner, name, make)
