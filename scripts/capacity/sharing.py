"""Processor sharing in SimPy: concurrent jobs that share a rate equally."""

import heapq
import itertools
import math

import simpy

#: Share of a job's work below which remaining work is a rounding error.
ROUNDING = 1e-9


class Sharing:
    """A server of concurrent jobs, each at the same rate.

    Args:
        environment: environment of SimPy.
        rate: work per second of all jobs together.
        most: maximum work per second of a job.

    Usage:

        network = Sharing(environment, rate=15e6)
        yield network.serve(1e6)
    """

    def __init__(self, environment: simpy.Environment, rate: float, most: float = math.inf) -> None:
        self._environment = environment
        self._rate, self._most = rate, most
        # All jobs progress equally, so a single number has the work per job so far. A job ends when
        # the number has grown by the job's work: log(jobs) steps for each job instead of jobs.
        self._got, self._updated, self._done = 0.0, 0.0, 0.0
        self._jobs: list[tuple[float, int, simpy.Event]] = []
        self._numbers = itertools.count()
        self._waiting: simpy.Event | None = None

    def serve(self, work: float) -> simpy.Event:
        """Return the event at which the work is done."""
        self._update()
        done = self._environment.event()
        heapq.heappush(self._jobs, (self._got + work, next(self._numbers), done))
        # The next end is later now, unless this job ends first.
        if self._waiting is None or self._jobs[0][2] is done:
            self._wait()
        return done

    @property
    def done(self) -> float:
        """Total work so far."""
        self._update()
        return self._done

    @property
    def _pace(self) -> float:
        return min(self._rate / len(self._jobs), self._most)

    def _update(self) -> None:
        now = self._environment.now
        if self._jobs:
            got = (now - self._updated) * self._pace
            self._got += got
            self._done += got * len(self._jobs)
        self._updated = now

    def _wait(self) -> None:
        """Wait for the end of the next job."""
        self._waiting = waiting = self._environment.timeout(
            max(0.0, (self._jobs[0][0] - self._got) / self._pace)
        )
        waiting.callbacks.append(self._finish)

    def _finish(self, waiting: simpy.Event) -> None:
        if waiting is not self._waiting:
            return
        self._update()
        while self._jobs and self._jobs[0][0] <= self._got * (1 + ROUNDING):
            heapq.heappop(self._jobs)[2].succeed()
        self._waiting = None
        if self._jobs:
            self._wait()
