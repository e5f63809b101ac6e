"""The base of all floods: raw connections, a limit on their rate, and workers."""

import asyncio
import itertools
import re
import ssl
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from integration.clients.deployment import request_head
from integration.floods.job import Job

#: Seconds until a worker whose connection broke connects again.
PAUSE = 0.1
#: Errors that end a connection, but not the flood: refused, reset, cut off in a response.
BROKEN = (OSError, EOFError, ValueError)


class Over(Exception):
    """The flood has sent as many requests as it may."""


@dataclass
class Stream:
    """A connection of a flood, with or without TLS."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes; return when the kernel has taken most of them."""
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """Read a response to its end; return its status."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if length := re.search(r"^content-length: (\d+)", head, re.MULTILINE):
            await self.reader.readexactly(int(length[1]))
        elif "transfer-encoding: chunked" in head:
            await self.reader.readuntil(b"0\r\n\r\n")
        return int(head.split()[1])


@dataclass
class Attack:
    """The state that the workers of a flood share.

    Attributes:
        job: the target.
        rate: connections that are made each second at most, all workers together.
        limit: requests that are sent at most.
        responses: number of responses with each status.
        opened: connections.
        times: seconds of requests by their kind, where a flood measures.
        placed: workers that have reached the state in which the flood holds them.
    """

    job: Job
    rate: float
    limit: float
    responses: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _next: float = 0

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context()
        # An attacker does not verify the server.
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def number(self) -> int:
        """Return the number of the next request, from 0.

        Raises:
            Over: there were ``limit``.
        """
        number = next(self._numbers)
        if number >= self.limit:
            raise Over
        return number

    @asynccontextmanager
    async def connected(self, worker: int, *, tls: bool = True) -> AsyncIterator[Stream]:
        """Connect to the address of a worker; abort the connection at the end."""
        self._next = max(self._next, time.monotonic()) + 1 / self.rate
        await asyncio.sleep(self._next - time.monotonic())
        address = self.job.addresses[worker % len(self.job.addresses)]
        source = (self.job.source, 0) if self.job.source else None
        reader, writer = await asyncio.open_connection(
            address,
            self.job.port,
            local_addr=source,
            ssl=self.tls if tls else None,
            server_hostname=self.job.name if tls else None,
        )
        self.opened += 1
        try:
            yield Stream(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(self, stream: Stream, method: str, path: str, *headers: str) -> int:
        """Send a request without a body; return the status of its response."""
        await stream.send(self.head(method, path, *headers))
        status = await stream.status()
        self.responses[str(status)] += 1
        return status

    def head(self, method: str, path: str, *headers: str, version: str = "HTTP/1.1") -> bytes:
        """Return the header of a request."""
        return request_head(f"{method} {path} {version}", *headers, host=self.job.name)

    def login(self, username: str | None = None, password: str | None = None, gap: int = 1) -> str:
        """Return a header with a user and password; the valid ones unless given."""
        pair = f"{username or self.job.username}:{password or self.job.password}"
        return f"Authorization: Basic{' ' * gap}{b64encode(pair.encode()).decode()}"


Worker = Callable[[Attack, int], Awaitable[None]]


async def _work(attack: Attack, worker: Worker, number: int) -> None:
    """Let a worker begin again whenever its connection ends, until the flood is over."""
    with suppress(Over):
        while True:
            with suppress(*BROKEN):
                await worker(attack, number)
            await asyncio.sleep(PAUSE)


async def run(attack: Attack, worker: Worker, workers: int, lead: float) -> None:
    """Run a flood until it is over, or this task is cancelled.

    Args:
        attack: the shared state.
        worker: called again and again by each worker.
        workers: number of workers.
        lead: maximum seconds until the flood counts as complete.
    """
    tasks = [asyncio.create_task(_work(attack, worker, number)) for number in range(workers)]
    try:
        begin = time.monotonic()
        while time.monotonic() - begin < lead and len(attack.placed) < workers:
            await asyncio.sleep(0.1)
        print("stands", flush=True)
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
