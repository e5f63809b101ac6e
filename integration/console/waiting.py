"""Polling for a condition that holds soon: a log line, a count, a flag."""

from collections.abc import Callable
from operator import not_
from typing import TypeVar

from tenacity import Retrying, retry_if_not_result, stop_after_delay, wait_fixed

PATIENCE = 10

T = TypeVar("T")


def poll(
    look: Callable[[], T], seconds: float, pause: float, done: Callable[[T], bool] = not_
) -> T:
    """Call a function until its value is empty, and return the last value.

    Args:
        look: returns the value; an exception ends the polling.
        seconds: maximum duration; the function is called at least once.
        pause: seconds between two calls.
        done: whether a value ends the polling, instead of an empty one.
    """
    polling = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(pause),
        retry=retry_if_not_result(done),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return polling(look)


def wait_until(
    awaited: str, look: Callable[[], object], wanted: object, patience: float = PATIENCE
) -> None:
    """Poll until a function returns a value: ``wait_until("nginx to end", nginx.poll, 0)``.

    Args:
        awaited: continues "waited for" in the error.
        look: called every 0.1 s.
        wanted: the value.
        patience: maximum duration in seconds.

    Raises:
        AssertionError: the value differs after ``patience`` seconds; the text has the last value.
    """
    found = poll(look, patience, 0.1, lambda value: value == wanted)
    if found != wanted:
        raise AssertionError(
            f"Waited {patience:g} s in vain for {awaited}: it is {found!r}, not {wanted!r}"
        )
