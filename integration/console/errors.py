"""Errors of the harness whose text is written for users."""

import click


class HarnessError(click.ClickException):
    """An error that a command shows as one line; every other exception is a defect of Wharf."""
