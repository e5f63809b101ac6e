"""The log of the container: every line is JSON, whatever the programs write."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wharf_proxy.log import LONGEST_LINE, error_pipe, report, report_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Running = Callable[..., "subprocess.Popen[str]"]
Capture = pytest.CaptureFixture[str]

#: What Linux writes to a pipe in one piece.
PIPE_BUF = 4096
REFUSED = (
    b'client sent invalid chunked body, client: 10.0.0.1, request: "PATCH /v2/a/blobs/uploads/1'
)


def reported(written: bytes, capsys: Capture) -> list[dict[str, Any]]:
    report_errors(io.BytesIO(written))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        (b"2026/11/30 13:43:39 [warn] 17#17: *1 slow", "warn", "*1 slow"),
        (b"nginx: [emerg] host not found", "emerg", "host not found"),
        (b"Traceback (most recent call last):", "error", "Traceback (most recent call last):"),
        (b"bytes \xff\xfe that are no text", "error", "bytes \ufffd\ufffd that are no text"),
        (b"a\x00b\x1b[2Jc", "error", "a b [2Jc"),
    ],
)
def test_a_line_of_a_program_becomes_json(
    line: bytes, level: str, message: str, capsys: Capture
) -> None:
    (event,) = reported(line + b"\n", capsys)
    assert (event["event"], event["level"], event["message"]) == ("program_error", level, message)


@pytest.mark.parametrize(
    "query", [b"?_state=secret", b'?a"_state=secret', b"?n=1#?_state=secret", b" x_state=secret"]
)
def test_no_query_is_logged(query: bytes, capsys: Capture) -> None:
    line = REFUSED + query + b' HTTP/1.1", upstream: "http://10.0.0.2:5000/v2/' + query + b'"\n'
    (event,) = reported(line, capsys)
    assert "secret" not in event["message"]
    assert "/v2/a/blobs/uploads/1" in event["message"]
    assert "upstream" in event["message"]


@given(written=st.binary(max_size=10_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_each_line_of_a_program_becomes_json(written: bytes, capsys: Capture) -> None:
    report_errors(io.BytesIO(written))
    lines = capsys.readouterr().out.splitlines()
    assert all(json.loads(line)["event"] == "program_error" for line in lines)
    assert len(lines) == len(io.BytesIO(written).readlines())


@pytest.mark.parametrize("character", ['"', "\\", "\u20ac", "\U0001f40b", "\udcff"])
def test_a_line_is_written_in_one_piece(character: str, capsys: Capture) -> None:
    report("program_error", character * 10_000, level="error")
    line = capsys.readouterr().out
    assert len(line.encode()) <= PIPE_BUF
    assert json.loads(line)["message"]


def test_a_line_without_an_end_is_cut(capsys: Capture) -> None:
    written = b"x" * (3 * LONGEST_LINE) + b"\nnext\n"
    assert [len(event["message"]) for event in reported(written, capsys)] == [1900, 4]


def test_a_full_pipe_stops_no_program() -> None:
    pipe, write = error_pipe()
    with pipe, suppress(BlockingIOError):
        for _ in range(10_000):
            os.write(write, b"x" * 1000)
        pytest.fail("the pipe takes ten times its size")
    os.close(write)


def test_errors_of_nginx_are_reported_until_its_end(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    for name, content in good_files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)
    process = running(
        NGINX_ERRORS=r"2026/11/30 13:43:39 [error] 17#17: first \377\n",
        NGINX_LAST_ERRORS=r"2026/11/30 13:43:40 [alert] 17#17: last\n",
    )
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line.rstrip())
        # Each nginx has said how it was called, and its first error.
        if len([text for text in seen if "first" in text or text.startswith("nginx")]) == 6:
            process.send_signal(signal.SIGTERM)
            break
    seen += [line.rstrip() for line in process.stdout]
    events = [json.loads(line) for line in seen if line.startswith("{")]
    errors = [
        (event["level"], event["message"]) for event in events if event["event"] == "program_error"
    ]
    assert errors == [("error", "first \ufffd")] * 3 + [("alert", "last")] * 3


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('?')", "ValueError('?')"),
        ("import warnings; warnings.warn('old', stacklevel=1)", "UserWarning: old"),
        ("import logging; logging.getLogger('x').warning('odd')", "odd"),
        (
            "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
            "ZeroDivisionError('division by zero')",
        ),
    ],
)
def test_log_lines_of_python_are_reported(code: str, message: str) -> None:
    program = f"from wharf_proxy import log; log.configure('start'); {code}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stdout.splitlines()
    assert message in json.loads(line)["message"]
    assert done.stderr == ""
