"""What a person gets to read when a program of the harness ends badly: one line, no traceback."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from integration.clients.root import RootError
from integration.deployment import ClientError
from integration.local.emulator import EmulatorError
from integration.local.errors import LocalCloudError

#: Their texts are written for people; everything else is a fault of ours.
EXPECTED = (LocalCloudError, EmulatorError, ClientError, RootError)


def run(program: Callable[[], None], log: Path) -> int:
    """Run a program; return its exit status. ``log`` gets the traceback of a fault of ours."""
    try:
        program()
    except EXPECTED as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted; nothing is left running", file=sys.stderr)
        return 130
    except Exception as error:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        first = (str(error).splitlines() or [""])[0]
        print(f"Error: {type(error).__name__}: {first} (details: {log})", file=sys.stderr)
        return 1
    return 0
