"""The AWS API on one machine: moto in a process of its own, with IAM enforced."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx
from localstack_client.config import get_service_endpoint
from pydantic import BaseModel, ConfigDict, PrivateAttr
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from integration.console.waiting import poll
from integration.local.api.aws_session import AwsSession, Credentials
from integration.local.emulator.iam import enforce
from integration.local.emulator.moto_server import BACKLOG, LEAVE, RETURN, STAY
from integration.local.errors import LocalCloudError

#: Seconds until the server responds; 2 to 4 are usual, most of them for moto's imports.
START_TIMEOUT = 60.0
#: Seconds that the server has to end by itself, and again after it was killed.
STOP_TIMEOUT = 10.0
#: Any key is right for an emulator product; LocalStack documents this pair.
PRODUCT_CREDENTIALS = Credentials(access_key_id="test", secret_access_key="test")  # noqa: S106
_REPOSITORY = Path(__file__).resolve().parents[3]


class Emulator(BaseModel):
    """An emulated AWS API that responds at ``endpoint``.

    A value: ``model_dump_json`` saves it, ``model_validate_json`` finds the same emulator from
    another process.

    Usage:

        emulator = Emulator.start(log=Path("moto.log"))
        emulator.session().client("s3").list_buckets()
        emulator.stop()
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    #: The IAM administrator.
    credentials: Credentials
    #: Credentials with which each AWS service assumes the roles that trust it, by its principal.
    services: Mapping[str, Credentials] = {}
    #: AWS region of its sessions.
    region: str = "us-east-1"
    #: None for an emulator product, which this program has not started.
    pid: int | None = None
    #: Start time of the process in clock ticks since boot: a later process may have its pid.
    started: int | None = None
    log: Path | None = None

    # Kept, because this process has to reap the server.
    _process: subprocess.Popen[bytes] | None = PrivateAttr(default=None)
    # A pipe to the server. It ends with this process, however this ends, and the server with it.
    _lifeline: BinaryIO | None = PrivateAttr(default=None)
    # Kept with their clients: to make a client takes longer than most calls.
    _sessions: dict[Credentials, AwsSession] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_environment(cls, log: Path, address: str = "127.0.0.1", port: int = 0) -> Self:
        """Return the product of ``AWS_ENDPOINT_URL`` or ``LOCALSTACK_HOST``, else start moto.

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
        """Start moto on ``address``; moto ends with this process at the latest, unless it is left.

        Port 0 takes a free one.

        ``log`` gets what the server prints. ``corrected=False`` leaves moto's answers as they
        are, which only the tests of the corrections want.

        Raises:
            LocalCloudError: the port is taken, or nothing answers within ``START_TIMEOUT``.
        """
        with _listen(address, port) as listener:
            endpoint = "http://{}:{}".format(*listener.getsockname()[:2])
            process, lifeline = _spawn(listener, log, corrected)
        try:
            _await_response(endpoint, lambda: process.poll() is None, log)
            credentials, services = enforce(endpoint)
        except BaseException:
            lifeline.close()
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
        emulator._process, emulator._lifeline = process, lifeline
        return emulator

    def session(self, credentials: Credentials | None = None) -> Any:
        """Return a session, the administrator's by default: ``session().client("s3")``."""
        key = credentials or self.credentials
        if key not in self._sessions:
            self._sessions[key] = AwsSession(self.endpoint, key, self.region)
        return self._sessions[key]

    def in_region(self, region: str) -> Self:
        """Return the same emulator, with sessions in another region."""
        moved = self.model_copy(update={"region": region})
        moved._sessions = {}
        return moved

    def assume_role(
        self, role_arn: str, service: str = "ecs-tasks.amazonaws.com", seconds: int = 3600
    ) -> Credentials:
        """Return temporary credentials of a role, as ``service`` gets them for its tasks.

        Raises:
            botocore.exceptions.ClientError: no such role, or it does not trust the service.
        """
        client = self.session(self.services.get(service)).client("sts")
        response = client.assume_role(
            RoleArn=role_arn, RoleSessionName="wharf", DurationSeconds=seconds
        )["Credentials"]
        return Credentials(
            access_key_id=response["AccessKeyId"],
            secret_access_key=response["SecretAccessKey"],
            token=response["SessionToken"],
            expiration=response["Expiration"],
        )

    @property
    def is_running(self) -> bool:
        """Return whether the started process runs; True for a product."""
        return self.pid is None or _start_time(self.pid) == self.started

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server until the end of the context; it keeps its state.

        Raises:
            LocalCloudError: the server was not started here, or does not respond within
                ``START_TIMEOUT`` seconds.
        """
        if self.pid is None or self.log is None:
            raise LocalCloudError("An emulator product is restarted by itself, not from here")
        os.kill(self.pid, LEAVE)
        try:
            yield
        finally:
            os.kill(self.pid, RETURN)
            _await_response(self.endpoint, lambda: self.is_running, self.log)

    def leave(self) -> None:
        """Leave the server running when this process ends."""
        if self._process is not None and self._lifeline is not None:
            self._lifeline.write(STAY)
            self._lifeline.close()
            # Python would warn of a forgotten process.
            self._process.returncode = 0

    def stop(self) -> None:
        """End the process that was started; a product and an ended process are left alone.

        Raises:
            LocalCloudError: it did not end, even when killed.
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
        raise LocalCloudError(f"The emulator (process {self.pid}) did not end; kill -9 {self.pid}")

    def _has_ended(self) -> bool:
        still_runs = poll(lambda: self.is_running, STOP_TIMEOUT, 0.05)
        if self._process is not None and self._lifeline is not None and not still_runs:
            self._process.wait()
            self._lifeline.close()
        return not still_runs


def product_endpoint() -> str | None:
    """Return the URL of the product that the environment names, as localstack-client reads it."""
    if any(os.environ.get(name, "").strip() for name in ("AWS_ENDPOINT_URL", "LOCALSTACK_HOST")):
        return str(get_service_endpoint("sts"))
    return None


def _listen(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), backlog=BACKLOG)
    except OSError as problem:
        raise LocalCloudError(
            f"Cannot listen on {address}:{port} ({problem.strerror}): "
            "stop what uses the port, or choose another one"
        ) from problem


def _spawn(
    listener: socket.socket, log: Path, corrected: bool
) -> tuple[subprocess.Popen[bytes], BinaryIO]:
    """Start the server; return its process, and the pipe with which the server ends."""
    parent, lifeline = os.pipe()
    command = [
        sys.executable,
        "-m",
        "integration.local.emulator.moto_server",
        str(listener.fileno()),
        str(parent),
    ]
    if not corrected:
        command.append("--uncorrected")
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno(), parent],
                start_new_session=True,
            )
    finally:
        os.close(parent)
    return process, open(lifeline, "wb", buffering=0)


def _await_response(endpoint: str, runs: Callable[[], bool], log: Path) -> None:
    def ask() -> None:
        if not runs():
            raise LocalCloudError(f"The emulator ended at once: {log}")
        httpx.get(f"{endpoint}/moto-api/config", timeout=2).raise_for_status()

    try:
        Retrying(
            stop=stop_after_delay(START_TIMEOUT),
            wait=wait_fixed(0.1),
            retry=retry_if_exception_type(httpx.HTTPError),
        )(ask)
    except RetryError as problem:
        raise LocalCloudError(
            f"The emulator does not answer at {endpoint} after {START_TIMEOUT:g} s: {log}"
        ) from problem


def _start_time(pid: int) -> int | None:
    """Return the start of a process in clock ticks since boot; None if it does not run.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may contain anything; state is the 3rd field, start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
