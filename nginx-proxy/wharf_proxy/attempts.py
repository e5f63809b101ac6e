"""The attempts to get a certificate: how many have failed, and when the next may be.

Authorities limit them. Let's Encrypt lets 5 fail in an hour for each name:
https://letsencrypt.org/docs/rate-limits/
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

FIRST, LONGEST = timedelta(minutes=15), timedelta(hours=6)
"""Time until the next attempt after the first failure, doubled with each, and its limit."""

USELESS = timedelta(hours=34)
"""After a certificate that hosts refuse: Let's Encrypt gives a name 5 in a week."""

AFTER_SUCCESS = timedelta(hours=1)
"""Whatever makes a new certificate useless, the next one is not asked for at once."""

EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Attempts:
    """The attempts with some settings; with other settings counting begins anew.

    Attributes:
        settings: what the authority is asked for, and which one it is.
        failures: since the last success.
        next: the time of the next attempt.
    """

    settings: list[str]
    failures: int = 0
    next: datetime = EVER

    @classmethod
    def of(cls, content: bytes | None, settings: list[str]) -> Self:
        """Read the object; what is not of these settings, or cannot be read, does not count."""
        try:
            found = json.loads(content or b"{}")
            if found.get("settings") == settings:
                then = datetime.fromisoformat(found["next"]).astimezone(UTC)
                return cls(settings, int(found["failures"]), then)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        return cls(settings)

    def packed(self) -> bytes:
        """Return the content of the object."""
        return json.dumps(
            {
                "settings": self.settings,
                "failures": self.failures,
                "next": self.next.isoformat(timespec="seconds"),
            }
        ).encode()

    def failed(self, now: datetime, wait: timedelta | None = None) -> Self:
        """Return the attempts with one more failure; a wait of its own counts."""
        # The power has a limit, as dates have.
        wait = wait or min(FIRST * 2 ** min(self.failures, 10), LONGEST)
        return type(self)(self.settings, self.failures + 1, now + wait)

    def succeeded(self, now: datetime) -> Self:
        """Return the attempts after a success."""
        return type(self)(self.settings, 0, now + AFTER_SUCCESS)
