"""Good clients at one address: ``python -m integration.floods.good_clients JOB``.

Each half second a client pulls the image as a user who has logged in before, and another client
logs in as a user whom the registry has not seen within the hour. A slow client delays no other.
The process prints the attempts in JSON, by their kind.
"""

import json
import math
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import cycle

import httpx

from integration.bench.storm import Named, pull
from integration.clients.registry_client import RegistryClient
from integration.floods.flood_results import LOGIN, PULL, Attempt
from integration.floods.job import Job
from integration.local.errors import LocalCloudError

#: Seconds between two clients of a kind.
PAUSE = 0.5
#: Seconds that a client waits for a response to begin or to go on.
PATIENCE = 30


def work(job: Job) -> dict[str, list[Attempt]]:
    """Let clients begin for ``job.seconds``, and wait for the end of all of them."""
    context = ssl.create_default_context(cafile=job.ca)
    addresses, users = cycle(job.addresses), iter(job.users)
    tries: dict[str, list[Future[Attempt]]] = {PULL: [], LOGIN: []}
    number = math.ceil(job.seconds / PAUSE)
    with ThreadPoolExecutor(2 * number) as pool:
        begin = time.monotonic()
        for turn in range(number):
            address, user = next(addresses), next(users, None)
            for kind, act, name in (
                (PULL, partial(pulled, job), job.username),
                (LOGIN, login, user),
            ):
                if name:
                    client = partial(attempt, job, context, address, name, act)
                    tries[kind].append(pool.submit(client))
            time.sleep(max(0, begin + (turn + 1) * PAUSE - time.monotonic()))
    return {kind: [client.result() for client in each] for kind, each in tries.items()}


def attempt(
    job: Job,
    context: ssl.SSLContext,
    address: str,
    username: str,
    act: Callable[[httpx.Client], object],
) -> Attempt:
    """Run an action with a new client; return its duration and error."""
    statuses: list[int] = []
    transport = httpx.HTTPTransport(verify=context, local_address=job.source)
    begin = time.monotonic()
    error = ""
    try:
        with httpx.Client(
            base_url=job.url,
            auth=(username, job.password),
            transport=Named({job.name: address}, transport),
            timeout=PATIENCE,
            event_hooks={"response": [lambda response: statuses.append(response.status_code)]},
        ) as client:
            act(client)
    except (LocalCloudError, httpx.HTTPError, KeyError) as failed:
        broke = isinstance(failed, httpx.TransportError) or not statuses
        error = type(failed).__name__ if broke else str(statuses[-1])
    return Attempt(seconds=time.monotonic() - begin, error=error)


def pulled(job: Job, client: httpx.Client) -> None:
    """Pull the image of the job as Docker does."""
    repository, _, tag = job.image.partition(":")
    pull(RegistryClient(client, repository), tag)


def login(client: httpx.Client) -> None:
    """Log in, as ``docker login`` does."""
    client.get("/v2/").raise_for_status()


def main(file: str) -> None:
    """Work on a job, and print the attempts."""
    found = work(Job.read(file))
    print(json.dumps({kind: [item.model_dump() for item in each] for kind, each in found.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
