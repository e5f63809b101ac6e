"""Moments, as texts that name their zone."""

from datetime import UTC, datetime

import click


def moment_of(text: str) -> datetime | None:
    """The moment that a text names in ISO 8601; None if it names none, or leaves its zone open."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def moment(text: str) -> datetime:
    """The type of an option.

    Raises:
        click.BadParameter: it is no time, or has no zone.
    """
    found = moment_of(text)
    if found is None:
        raise click.BadParameter(
            f"{text!r} is no time with a zone; write one like 2026-01-31T01:17:00+00:00"
        )
    return found
