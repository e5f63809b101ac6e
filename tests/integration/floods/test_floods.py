"""Floods: what is made of good clients' attempts, and that no flood sends more than it may."""

import asyncio
import math
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from integration.bench.measurements import Machine
from integration.clients.deployment import Deployment
from integration.console.display import Display
from integration.floods.attack import Attack, Stream, run
from integration.floods.flood_results import (
    LOGIN,
    NONE,
    OTHER,
    PULL,
    SAME,
    Attempt,
    Clients,
    FloodFigures,
    Results,
    Sent,
    percentile,
)
from integration.floods.flood_table import table
from integration.floods.flooded_registry import given
from integration.floods.floods import FLOODS
from integration.floods.floods_command import floods
from integration.floods.hosts import Look, compare, series
from integration.floods.job import Job
from integration.local.errors import LocalCloudError

PASSWORD = "REGISTRY_PASSWORD"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "testing.md"
GOOD = Clients.of([Attempt(seconds=1)] * 10)
JOB = Job(name="registry", port=1, addresses=[], ca=Path(), username="alice", password="secret")


def refused(times: int) -> Clients:
    """Return ten attempts of which some were refused."""
    attempts = [Attempt(seconds=1, error="429")] * times + [Attempt(seconds=1)] * (10 - times)
    return Clients.of(attempts)


def figures(name: str, same: Clients = GOOD, other: Clients = GOOD) -> FloodFigures:
    kinds = {
        place: {PULL: GOOD, LOGIN: attempts} for place, attempts in ((SAME, same), (OTHER, other))
    }
    return FloodFigures(
        name=name, load=0.5, sent=Sent(responses={"401": 1200}), clients=kinds, hosts=[]
    )


def results(*floods: FloodFigures) -> Results:
    machine = Machine(processor="p", cores=2, memory_gb=8, kernel="6", versions={})
    return Results(started="now", balancer="network", machine=machine, floods=list(floods))


@pytest.mark.parametrize(
    ("times", "p95"), [([3.0], 3.0), ([1.0, 2.0], 1.95), ([float(n) for n in range(101)], 95.0)]
)
def test_percentile_lies_between_times(times: list[float], p95: float) -> None:
    assert percentile(times, 95) == pytest.approx(p95)


def test_times_are_those_of_clients_that_succeeded() -> None:
    attempts = [Attempt(seconds=second) for second in (1, 2, 3)]
    found = Clients.of([*attempts, Attempt(seconds=30, error="ReadTimeout")])
    assert (found.attempts, found.successes, found.p50, found.slowest) == (4, 3, 2, 3)
    assert found.errors == {"ReadTimeout": 1}
    assert str(found) == "3/4, 2.90 s"


def test_where_no_client_succeeds_there_is_no_time() -> None:
    found = refused(10)
    assert (found.p50, found.p95, found.slowest, str(found)) == (None, None, None, "0/10")


def test_a_client_at_another_address_that_fails_more_often_is_told() -> None:
    (complaint,) = results(figures(NONE), figures("spaces", other=refused(1))).complaints()
    assert complaint == (
        "spaces: login from another address: 9 of 10 succeeded, without a flood 10 of 10"
    )


@pytest.mark.parametrize(
    "flood",
    [figures("spaces", same=refused(10)), figures("spaces", other=refused(2))],
    ids=["at the flood's address", "as often as without a flood"],
)
def test_these_failures_are_no_complaint(flood: FloodFigures) -> None:
    assert results(figures(NONE, other=refused(2)), flood).complaints() == []


def test_a_run_without_figures_proves_nothing() -> None:
    assert results().complaints() == ["nothing was measured"]


def test_the_table_has_a_row_for_each_flood() -> None:
    rows = table(results(figures(NONE), figures("spaces", same=refused(10)))).splitlines()
    assert len({row.count("|") for row in rows}) == 1
    assert rows[3].startswith("| `spaces` | 10/10, 1.00 s | 0/10 | 10/10, 1.00 s |")
    assert rows[3].endswith(" 401: 1,200 |")


def test_a_host_is_compared_with_itself() -> None:
    def look(memory: float, lines: int, *names: str) -> Look:
        logs = {"nginx": (lines, 100 * lines)}
        return Look({"nginx": memory}, logs, frozenset(names), cached=lines)

    before, after = look(40, 10, "a", "b"), look(60, 12, "b", "c", "d")
    found = compare(before, {"nginx": 900}, after, ["registry"])
    nginx = found.containers["nginx"]
    assert (nginx.before_mb, nginx.peak_mb, nginx.after_mb) == (40, 900, 60)
    assert (nginx.log_lines, nginx.log_bytes, found.cached_bytes) == (2, 200, 2)
    assert (found.series, found.lost_series, found.ended) == ((2, 3), 1, ["registry"])


def test_a_series_has_a_name_and_labels() -> None:
    text = '# TYPE a counter\na_total{x="1"} 1\na_total{x="2"} 1\nb 3\n'
    assert len(series(text)) == 3


def test_the_page_lists_the_floods() -> None:
    _, _, section = DOCUMENT.read_text().partition("\n## Floods\n")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    assert rows == [(name, flood.description) for name, flood in FLOODS.items()]


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ],
)
def test_a_response_is_read_to_its_end(response: bytes) -> None:
    async def read_two() -> list[int]:
        reader = asyncio.StreamReader()
        reader.feed_data(2 * response)
        stream = Stream(reader, writer=None)  # type: ignore[arg-type]
        return [await stream.status(), await stream.status()]

    assert asyncio.run(read_two()) == [429, 429]


def test_a_flood_ends_when_it_has_sent_what_it_may(capsys: pytest.CaptureFixture[str]) -> None:
    sent = []

    async def worker(attack: Attack, _: int) -> None:
        while True:
            sent.append(attack.number())
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(Attack(JOB, math.inf, limit=10), worker, 3, lead=0), 10))
    assert sorted(sent) == list(range(10))
    assert capsys.readouterr().out == "stands\n"


def test_no_more_connections_are_made_than_the_rate_allows() -> None:
    async def connect(times: int, rate: float) -> tuple[int, float]:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        job = JOB.model_copy(update={"addresses": ["127.0.0.1"], "port": port})
        attack, begin = Attack(job, rate, math.inf), asyncio.get_running_loop().time()
        async with server:
            for number in range(times):
                async with attack.connected(number, tls=False):
                    pass
        return attack.opened, asyncio.get_running_loop().time() - begin

    opened, seconds = asyncio.run(connect(times=5, rate=50))
    assert opened == 5
    assert seconds >= 0.1


@pytest.mark.parametrize("url", ["https://registry.example.com", "https://8.8.8.8"])
def test_a_registry_elsewhere_is_not_flooded(url: str, tmp_path: Path) -> None:
    deployment = Deployment(url, "alice", "secret", tmp_path / "ca.crt")
    with pytest.raises(LocalCloudError, match="is not flooded: give the private address"):
        given(deployment, "127.0.0.2", [], tmp_path, Display())


def test_a_password_is_taken_from_the_environment_only() -> None:
    found = CliRunner().invoke(
        floods, ["--registry", "https://127.0.0.1:8443"], env={PASSWORD: None}
    )
    assert found.exit_code == 2
    assert "--registry needs the password in REGISTRY_PASSWORD" in found.output
