"""The AWS API on one machine: moto in a process of its own, with IAM enforced."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx
from localstack_client.config import get_service_endpoint
from pydantic import BaseModel, ConfigDict, PrivateAttr
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from integration.local.aws_session import AwsSession, Credentials
from integration.local.iam import enforce
from integration.local.moto_server import BACKLOG, LEAVE, RETURN

#: Seconds until the server answers; 2 to 4 are usual, most of them moto's imports.
START_TIMEOUT = 60.0
#: Seconds that the server has to end by itself, and again after it was killed.
STOP_TIMEOUT = 10.0
#: Any key is right for an emulator product; these are what LocalStack documents.
PRODUCT_CREDENTIALS = Credentials(access_key_id="test", secret_access_key="test")  # noqa: S106
_REPOSITORY = Path(__file__).resolve().parents[2]


class EmulatorError(Exception):
    """The emulator cannot be used; the text names the remedy or the log that tells more."""


class Emulator(BaseModel):
    """An emulated AWS API that answers at ``endpoint``.

    It is a value: ``model_dump_json`` writes it down, ``model_validate_json`` picks the same
    emulator up in another process.

    Usage:

        emulator = Emulator.start(log=Path("moto.log"))
        emulator.session().client("s3").list_buckets()
        emulator.stop()
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    #: The IAM administrator.
    credentials: Credentials
    #: What each AWS service uses to assume the roles that trust it, by its principal.
    services: Mapping[str, Credentials] = {}
    #: None for an emulator product, which somebody else started.
    pid: int | None = None
    #: Start time of the process in clock ticks since boot: tells it from a later one of its pid.
    started: int | None = None
    log: Path | None = None

    # Kept, because it is this process that has to reap the one it started.
    _process: subprocess.Popen[bytes] | None = PrivateAttr(default=None)
    # Kept with their clients: to make a client takes longer than most calls.
    _sessions: dict[tuple[Credentials, str], AwsSession] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_environment(cls, log: Path, address: str = "127.0.0.1", port: int = 0) -> Self:
        """The emulator product that ``AWS_ENDPOINT_URL`` or ``LOCALSTACK_HOST`` names, else moto.

        A product is neither started nor stopped here, and whether it enforces IAM is its affair.
        """
        endpoint = product_endpoint()
        if endpoint is None:
            return cls.start(log, address, port)
        return cls(endpoint=endpoint, credentials=PRODUCT_CREDENTIALS)

    @classmethod
    def start(
        cls, log: Path, address: str = "127.0.0.1", port: int = 0, corrected: bool = True
    ) -> Self:
        """Start moto on ``address``; it outlives this process. Port 0 takes a free one.

        ``log`` gets what the server prints. ``corrected=False`` leaves moto's answers as they
        are, which only the tests of the corrections want.

        Raises:
            EmulatorError: the port is taken, or nothing answers within ``START_TIMEOUT``.
        """
        with _listen(address, port) as listener:
            endpoint = "http://{}:{}".format(*listener.getsockname()[:2])
            process = _spawn(listener, log, corrected)
        try:
            _await_answer(endpoint, lambda: process.poll() is None, log)
            credentials, services = enforce(endpoint)
        except BaseException:
            process.kill()
            process.wait()
            raise
        emulator = cls(
            endpoint=endpoint,
            credentials=credentials,
            services=services,
            pid=process.pid,
            started=_start_time(process.pid),
            log=log.resolve(),
        )
        emulator._process = process
        return emulator

    def session(self, credentials: Credentials | None = None, region: str = "us-east-1") -> Any:
        """A session used as a boto3 session: ``client("s3")``. The administrator's by default."""
        key = (credentials or self.credentials, region)
        if key not in self._sessions:
            self._sessions[key] = AwsSession(self.endpoint, *key)
        return self._sessions[key]

    def assume_role(
        self, role_arn: str, service: str = "ecs-tasks.amazonaws.com", seconds: int = 3600
    ) -> Credentials:
        """Temporary credentials of a role, as ``service`` gets them for what it runs.

        Raises:
            botocore.exceptions.ClientError: no such role, or it does not trust the service.
        """
        client = self.session(self.services.get(service)).client("sts")
        answer = client.assume_role(
            RoleArn=role_arn, RoleSessionName="wharf", DurationSeconds=seconds
        )["Credentials"]
        return Credentials(
            access_key_id=answer["AccessKeyId"],
            secret_access_key=answer["SecretAccessKey"],
            token=answer["SessionToken"],
            expiration=answer["Expiration"],
        )

    @property
    def is_running(self) -> bool:
        """Whether the process that was started still runs; a product is taken to run."""
        return self.pid is None or _start_time(self.pid) == self.started

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take the server away for a while: it then answers again with the state that it had.

        Raises:
            EmulatorError: it was not started here, or does not answer within ``START_TIMEOUT``.
        """
        if self.pid is None or self.log is None:
            raise EmulatorError("An emulator product is restarted by itself, not from here")
        os.kill(self.pid, LEAVE)
        try:
            yield
        finally:
            os.kill(self.pid, RETURN)
            _await_answer(self.endpoint, lambda: self.is_running, self.log)

    def leave(self) -> None:
        """Let the process go on when this one ends; Python would warn of it as forgotten."""
        if self._process is not None:
            self._process.returncode = 0

    def stop(self) -> None:
        """End the process that was started; a product and an ended process are left alone.

        Raises:
            EmulatorError: it did not end, even when killed.
        """
        if self.pid is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.is_running:
                # It may end between the question and the signal.
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
            if self._has_ended():
                return
        raise EmulatorError(f"The emulator (process {self.pid}) did not end; kill -9 {self.pid}")

    def _has_ended(self) -> bool:
        waiting = Retrying(
            stop=stop_after_delay(STOP_TIMEOUT),
            wait=wait_fixed(0.05),
            retry=retry_if_result(bool),
            retry_error_callback=lambda _: True,
        )
        still_runs = waiting(lambda: self.is_running)
        if self._process is not None and not still_runs:
            self._process.wait()
        return not still_runs


def product_endpoint() -> str | None:
    """The URL of the emulator product that the environment names, as localstack-client reads it."""
    if any(os.environ.get(name, "").strip() for name in ("AWS_ENDPOINT_URL", "LOCALSTACK_HOST")):
        return str(get_service_endpoint("sts"))
    return None


def _listen(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), backlog=BACKLOG)
    except OSError as problem:
        raise EmulatorError(
            f"Cannot listen on {address}:{port} ({problem.strerror}): "
            "stop what uses the port, or choose another one"
        ) from problem


def _spawn(listener: socket.socket, log: Path, corrected: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "integration.local.moto_server", str(listener.fileno())]
    if not corrected:
        command.append("--uncorrected")
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def _await_answer(endpoint: str, runs: Callable[[], bool], log: Path) -> None:
    def ask() -> None:
        if not runs():
            raise EmulatorError(f"The emulator ended at once: {log}")
        httpx.get(f"{endpoint}/moto-api/config", timeout=2).raise_for_status()

    try:
        Retrying(
            stop=stop_after_delay(START_TIMEOUT),
            wait=wait_fixed(0.1),
            retry=retry_if_exception_type(httpx.HTTPError),
        )(ask)
    except RetryError as problem:
        raise EmulatorError(
            f"The emulator does not answer at {endpoint} after {START_TIMEOUT:g} s: {log}"
        ) from problem


def _start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it does not run.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may contain anything; state is the 3rd field, start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
