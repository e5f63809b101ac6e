"""The log of the container: each line that its programs write is one object of JSON.

nginx writes a line for each request by itself (``logging.conf``). All other lines come from here:
events of the Python programs, and the standard error of every program.
"""

import fcntl
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

LONGEST_MESSAGE = 1_900
"""Bytes. With each quotation mark escaped, a line stays below the 4,096 bytes (PIPE_BUF) that the
kernel writes in one piece, so lines of nginx's workers do not end up in the middle of a line."""

LONGEST_LINE = 65_536
"""Bytes of a line of standard error that are read; nginx's lines have 2,048 at most."""

PIPE_SIZE = 1_048_576
"""Bytes: the largest that Linux allows without privileges, about 5,000 lines of nginx."""

_QUERY = re.compile(r"(\?|_state=)\S*")
"""Queries hold the state of uploads, and whatever clients put there."""

_LEVEL = re.compile(r"^(?:[\d/]+ [\d:]+ |nginx: )\[(\w+)\] (?:\d+#\d+: )?")
"""The text that nginx writes before a message: https://nginx.org/en/docs/ngx_core_module.html#error_log"""

_writing = threading.Lock()


def report(event: str, message: str, **more: Any) -> None:
    """Write one line in JSON to standard output, as nginx does for each request."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    text = "".join(character if character.isprintable() else " " for character in message)
    text = text.encode(errors="replace")[:LONGEST_MESSAGE].decode(errors="ignore")
    line = json.dumps({"time": now, "event": event, "message": text, **more}, ensure_ascii=False)
    with _writing:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def error_pipe() -> tuple[BinaryIO, int]:
    """Return the reading end of a pipe for standard errors, and its writing end.

    A write to a full pipe fails instead of waiting: nginx drops the line, and its worker goes on.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(OSError):  # the user has too many pipes: it works with the 64 kB of any pipe
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    return os.fdopen(read, "rb"), write


def report_errors(pipe: BinaryIO) -> None:
    """Report each line that comes out of the pipe, until all writing ends are closed."""
    for line in _lines(pipe):
        text = line.decode(errors="replace").rstrip()
        found = _LEVEL.match(text)
        level, start = (found[1], found.end()) if found else ("error", 0)
        report("program_error", _QUERY.sub(r"\1", text[start:]), level=level)


def _lines(pipe: BinaryIO) -> Iterator[bytes]:
    """Yield lines, each cut at the limit."""
    starts = True
    for part in iter(partial(pipe.readline, LONGEST_LINE), b""):
        if starts:
            yield part
        starts = part.endswith(b"\n")


class Handler(logging.Handler):
    """Messages of libraries, each as one line of JSON.

    Args:
        event: of the lines.
    """

    def __init__(self, event: str) -> None:
        super().__init__(logging.WARNING)
        self._event = event

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        error = f": {record.exc_info[1]!r}" if record.exc_info else ""
        report(self._event, f"{record.getMessage()}{error}")


def configure(event: str) -> None:
    """Report the log lines of libraries, warnings, and uncaught exceptions.

    Args:
        event: of the lines of libraries and of warnings.
    """
    logging.basicConfig(handlers=[Handler(event)], level=logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = lambda _kind, error, _trace: report("program_error", repr(error))
    threading.excepthook = lambda caught: report("program_error", repr(caught.exc_value))
