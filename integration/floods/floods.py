"""The floods, each in a process of its own: ``python -m integration.floods.floods NAME JOB``.

The process prints ``stands`` when the flood has its full strength. It ends at SIGTERM, or when it
has sent as many requests as it may, and then prints in JSON what was sent and answered.
"""

import asyncio
import json
import math
import random
import resource
import secrets
import signal
import ssl
import string
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from integration.floods.attack import BROKEN, Attack, Worker, run
from integration.floods.job import Job

#: Seconds after which a flood ends by itself, whatever became of the process that started it.
LONGEST = 180
#: Seconds between two connections of a worker whose uploads are refused.
REFUSED = 28
#: Bytes of a PATCH that falls silent, and how many more it has announced.
SENT, WITHHELD = 9_500_000, 500_000
#: Bytes that are handed to TLS at once.
PIECE = 64 * 1024
#: Bytes of a header; nginx takes no line above 8 kB.
LINE = 8000
#: Requests that are sent before the first response is read.
PIPELINE = 50


@dataclass(frozen=True)
class Flood:
    """A flood and its bounds.

    Attributes:
        description: for people: what is sent.
        worker: what each connection does, again and again.
        workers: connections for each host.
        rate: connections that are made each second at most.
        requests: that are sent at most.
        lead: seconds that the flood gets to reach its full strength.
        seconds: in which good clients begin to pull and to log in; 0 where there are none.
    """

    description: str
    worker: Worker
    workers: int
    rate: float = 100
    requests: float = math.inf
    lead: float = 5
    seconds: float = 15


async def refused_upload(attack: Attack, worker: int) -> None:
    """Begin an upload without a password, and send its body a byte each two seconds."""
    end = time.monotonic() + REFUSED
    path, length = "/v2/floods/refused/blobs/uploads/", "Content-Length: 1000000"
    with suppress(*BROKEN):
        async with attack.connected(worker) as stream:
            await attack.ask(stream, "POST", path, length)
            attack.placed.add(worker)
            while not stream.reader.at_eof():
                await stream.send(b"x")
                await asyncio.sleep(2)
    # A host that hangs up earlier does not get more connections for that.
    await asyncio.sleep(max(0, end - time.monotonic()))


async def log_in_again(attack: Attack, worker: int, login: Callable[[], str]) -> None:
    """Log in on one connection without an end, each time with what ``login`` returns."""
    async with attack.connected(worker) as stream:
        while True:
            await attack.ask(stream, "GET", "/v2/", login())
            attack.placed.add(worker)


async def wrong_passwords(attack: Attack, worker: int) -> None:
    """Guess the password of one user."""
    await log_in_again(attack, worker, lambda: attack.login(password=secrets.token_hex()))


async def same_wrong_password(attack: Attack, worker: int) -> None:
    """Log in with an old password once a second, all hosts together, as a forgotten job does."""
    async with attack.connected(worker) as stream:
        await attack.ask(stream, "GET", "/v2/", attack.login(password="the old password"))  # noqa: S106
    await asyncio.sleep(attack.job.hosts)


async def unknown_users(attack: Attack, worker: int) -> None:
    """Log in as users that do not exist."""
    await log_in_again(attack, worker, lambda: attack.login(username=secrets.token_hex()))


async def spaces(attack: Attack, worker: int) -> None:
    """Log in as a valid user, with another number of spaces in the header each time."""
    await log_in_again(attack, worker, lambda: attack.login(gap=1 + attack.number() % (LINE - 200)))


async def timing(attack: Attack, worker: int) -> None:
    """Measure wrong logins of a user that exists and of one that does not, 8 on each connection."""
    async with attack.connected(worker) as stream:
        for turn in range(8):
            attack.number()
            kind, name = (("known", None), ("unknown", secrets.token_hex()))[turn % 2]
            login = attack.login(username=name, password=secrets.token_hex())
            begin = time.perf_counter()
            if await attack.ask(stream, "GET", "/v2/", login) == 401:
                attack.times.setdefault(kind, []).append(time.perf_counter() - begin)


async def silent_chunks(attack: Attack, worker: int) -> None:
    """Send most of a chunk of an upload as a valid user, and fall silent."""
    login = attack.login()
    async with attack.connected(worker) as stream:
        await stream.send(attack.head("POST", f"/v2/floods/{worker}/blobs/uploads/", login))
        head = await stream.reader.readuntil(b"\r\n\r\n")
        location = head.decode().partition("Location: ")[2].partition("\r\n")[0]
        attack.responses[head.split()[1].decode()] += 1
        path = location.partition(f"//{attack.job.name}")[2] or location
        length = f"Content-Length: {SENT + WITHHELD}"
        await stream.send(attack.head("PATCH", path, login, length))
        for _ in range(0, SENT, PIECE):
            await stream.send(bytes(PIECE))
        attack.placed.add(worker)
        attack.responses[str(await stream.status())] += 1


async def half_open_tls(attack: Attack, worker: int) -> None:
    """Send the first message of a TLS handshake, and no more."""
    outgoing = ssl.MemoryBIO()
    handshake = attack.tls.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=attack.job.name)
    with suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    async with attack.connected(worker, tls=False) as stream:
        await stream.send(outgoing.read())
        attack.placed.add(worker)
        await stream.reader.read()


async def first_bytes(attack: Attack, _: int) -> None:
    """Ask for the first byte of a layer that the host has to fetch, and hang up."""
    number = attack.number()
    # Two requests for each layer, which two hosts get.
    path = attack.job.layers[number // 2 % len(attack.job.layers)]
    async with attack.connected(number) as stream:
        await attack.ask(stream, "GET", path, attack.login(), "Range: bytes=0-0")


async def catalogs(attack: Attack, worker: int) -> None:
    """List the repositories as a valid user."""
    async with attack.connected(worker) as stream:
        while True:
            await attack.ask(stream, "GET", "/v2/_catalog", attack.login())
            attack.placed.add(worker)


async def long_headers(attack: Attack, worker: int) -> None:
    """Ask for the health check with headers as long as they may be."""
    # A byte that is no UTF-8 takes four bytes of the registry's log.
    headers = [f"{name}: {chr(0xFF) * LINE}" for name in ("User-Agent", "Referer")]
    async with attack.connected(worker) as stream:
        while True:
            attack.number()
            await attack.ask(stream, "GET", "/ssl", *headers)


async def odd_requests(attack: Attack, worker: int) -> None:
    """Invent methods, and now and then a version of HTTP or a transfer encoding."""
    async with attack.connected(worker) as stream:
        while True:
            for _ in range(PIPELINE):
                attack.number()
                method = "".join(random.choices(string.ascii_uppercase, k=12))  # noqa: S311
                await stream.send(attack.head(method, "/flood"))
            for _ in range(PIPELINE):
                attack.responses[str(await stream.status())] += 1
            if random.random() < 0.1:  # noqa: S311
                break
        odd = random.choice(  # noqa: S311
            [
                attack.head("GET", "/v2/", version="HTTP/2.0"),
                attack.head("POST", "/v2/", "Transfer-Encoding: odd"),
            ]
        )
        await stream.send(odd)
        attack.responses[str(await stream.status())] += 1


#: By their names, in the order in which they come. docs/testing.md has the same list.
FLOODS: Mapping[str, Flood] = {
    "refused-upload": Flood(
        "uploads without a password whose body comes a byte each 2 s, 1,300 for each host",
        refused_upload,
        workers=1300,
        rate=200,
        lead=30,
    ),
    "wrong-passwords": Flood("ever new passwords of one user", wrong_passwords, workers=25),
    "same-wrong-password": Flood(
        "one wrong password again and again, once a second, for 20 s before",
        same_wrong_password,
        workers=1,
        lead=20,
        seconds=30,
    ),
    "unknown-users": Flood("ever new users that do not exist", unknown_users, workers=25),
    "spaces": Flood(
        "a valid login with another number of spaces each time, 250 connections for each host",
        spaces,
        workers=250,
    ),
    "timing": Flood(
        "no flood: wrong logins of a user that exists, and of one that does not",
        timing,
        workers=1,
        requests=16,
        lead=0,
        seconds=0,
    ),
    "silent-chunks": Flood(
        "100 chunks for each host, of which a valid user sends 9.5 MB and then nothing",
        silent_chunks,
        workers=100,
        lead=30,
    ),
    "half-open-tls": Flood(
        "2,000 TLS handshakes for each host that stop after the first message",
        half_open_tls,
        workers=2000,
        rate=500,
        lead=15,
    ),
    "first-bytes": Flood(
        "the first byte of 40 layers of 5 MB that no host has in its cache; the client hangs up",
        first_bytes,
        workers=10,
        requests=80,
        lead=0,
    ),
    "catalogs": Flood(
        "the catalog, by a valid user on 25 connections for each host", catalogs, workers=25
    ),
    "long-headers": Flood(
        "1,000 health checks with a `User-Agent` and a `Referer` of 8 kB that are no UTF-8",
        long_headers,
        workers=10,
        requests=1000,
        lead=0,
    ),
    "odd-requests": Flood(
        "20,000 requests with invented methods, some as HTTP/2.0 or with odd transfer encodings",
        odd_requests,
        workers=5,
        requests=20_000,
        lead=0,
    ),
}


async def _until_told(attack: Attack, flood: Flood) -> None:
    workers = flood.workers * attack.job.hosts
    task = asyncio.create_task(run(attack, flood.worker, workers, flood.lead))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError, TimeoutError):
        await asyncio.wait_for(task, LONGEST)


def main(name: str, file: str) -> None:
    """Run the flood ``name`` on the target of a job, and print the responses."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood = FLOODS[name]
    attack = Attack(Job.read(file), flood.rate, flood.requests)
    asyncio.run(_until_told(attack, flood))
    told = {"opened": attack.opened, "responses": attack.responses, "times": attack.times}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
