"""One flood after the other, with good clients at two addresses meanwhile."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from integration.console.processes import running
from integration.floods import floods, good_clients
from integration.floods.flood_results import (
    NONE,
    OTHER,
    SAME,
    Attempt,
    Clients,
    FloodFigures,
    HostFigures,
    Sent,
)
from integration.floods.flooded_registry import Target
from integration.floods.floods import FLOODS, LONGEST
from integration.floods.good_clients import PAUSE
from integration.floods.hosts import Watch
from integration.floods.job import Job
from integration.local.errors import LocalCloudError
from integration.local.registry import REPOSITORY

#: Seconds of good clients without a flood.
CALM = 15
#: Seconds after a flood until the memory is looked at again. By then nginx has forgotten wrong
#: passwords, so that no flood counts for the next one.
SETTLE = 30
#: Seconds that a process gets beyond what it should take.
GRACE = 60


class Measuring:
    """Floods of a target.

    Args:
        target: that stands.
        directory: for the jobs and logs of processes.
        settle: seconds after each flood.
    """

    def __init__(self, target: Target, directory: Path, settle: float = SETTLE) -> None:
        self._target = target
        self._directory = directory.resolve()
        self._settle = settle

    def calm(self) -> FloodFigures:
        """Measure good clients without a flood."""
        load, watch = round(os.getloadavg()[0], 1), Watch(self._target.cloud)
        with watch.peak():
            clients = self._clients(CALM)
        hosts = self._hosts(watch, 0)
        return FloodFigures(name=NONE, load=load, sent=Sent(), clients=clients, hosts=hosts)

    def flood(self, name: str) -> FloodFigures:
        """Measure good clients during a flood, and the hosts before, during and after it."""
        load, watch = round(os.getloadavg()[0], 1), Watch(self._target.cloud)
        with watch.peak(), self._flooded(name) as sent:
            clients = self._clients(FLOODS[name].seconds)
        hosts = self._hosts(watch, self._settle)
        return FloodFigures(name=name, load=load, sent=sent[0], clients=clients, hosts=hosts)

    def _hosts(self, watch: Watch, settle: float) -> list[HostFigures]:
        return watch.figures(settle, self._target.recover)

    @contextmanager
    def _flooded(self, name: str) -> Iterator[list[Sent]]:
        """Flood meanwhile; the list has what was sent when the block has ended."""
        job = self._target.at(SAME, username=self._target.flooder)
        sent: list[Sent] = []
        with self._program(floods, SAME, job, name) as process:
            assert process.stdout  # noqa: S101  (for mypy)
            process.stdout.readline()
            yield sent
            # A flood without good clients ends by itself.
            if FLOODS[name].seconds:
                process.terminate()
            told = self._said(process, floods)
        times = {kind: 1000 * median(each) for kind, each in told["times"].items()}
        sent.append(
            Sent(
                opened=told["opened"],
                responses=told["responses"],
                median_ms={kind: round(ms, 1) for kind, ms in times.items()},
            )
        )

    def _clients(self, seconds: float) -> dict[str, dict[str, Clients]]:
        if not seconds:
            return {}
        with ExitStack() as stack:
            processes = {}
            for place in (SAME, OTHER):
                users = list(itertools.islice(self._target.users, int(seconds / PAUSE)))
                job = self._target.at(place, seconds=seconds, users=users)
                processes[place] = stack.enter_context(self._program(good_clients, place, job))
            said = {
                place: self._said(process, good_clients) for place, process in processes.items()
            }
        return {
            place: {
                kind: Clients.of([Attempt(**attempt) for attempt in each])
                for kind, each in kinds.items()
            }
            for place, kinds in said.items()
        }

    @contextmanager
    def _program(
        self, module: ModuleType, place: str, job: Job, *arguments: str
    ) -> Iterator["subprocess.Popen[str]"]:
        """Yield a process at an address; an exception in the block ends it."""
        name = f"{_short(module)}-{place.replace(' ', '-')}"
        file = job.write(self._directory / f"{name}.json")
        program = [sys.executable, "-m", module.__name__, *arguments, str(file)]
        with (
            self._log(module).open("w") as log,
            running(
                self._target.command(place, *program),
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=log,
            ) as process,
        ):
            yield process

    def _said(self, process: "subprocess.Popen[str]", module: ModuleType) -> Any:
        """Wait for the end of a process; return what it said."""
        said, _ = process.communicate(timeout=LONGEST + GRACE)
        if process.returncode != 0:
            raise LocalCloudError(f"{_short(module)} failed: {self._log(module)}")
        return json.loads(said)

    def _log(self, module: ModuleType) -> Path:
        return self._directory / f"{_short(module)}.log"


def _short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
