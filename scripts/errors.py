"""Errors of all commands: one line `Error: ...` and an exit status, never a traceback."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from wharf_proxy.errors import ConfigurationError


@contextmanager
def one_line_errors(*more: type[Exception]) -> Iterator[None]:
    """Convert errors that an operator can correct to click's one line. Also a decorator.

    Args:
        more: classes of errors that are treated as a ConfigurationError is.

    Raises:
        click.ClickException: for a ConfigurationError, an OSError or a UnicodeError; each line of
            its text begins with ``Error:``.
        BrokenPipeError: the reader of standard output has ended (`| head`); click ends silently.
    """
    known: tuple[type[Exception], ...] = (ConfigurationError, *more)
    try:
        yield
    except known as error:
        raise click.ClickException("\nError: ".join(str(error).splitlines())) from None
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


def run(program: Callable[[], object], log: Path) -> int:
    """Run a click command that is not standalone, and return its exit status.

    Args:
        program: returns click's exit status, or the command's value, which is None.
        log: gets the traceback of a defect; the message names the file.
    """
    try:
        status = program()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        first = (str(error).splitlines() or [""])[0]
        print(f"Error: {type(error).__name__}: {first} (details: {log})", file=sys.stderr)
        return 1
    return status if isinstance(status, int) else 0
