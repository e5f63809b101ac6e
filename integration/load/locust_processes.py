"""Locust in processes of its own, because it changes how Python's sockets and threads work."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from integration.clients.deployment import Deployment
from integration.load.run_results import Figures, Moment, figures, moments
from integration.local.errors import LocalCloudError

REPOSITORY = Path(__file__).resolve().parents[2]
WORKLOADS = ("storm", "mixed", "production", "soak")
#: Seconds that Locust gets to end by itself.
GRACE = 20
#: Seconds that a master waits for its workers.
WORKERS_WAIT = 300


@dataclass(frozen=True)
class Load:
    """Parameters of a workload.

    Attributes:
        workload: one of ``WORKLOADS``.
        users: concurrent clients.
        seconds: once the images are pushed; a storm ends when all have pulled.
        scale: what the sizes of layers are multiplied by.
        images: of production and soak.
        seed: of the images: another seed, others.
        workers: processes on this machine beside the master; 0 is one process for all.
        remote_workers: workers elsewhere that the master waits for.
        port: of the master, for its workers; 0 takes a free one.
    """

    workload: str
    users: int
    seconds: float
    scale: float
    images: int
    seed: str
    workers: int = 0
    remote_workers: int = 0
    port: int = 0


class Locust:
    """A run that goes on.

    Args:
        process: of Locust, the leader of a process group.
        files: the beginning of the names of what it writes.
    """

    def __init__(self, process: subprocess.Popen[bytes], files: Path) -> None:
        self._process = process
        self._files = files

    @property
    def runs(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    @property
    def log(self) -> Path:
        """Text that the process has printed."""
        return self._files.with_suffix(".log")

    def moments(self) -> list[Moment]:
        """Return the history of the run so far, one entry a second."""
        file = Path(f"{self._files}_stats_history.csv")
        return moments(file) if file.exists() else []

    def figures(self) -> tuple[dict[str, Figures], float, float]:
        """Return the results, and the times of the first and the last request.

        Raises:
            LocalCloudError: it failed; the text is what it said.
        """
        if self._process.returncode != 0:
            lines = self.log.read_text(errors="replace").splitlines()
            errors = [line for line in lines if line.startswith("Error: ")]
            last = (errors or lines or ["no output"])[-1].removeprefix("Error: ")
            raise LocalCloudError(f"The load failed: {last} (log: {self.log})")
        try:
            return figures(self._files.with_suffix(".json"))
        except ValueError as error:
            raise LocalCloudError(f"The load did nothing: {error} (log: {self.log})") from None


@contextmanager
def locust(load: Load, deployment: Deployment, directory: Path) -> Iterator[Locust]:
    """Run a workload; however this ends, no process of it is left."""
    directory.mkdir(parents=True, exist_ok=True)
    files = directory / "locust"
    for old in directory.glob("locust*"):
        old.unlink()
    with files.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            command(load, deployment, files),
            cwd=REPOSITORY,
            env={**os.environ, "REGISTRY_PASSWORD": deployment.password},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Locust(process, files)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End Locust and the workers that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def command(load: Load, deployment: Deployment, files: Path) -> list[str]:
    """Return the command that runs a workload."""
    return [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--loglevel", "WARNING"),
        *("--locustfile", f"integration/load/workloads/{load.workload}.py"),
        *("--host", deployment.url, "--username", deployment.username),
        *(("--ca", str(deployment.ca.resolve())) if deployment.ca else ()),
        *("--users", str(load.users), "--spawn-rate", str(load.users)),
        *("--seconds", str(load.seconds), "--scale", str(load.scale)),
        *("--images", str(load.images), "--seed", load.seed),
        *("--csv", str(files.resolve()), "--csv-full-history"),
        *("--json-file", str(files.resolve())),
        # A failed operation is for the verdict; a status is for a run that could not be.
        *("--exit-code-on-error", "0"),
        *distribution(load),
    ]


def distribution(load: Load) -> list[str]:
    """Return the options of Locust's distributed mode, where it is wanted."""
    if not load.workers and not load.remote_workers:
        return []
    port = str(load.port or free_port())
    if load.remote_workers:
        number = str(load.remote_workers)
        wait = ("--expect-workers", number, "--expect-workers-max-wait", str(WORKERS_WAIT))
        return ["--master", "--master-bind-port", port, *wait]
    here = ("--master-bind-host", "127.0.0.1", "--master-host", "127.0.0.1")
    return [
        *("--processes", str(load.workers)),
        *here,
        *("--master-bind-port", port, "--master-port", port),
    ]


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
