"""The emulator as a process: it is started, found again, away for a while, and ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import httpx
import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from integration.console.waiting import wait_until
from integration.local.api.aws_session import Credentials
from integration.local.emulator.moto_server import RESPONSES, OnceEach, OneAtATime
from integration.local.emulator.process import Emulator, product_endpoint
from integration.local.errors import LocalCloudError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

pytestmark = pytest.mark.slow


def test_another_process_stops_it(tmp_path: Path) -> None:
    running = Emulator.start(tmp_path / "log")
    program = "import sys; from integration.local.emulator.process import Emulator as E; "
    program += "E.model_validate_json(sys.argv[1]).stop()"
    subprocess.run([sys.executable, "-c", program, running.model_dump_json()], check=True)
    assert not running.is_running
    running.stop()  # there is nothing left to stop, and that is no error


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGKILL], ids=lambda signal_: signal_.name
)
@pytest.mark.parametrize("left", [False, True], ids=["not left", "left"])
def test_emulator_outlives_a_killed_parent_only_if_it_was_left(
    tmp_path: Path, number: signal.Signals, left: bool
) -> None:
    program = "import sys, time; from pathlib import Path; "
    program += "from integration.local.emulator.process import Emulator as E; "
    program += f"e = E.start(Path({str(tmp_path / 'log')!r})); {left} and e.leave(); "
    program += "print(e.model_dump_json(), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        emulator = Emulator.model_validate_json(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait()
    try:
        if left:
            assert responds(emulator)
        else:
            wait_until("the emulator to end", lambda: emulator.is_running, False)
    finally:
        emulator.stop()


def test_it_stops_no_process_but_its_own() -> None:
    key = Credentials(access_key_id="a", secret_access_key="b")
    stale = Emulator(endpoint="http://127.0.0.1:1", credentials=key, pid=os.getpid(), started=1)
    assert not stale.is_running
    stale.stop()


def test_a_taken_port_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f":{port} .*choose another"):
            Emulator.start(tmp_path / "log", port=port)


def test_a_server_that_fails_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_MAX_FORM_MEMORY_SIZE", "not a number")
    with pytest.raises(LocalCloudError, match=str(tmp_path / "log")):
        Emulator.start(tmp_path / "log")


@pytest.mark.parametrize(
    ("name", "value", "endpoint"),
    [
        ("AWS_ENDPOINT_URL", "https://emulator:8443", "https://emulator:8443"),
        ("LOCALSTACK_HOST", "emulator:4566", "http://emulator:4566"),
    ],
)
def test_an_emulator_product_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, endpoint: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv(name, value)
    product = Emulator.from_environment(tmp_path / "log")
    product.stop()
    assert (product.endpoint, product.pid) == (endpoint, None)
    assert product.credentials.access_key_id == "test"


def test_without_a_product_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", " ")
    monkeypatch.delenv("LOCALSTACK_HOST", raising=False)
    assert product_endpoint() is None


def test_it_is_away_for_a_while_and_comes_back_with_its_state(tmp_path: Path) -> None:
    emulator = Emulator.start(tmp_path / "moto.log")
    try:
        emulator.session().client("s3").create_bucket(Bucket="kept-over-it")
        with emulator.away():
            wait_until("the emulator to be away", lambda: responds(emulator), False)
        assert responds(emulator)
        buckets = emulator.session().client("s3").list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in buckets] == ["kept-over-it"]
    finally:
        emulator.stop()


def responds(emulator: Emulator) -> bool:
    try:
        httpx.get(emulator.endpoint, timeout=10)
    except httpx.HTTPError:
        return False
    return True


def test_requests_that_come_together_are_carried_out_one_by_one() -> None:
    entered: list[float] = []
    left: list[float] = []

    def application(environ: dict[str, Any], _: object) -> list[bytes]:
        entered.append(time.monotonic())
        time.sleep(0.02)
        left.append(time.monotonic())
        return [environ["wsgi.input"].read()]

    server = OneAtATime(cast("WSGIApplication", application))

    def ask(number: int) -> bytes:
        body = f"{number}".encode()
        environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body + b"more")}
        return b"".join(server(environ, Mock()))

    with ThreadPoolExecutor(4) as clients:
        assert list(clients.map(ask, range(4))) == [b"0", b"1", b"2", b"3"]
    assert all(last <= next_ for last, next_ in zip(left, entered[1:], strict=False))


class Counting:
    """Answers each request with how many there were, and with a status."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200

    def client(self) -> Client:
        @Request.application
        def application(_: Request) -> Response:
            self.requests += 1
            return Response(f"{self.requests}", self.status, {"x-request": f"{self.requests}"})

        return Client(OnceEach(application))


def attempt_of(call: str) -> dict[str, str]:
    return {"amz-sdk-invocation-id": call}


def test_a_call_that_comes_again_gets_its_first_answer() -> None:
    client = Counting().client()
    responses = [client.post(headers=attempt_of(call)) for call in ("a", "a", "b", "a")]
    assert [response.text for response in responses] == ["1", "1", "2", "1"]
    assert [response.headers["x-request"] for response in responses] == ["1", "1", "2", "1"]


def test_a_call_that_failed_is_carried_out_when_it_comes_again() -> None:
    counting = Counting()
    client = counting.client()
    counting.status = 503
    assert client.post(headers=attempt_of("a")).status_code == 503
    counting.status = 200
    assert client.post(headers=attempt_of("a")).text == "2"


@pytest.mark.parametrize("headers", [{}, attempt_of("a")], ids=["no number", "no change"])
def test_requests_that_are_no_call_are_carried_out_each_time(headers: dict[str, str]) -> None:
    client = Counting().client()
    ask = client.get if headers else client.post
    assert [ask(headers=headers).text for _ in range(2)] == ["1", "2"]


def test_only_the_last_answers_are_kept() -> None:
    client = Counting().client()
    for number in range(RESPONSES + 1):
        client.post(headers=attempt_of(f"{number}"))
    assert client.post(headers=attempt_of("1")).text == "2"
    assert client.post(headers=attempt_of("0")).text == f"{RESPONSES + 2}"
