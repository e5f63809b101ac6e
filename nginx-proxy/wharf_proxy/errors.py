"""The errors that a person is meant to read, and those of a login by identity."""

from collections.abc import Mapping


class ConfigurationError(Exception):
    """One line for a person: which file or setting, what is wrong with it, and the remedy.

    The line never contains a password, a password hash or a key.
    """


class Refused(Exception):
    """A proof of identity that is none. The text says why, and has nothing that is secret."""


class Unavailable(Exception):
    """Whether a proof of identity is good cannot be found out now."""


class AuthorityError(Exception):
    """No certificate from an ACME authority: one line with the remedy.

    Args:
        message: the line.
        account: certbot's files of the account, which may have been made by the run.
    """

    def __init__(self, message: str, account: Mapping[str, str]) -> None:
        super().__init__(message)
        self.account = account
