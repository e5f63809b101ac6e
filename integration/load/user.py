"""What every workload shares: its options, its clients, and what is done before the load begins."""

import logging
import os
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import cast

import gevent
from locust import User, events
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import Runner, WorkerRunner

from integration.load.client import FAILURES, PATIENCE, Client, together, trust
from integration.load.images import Image

#: Images that are pushed at a time before the load begins.
PUSHES = 4
#: Seconds that what is under way after ``--seconds`` gets to be done: a client's own patience.
AFTER = PATIENCE
#: Seconds between two looks at whether the run has ended.
LOOK = 0.2

#: One context for all clients of a process: each would read the same file again.
_trust: Callable[[Path | None], SSLContext] = cache(trust)

# Otherwise it prints every request.
logging.getLogger("httpx").setLevel(logging.WARNING)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: ArgumentParser) -> None:
    """Add what a workload needs to know; the password is taken from REGISTRY_PASSWORD."""
    parser.add_argument("--username", default="", help="who logs in")
    # A master sends the options to its workers, and can send text and numbers only.
    parser.add_argument("--ca", default="", help="certificate to trust (PEM)")
    parser.add_argument("--prefix", default="wharf-test/load", help="where repositories are")
    parser.add_argument("--seed", default="1", help="what the images' bytes follow from")
    parser.add_argument("--scale", type=float, default=1.0, help="what sizes are multiplied by")
    parser.add_argument("--seconds", type=float, default=60, help="how long, once all is pushed")
    parser.add_argument("--images", type=int, default=200, help="how many there are to choose from")


class RegistryUser(User):
    """A server, or what pushes for one. Each operation is a client of its own, with nothing."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.random = random.Random(os.urandom(8))  # noqa: S311  (which image, not which key)
        self._end = time.monotonic() + options_of(environment).seconds

    def pull(self, image: Image) -> None:
        """Pull an image, or stop if the time is over."""
        self._go_on()
        with client(self.environment, self._record) as one:
            one.pull(image.repository, image.tag)

    def push(self, image: Image) -> None:
        """Push an image, or stop if the time is over."""
        self._go_on()
        with client(self.environment, self._record) as one:
            one.push(image)

    def _go_on(self) -> None:
        # What takes long would be missing in the figures if the end of the run cut it off.
        if time.monotonic() >= self._end:
            raise StopUser

    def _record(
        self, kind: str, name: str, seconds: float, size: int, error: Exception | None
    ) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=seconds * 1000,
            response_length=size,
            exception=error,
            context={},
        )


def options_of(environment: Environment) -> Namespace:
    """The options of the run."""
    return cast(Namespace, environment.parsed_options)


def client(environment: Environment, record: Callable[..., None]) -> Client:
    """A client of the registry under load."""
    options = options_of(environment)
    credentials = (options.username, os.environ.get("REGISTRY_PASSWORD", ""))
    ca = Path(options.ca) if options.ca else None
    return Client(environment.host or "", credentials, _trust(ca), record)


def prepare(
    environment: Environment, images: Iterable[Image], done: Callable[[], bool] = lambda: False
) -> None:
    """Push images; then the load begins, and ends after ``--seconds``, or when it is done.

    On workers it does nothing: their master does it. If a push fails the run ends, and Locust's
    exit status says so.
    """
    runner = cast(Runner, environment.runner)
    if isinstance(runner, WorkerRunner):
        return

    def push(image: Image) -> None:
        with client(environment, lambda *_: None) as one:
            one.must_push(image)

    try:
        together(push, images, PUSHES)
    except FAILURES as error:
        print(f"Error: the images could not be pushed: {error!r}", file=sys.stderr)
        environment.process_exit_code = 1
        # Locust is in the middle of its start, and would go on with it.
        gevent.spawn_later(1, runner.quit)
        return
    environment.stats.reset_all()
    gevent.spawn(end, environment, runner, done)


def end(environment: Environment, runner: Runner, done: Callable[[], bool]) -> None:
    """End the run when it is done, or after ``--seconds`` and what is under way then.

    What is still under way after two more minutes is recorded as unfinished.
    """
    late = time.monotonic() + options_of(environment).seconds
    while not done() and (
        time.monotonic() < late or (runner.user_count and time.monotonic() < late + AFTER)
    ):
        gevent.sleep(LOOK)
    runner.quit()
