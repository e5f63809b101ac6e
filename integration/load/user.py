"""The base of every workload: its options, its clients, and the pushes before the load begins."""

import logging
import os
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import gevent
from locust import User, events
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import Runner, WorkerRunner

from integration.clients.image_builder import Image
from integration.load.pull_client import FAILURES, PATIENCE, Client, together, trust

#: Images that are pushed concurrently before the load begins.
PUSHES = 4
#: Seconds that operations may take after ``--seconds``: the patience of a client.
AFTER = PATIENCE
#: Seconds between two checks of the end of the run.
POLL = 0.2

# Otherwise httpx prints every request.
logging.getLogger("httpx").setLevel(logging.WARNING)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: ArgumentParser) -> None:
    """Add the options of a workload; the password is in the variable REGISTRY_PASSWORD."""
    parser.add_argument("--username", default="", help="user of the registry")
    # A master sends the options to its workers, and can send text and numbers only.
    parser.add_argument("--ca", default="", help="certificate to trust (PEM)")
    parser.add_argument("--prefix", default="wharf-test/load", help="prefix of the repositories")
    parser.add_argument("--seed", default="1", help="seed of the content of images")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the sizes of layers")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of load, after pushes")
    parser.add_argument("--images", type=int, default=200, help="number of images to choose from")


class RegistryUser(User):
    """A server that pulls, or a build that pushes. Each operation has a new client."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.random = random.Random(os.urandom(8))  # noqa: S311  (no secret)
        self._end = time.monotonic() + options_of(environment).seconds

    def pull(self, image: Image) -> None:
        """Pull an image, or stop after the end of the run."""
        self._stop_at_end()
        with client(self.environment, self._record) as registry:
            registry.pull(image.repository, image.tag)

    def push(self, image: Image) -> None:
        """Push an image, or stop after the end of the run."""
        self._stop_at_end()
        with client(self.environment, self._record) as registry:
            registry.push(image)

    def _stop_at_end(self) -> None:
        # If the end of the run cut operations off, slow operations would be missing in the figures.
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
    """Return the options of the run."""
    return cast(Namespace, environment.parsed_options)


def client(environment: Environment, record: Callable[..., None]) -> Client:
    """Return a client of the registry under load."""
    options = options_of(environment)
    credentials = (options.username, os.environ.get("REGISTRY_PASSWORD", ""))
    ca = Path(options.ca) if options.ca else None
    return Client(environment.host or "", credentials, trust(ca), record)


def prepare(
    environment: Environment, images: Iterable[Image], done: Callable[[], bool] = lambda: False
) -> None:
    """Push images; then the load begins, and ends after ``--seconds``, or when it is done.

    On workers it does nothing: their master pushes. If a push fails the run ends, and Locust's exit
    status is 1.
    """
    runner = cast(Runner, environment.runner)
    if isinstance(runner, WorkerRunner):
        return

    def push(image: Image) -> None:
        with client(environment, lambda *_: None) as registry:
            registry.must_push(image)

    try:
        together(push, images, PUSHES)
    except FAILURES as error:
        print(f"Error: the images could not be pushed: {error!r}", file=sys.stderr)
        environment.process_exit_code = 1
        # Locust is starting, and would continue after an immediate quit.
        gevent.spawn_later(1, runner.quit)
        return
    environment.stats.reset_all()
    gevent.spawn(end, environment, runner, done)


def end(environment: Environment, runner: Runner, done: Callable[[], bool]) -> None:
    """End the run when it is done, or after ``--seconds`` and the operations under way then.

    Operations that are still under way two minutes later are recorded as unfinished.
    """
    late = time.monotonic() + options_of(environment).seconds
    while not done() and (
        time.monotonic() < late or (runner.user_count and time.monotonic() < late + AFTER)
    ):
        gevent.sleep(POLL)
    runner.quit()
