"""Errors of the operator programs: one line `Error: ...` and status 1, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from wharf_proxy.errors import ConfigurationError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what an operator can put right into click's one line. Also a decorator.

    Raises:
        click.ClickException: in place of a ConfigurationError or an OSError.
    """
    try:
        yield
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(
            f"{error.filename}: {error.strerror}: check the path and its permissions"
        ) from None
