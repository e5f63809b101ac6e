"""Errors of the local cloud, as text for people."""

from integration.console.errors import HarnessError


class LocalCloudError(HarnessError):
    """The local cloud cannot go on; the text is one line with the remedy or the log to read."""
