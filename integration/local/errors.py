"""What a person is told when the local cloud cannot go on."""


class LocalCloudError(Exception):
    """The local cloud cannot go on; the text is one line with the remedy or the log to read."""
