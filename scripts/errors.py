"""Errors of the operator programs: one line `Error: ...` and status 1, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from wharf_proxy.errors import ConfigurationError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what an operator can put right into click's one line. Also a decorator.

    Raises:
        click.ClickException: in place of a ConfigurationError, an OSError or a UnicodeError.
        BrokenPipeError: nobody reads standard output any more (`| head`); click ends quietly.
    """
    try:
        yield
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        place = "input or output" if error.filename is None else error.filename
        raise click.ClickException(
            f"{place}: {error.strerror or error}: check the path and its permissions"
        ) from None
    except UnicodeError:
        raise click.ClickException(
            "a name that is not ASCII does not fit the locale of this terminal: "
            "set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        ) from None
