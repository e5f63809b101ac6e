"""What is made of measured storms: requests by kind, what the model is told, and the page."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.bench.results import Machine
from integration.images import MANIFEST
from integration.local.errors import LocalCloudError
from integration.storms.client import pull
from integration.storms.page import QUESTIONS, ask, write
from integration.storms.results import Measured, Parameters, Results
from integration.storms.rig import count
from integration.storms.simulations import CASES, simulate
from scripts.capacity.figures import Requests

RATE = 10_000_000
PARAMETERS = Parameters(
    rate=RATE,
    fetch_rate=80_000_000,
    seconds_of_request=0.005,
    pull=Requests(cpu=0.02, get=6, list=8),
    layer=Requests(cpu=0.008, get=3, list=4),
    cores=2,
)


def silent(_: str) -> None:
    """No report."""


@pytest.fixture
def results() -> Results:
    machine = Machine(
        processor="p", cores=2, memory_gb=8, kernel="6", versions={"podman": "podman 4"}
    )
    return Results(
        started="2026-11-25 01:00 UTC",
        seconds=600,
        machine=machine,
        servers=10,
        layers=[20_000_000, 20_000_000],
        parameters=PARAMETERS,
        storms=[
            Measured(hosts=hosts, seconds=[20 / hosts, last / hosts], busy=0.5)
            for last in (44, 46, 42)
            for hosts in (1, 2, 4)
        ],
    )


def test_requests_are_told_apart_by_what_aws_charges() -> None:
    start = "2026-11-25T01:00:00 stdout F 10.0.0.9:1 [25] api~ wharf-bench-images/s3 0/0 200 9 "
    lines = [
        start + '"GET /docker/registry/v2/blobs/sha256/ab/abcd/data HTTP/1.1"',
        start + '"HEAD /docker/registry/v2/blobs/sha256/ab/abcd/data HTTP/1.1"',
        start + '"GET /?list-type=2&prefix=docker HTTP/1.1"',
        start + '"GET /?max-keys=1&prefix=docker HTTP/1.1"',
        start + '"PUT /docker/registry/v2/x HTTP/1.1"',
        '2026 stdout F 10.0.0.9:1 [25] api~ emulator/emulator 0/0 200 9 "GET /x HTTP/1.1"',
    ]
    assert count(lines) == {"get": 2, "list": 2, "other": 1}


def test_the_model_is_given_what_was_measured(results: Results) -> None:
    """Ten servers and 40 MB at 10 MB/s: 40 s and what is around it."""
    one, four = results.predicted(1).seconds, results.predicted(4).seconds
    assert 40 < one < 46
    assert 10 < four < 13


def test_the_difference_is_to_the_median(results: Results) -> None:
    assert results.rounds == 3
    assert results.last(2) == [22, 23, 21]
    assert results.difference(2) == pytest.approx(results.predicted(2).seconds / 22 - 1)


def test_the_page_has_every_storm_and_every_answer(results: Results, tmp_path: Path) -> None:
    results.simulations = simulate(silent, CASES[:1])
    write(results, tmp_path)
    text = (tmp_path / "capacity.md").read_text()
    assert "| 2 | 22.0, 23.0, 21.0 | 22.0 |" in text
    for question in QUESTIONS.values():
        assert question in text
        assert ask(question).splitlines()[1].strip() in text
    for plot in ("storms", "simulation", "hosts"):
        assert f"(capacity-{plot}.svg)" in text
        assert (tmp_path / f"capacity-{plot}.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("file", "questions"), [("README.md", ["first"]), ("docs/capacity.md", list(QUESTIONS))]
)
def test_pages_show_what_is_really_printed(file: str, questions: list[str]) -> None:
    text = Path(file).read_text()
    for question in questions:
        lines = ask(QUESTIONS[question]).splitlines()
        assert "\n".join(f"    {line}" for line in lines) in text


def test_the_same_results_make_the_same_files(results: Results, tmp_path: Path) -> None:
    results.simulations = simulate(silent, CASES[:1])
    written = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        write(results, folder)
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1]


class Registry:
    """A registry of one image, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.blobs = {self._digest(data): data for data in (b"config", b"one", b"two", b"three")}
        config, *layers = self.blobs
        self.manifest = json.dumps(
            {"config": {"digest": config}, "layers": [{"digest": layer} for layer in layers]}
        ).encode()

    @staticmethod
    def _digest(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if "Authorization" not in request.headers:
            return httpx.Response(401)
        name = request.url.path.rpartition("/")[2]
        if "/blobs/" in request.url.path:
            return httpx.Response(200, stream=httpx.ByteStream(self.blobs[name]))
        digest = self._digest(self.manifest)
        assert request.headers["Accept"] == MANIFEST
        return httpx.Response(200, content=self.manifest, headers={"Docker-Content-Digest": digest})


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def client(registry: Registry) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(registry)
    with httpx.Client(base_url="https://r", transport=transport, auth=("u", "p")) as client:
        yield client


def test_a_server_pulls_as_docker_does(registry: Registry, client: httpx.Client) -> None:
    assert pull(client, "a/b:1") == len(b"config" + b"one" + b"two" + b"three")
    assert registry.asked[:2] == ["GET /v2/", "HEAD /v2/a/b/manifests/1"]
    assert sorted(registry.asked[3:]) == sorted(
        f"GET /v2/a/b/blobs/{one}" for one in registry.blobs
    )


def test_a_layer_that_is_another_is_noticed(registry: Registry, client: httpx.Client) -> None:
    registry.blobs[list(registry.blobs)[2]] = b"other"
    with pytest.raises(LocalCloudError, match="Asked for sha256:"):
        pull(client, "a/b:1")
