"""What comes true a moment later: a log line, a count, a flag."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

PATIENCE = 10


def settled(
    awaited: str, look: Callable[[], object], wanted: object, patience: float = PATIENCE
) -> None:
    """Wait until it looks as wanted: ``settled("nginx to end", nginx.poll, 0)``.

    Raises:
        AssertionError: it does not for ``patience`` seconds; the text has what was awaited and what
            was seen last.
    """
    waiting = Retrying(
        stop=stop_after_delay(patience),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda found: found != wanted),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    found = waiting(look)
    if found != wanted:
        raise AssertionError(
            f"Waited {patience:g} s in vain for {awaited}: it is {found!r}, not {wanted!r}"
        )
