"""Processor sharing in SimPy: jobs that are served at once and share a rate equally."""

import heapq
import itertools
import math

import simpy

#: Work that is less than this part of a job's is rounding.
ROUNDING = 1e-9


class Sharing:
    """Serves all its jobs at the same time, each at the same rate.

    Args:
        environment: SimPy's.
        rate: work a second of all jobs together.
        most: work a second of one job at most.

    Usage:

        network = Sharing(environment, rate=15e6)
        yield network.serve(1e6)
    """

    def __init__(self, environment: simpy.Environment, rate: float, most: float = math.inf) -> None:
        self._environment = environment
        self._rate, self._most = rate, most
        # Each job gets the same, so what one has got so far is one number for all: a job is done
        # when it has grown by the job's work. That takes log(jobs) for each, not jobs.
        self._got, self._updated, self._done = 0.0, 0.0, 0.0
        self._jobs: list[tuple[float, int, simpy.Event]] = []
        self._numbers = itertools.count()
        self._looking: simpy.Event | None = None

    def serve(self, work: float) -> simpy.Event:
        """Return what happens when so much work is done."""
        self._update()
        done = self._environment.event()
        heapq.heappush(self._jobs, (self._got + work, next(self._numbers), done))
        # The one that would be looked for anyway comes later now, unless this is done before it.
        if self._looking is None or self._jobs[0][2] is done:
            self._look()
        return done

    @property
    def done(self) -> float:
        """All work that was done so far."""
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

    def _look(self) -> None:
        """Look again when the next job should be done."""
        self._looking = looking = self._environment.timeout(
            max(0.0, (self._jobs[0][0] - self._got) / self._pace)
        )
        looking.callbacks.append(self._finish)

    def _finish(self, looking: simpy.Event) -> None:
        if looking is not self._looking:
            return
        self._update()
        while self._jobs and self._jobs[0][0] <= self._got * (1 + ROUNDING):
            heapq.heappop(self._jobs)[2].succeed()
        self._looking = None
        if self._jobs:
            self._look()
