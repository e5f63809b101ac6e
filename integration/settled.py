"""What comes true a moment later: a log line, a count, a flag."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

PATIENCE = 10


def settled(look: Callable[[], object], wanted: object, patience: float = PATIENCE) -> None:
    """Wait until it looks as wanted.

    Raises:
        tenacity.RetryError: it does not for ``patience`` seconds.
    """
    retry = retry_if_result(lambda found: found != wanted)
    Retrying(stop=stop_after_delay(patience), wait=wait_fixed(0.1), retry=retry)(look)
