"""The one error that a person is meant to read."""


class ConfigurationError(Exception):
    """One line for a person: which file or setting, what is wrong with it, and the remedy.

    The line never contains a password, a password hash or a key.
    """
