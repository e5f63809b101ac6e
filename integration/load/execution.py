"""A run from its beginning to its figures: clients, samples of the hosts, and events on hosts."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from integration.load.loaded_registry import Target
from integration.load.locust_processes import Load, Locust, locust
from integration.load.run_results import Event, HostSample, Run
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError

#: Seconds between two samples of the hosts; each takes about half a second of a core here.
LOOK = 3.0
#: Seconds between two reads of Locust's history.
POLL = 0.5
#: Seconds between two lines about the progress.
TELL = 10.0
#: Seconds that the pushes before the load may take, or a storm beyond its time.
PATIENCE = 1800.0


@dataclass
class HostEvents:
    """Events on the hosts of a local cloud during a load.

    Attributes:
        kill: seconds from the begin of the load until a host is killed; it is replaced then.
        scale_out: seconds until the group gets another host.
        events: the events so far.
    """

    kill: float | None = None
    scale_out: float | None = None
    events: list[Event] = field(default_factory=list)
    _begun: list[Callable[[LocalCloud], None]] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _failures: list[LocalCloudError] = field(default_factory=list)

    def start_due(self, seconds: float, cloud: LocalCloud | None) -> None:
        """Start the events that are due ``seconds`` after the begin of the load."""
        if cloud is None:
            return
        for due, do in ((self.kill, self._kill), (self.scale_out, self._scale_out)):
            if due is not None and seconds >= due and do not in self._begun:
                self._begun.append(do)
                self._start(partial(do, cloud))

    def end(self) -> None:
        """Wait for the end of the events that have started.

        Raises:
            LocalCloudError: a host did not come up.
        """
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _start(self, do: Callable[[], None]) -> None:
        def attempt() -> None:
            try:
                do()
            except LocalCloudError as error:
                self._failures.append(error)

        # Concurrent events would reconcile the same cloud concurrently.
        for thread in self._threads:
            thread.join()
        self._threads.append(threading.Thread(target=attempt))
        self._threads[-1].start()

    def _kill(self, cloud: LocalCloud) -> None:
        victim = cloud.hosts[0].id
        cloud.kill_host(victim)
        self._add(f"{victim} killed", -1)
        cloud.reconcile()
        self._add("replaced", 1)

    def _scale_out(self, cloud: LocalCloud) -> None:
        client = cloud.session.client("autoscaling")
        group = client.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        client.set_desired_capacity(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            DesiredCapacity=group["DesiredCapacity"] + 1,
        )
        self._add("one host more wanted")
        cloud.reconcile()
        self._add("scaled out", 1)

    def _add(self, name: str, hosts: int = 0) -> None:
        self.events.append(Event(time=time.time(), description=name, hosts=hosts))


class Execution:
    """A workload on a target.

    Args:
        target: a registry that is up.
        load: the workload and its size.
        host_events: events on the hosts.
        report: gets a line for each step, and for the progress.
    """

    def __init__(
        self, target: Target, load: Load, host_events: HostEvents, report: Callable[[str], None]
    ) -> None:
        self._target = target
        self._load = load
        self._host_events = host_events
        self._report = report
        self._samples: list[HostSample] = []

    def run(self, running: Locust) -> Run:
        """Follow the run to its end; return the figures.

        Raises:
            LocalCloudError: the run failed, or does not end.
        """
        try:
            self._look_on(running)
        finally:
            self._host_events.end()
        self._samples += self._target.watch.look()
        found, first, last = running.figures()
        return Run(
            started=first,
            workload=self._load.workload,
            target=self._target.name,
            users=self._load.users,
            scale=self._load.scale,
            images=self._load.images,
            workers=self._load.workers,
            remote_workers=self._load.remote_workers,
            hosts=self._target.hosts,
            wanted_seconds=self._load.seconds,
            kill_host=self._host_events.kill,
            scale_out=self._host_events.scale_out,
            seconds=last - first,
            figures=found,
            moments=running.moments(),
            events=self._host_events.events,
            samples=self._samples,
            # The figures of the clients do not have the pushes before the load either.
            s3_requests=self._target.watch.s3_requests(since=first),
        )

    def _look_on(self, running: Locust) -> None:
        self._report(f"Pushing what {self._load.workload} pulls")
        ended = threading.Event()
        # A sample takes longer on a busy machine; events on hosts must not wait for it.
        looking = threading.Thread(target=self._look, args=[ended])
        looking.start()
        try:
            self._follow(running)
        finally:
            ended.set()
            looking.join()

    def _look(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK):
            self._samples += self._target.watch.look()

    def _follow(self, running: Locust) -> None:
        start = told = time.monotonic()
        begun = False
        while running.runs:
            if time.monotonic() - start > self._load.seconds + PATIENCE:
                raise LocalCloudError(f"The load does not end (log: {running.log})")
            moments = running.moments()
            if moments and not begun:
                begun = True
                self._report(f"{self._load.users} clients have begun")
            if moments:
                self._host_events.start_due(time.time() - moments[0].time, self._target.cloud)
            if moments and time.monotonic() - told >= TELL:
                told, now = time.monotonic(), moments[-1]
                self._report(
                    f"{now.users} clients, {now.operations_per_s:.1f} operations/s, "
                    f"{now.mb_per_s:.1f} MB/s, {now.failures_per_s:.1f} failures/s"
                )
            time.sleep(POLL)


def execute(
    target: Target,
    load: Load,
    host_events: HostEvents,
    report: Callable[[str], None],
    directory: Path,
) -> Run:
    """Run a workload on a target, with Locust's files in a directory.

    Raises:
        LocalCloudError: the run failed; no client is left.
    """
    with locust(load, target.deployment, directory) as running:
        return Execution(target, load, host_events, report).run(running)
