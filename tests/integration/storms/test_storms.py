"""Results of storms: requests by kind, parameters of the model, and the page."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from integration.bench.measurements import Machine
from integration.storms import storms_command
from integration.storms.capacity_page import QUESTIONS, ask, write
from integration.storms.simulations import CASES, simulate
from integration.storms.storm_results import Measured, Parameters, Part, Results, Simulated
from integration.storms.storm_rounds import NUMBERS
from integration.storms.storms_command import storms
from scripts.capacity.figures import DELIVERIES, Delivery, Requests

pytestmark = pytest.mark.slow

RATE = 10_000_000
PARAMETERS = Parameters(
    rate=RATE,
    server_rate=None,
    fetch_rate=80_000_000,
    seconds_of_request=0.005,
    pull=Requests(cpu=0.02, get=6, list=8, steps=14),
    layer=Requests(cpu=0.008, get=3, list=4, steps=7),
    cores=2,
)
MACHINE = Machine(processor="p", cores=2, memory_gb=8, kernel="6", versions={"podman": "podman 4"})
FAR = Simulated(
    servers=500,
    image_gb=2,
    layers=10,
    delivery="cache",
    instance_type="c6in.xlarge",
    hosts=38,
    formula=60,
    simulation=40,
    formula_peak=4930,
    simulation_peak=5216,
)


def silent(_: str) -> None:
    """Report nothing."""


def measured(
    delivery: Delivery,
    hosts: int,
    *ends: float,
    parameters: Parameters = PARAMETERS,
    busy: float = 0.5,
) -> Part:
    """Return storms with so many hosts, one a round, by the time of the last server."""
    storms = [
        Measured(hosts=hosts, seconds=[end / 2, end / 2, end], busy=busy, s3_reads=1234)
        for end in ends
    ]
    return Part(
        delivery=delivery,
        registry="3.1.1",
        started="2026-11-25 01:00 UTC",
        seconds=600,
        machine=MACHINE,
        parameters=parameters,
        storms=storms,
    )


@pytest.fixture
def results() -> Results:
    """Return ten servers and 40 MB; hosts send 10 MB/s, servers take 2 MB/s with redirect."""
    cache = measured("cache", 1, 44, 46, 42)
    cache.storms += measured("cache", 2, 22, 23, 21).storms
    cache.storms += measured("cache", 4, 11, 11.5, 10.5).storms
    slow = PARAMETERS.model_copy(update={"server_rate": 2_000_000})
    return Results(
        servers=10,
        layers=[20_000_000, 20_000_000],
        parts=[
            cache,
            measured("proxy", 2, 22, 23, 24),
            measured("redirect", 1, 20, 21, 22, parameters=slow),
        ],
    )


def test_the_model_is_given_what_was_measured(results: Results) -> None:
    """400 MB through one host, two and four at 10 MB/s each, or 40 MB to each server at 2 MB/s."""
    model = {(row.delivery, row.hosts): row.model for row in results.comparisons}
    seconds = {of: predicted.seconds for of, predicted in model.items()}
    assert 40 < seconds["cache", 1] < 46
    assert 10 < seconds["cache", 4] < 13
    assert 20 < seconds["proxy", 2] < 24
    assert 20 < seconds["redirect", 1] < 22
    # With proxy every server's request for a layer is a question, and S3 gives each the bytes.
    reads = model["proxy", 2].gets + model["proxy", 2].lists
    assert reads == 10 * (14 + 2 * (7 + 1))


def test_a_storm_is_so_much_longer_than_the_model_as_the_median_of_its_rounds(
    results: Results,
) -> None:
    row = next(
        comparison
        for comparison in results.comparisons
        if (comparison.delivery, comparison.hosts) == ("cache", 2)
    )
    assert row.last == [22, 23, 21]
    assert row.difference == pytest.approx(22 / row.model.seconds - 1)
    assert results.parts[0].rounds == 3


def test_every_way_to_deliver_layers_is_measured() -> None:
    assert set(NUMBERS) == set(DELIVERIES)
    assert NUMBERS["cache"] == (1, 2, 4)


def test_results_of_another_registry_stay(results: Results) -> None:
    older = measured("proxy", 2, 23, 23, 23).model_copy(update={"registry": "2.8.3"})
    results.put(older)
    results.put(measured("proxy", 2, 24, 24, 24))
    of_proxy = [row for row in results.comparisons if row.delivery == "proxy"]
    assert [(row.registry, row.last[0]) for row in of_proxy] == [("2.8.3", 23), ("3.1.1", 24)]


def test_storms_that_are_near_the_model_have_no_fault(results: Results) -> None:
    assert results.faults() == []


@pytest.mark.parametrize("end", [34, 16])
def test_a_storm_that_is_far_from_the_model_is_named(results: Results, end: float) -> None:
    results.put(measured("proxy", 2, end, end, 22))
    results.simulations = [FAR]
    (storm, simulated) = results.faults()
    assert re.fullmatch(r"proxy with 2 hosts, distribution 3.1.1 \([+-]\d\d%\)", storm)
    assert simulated == "simulated: 500 servers, cache, 38 x c6in.xlarge (+50%)"


def test_a_storm_does_not_count_while_the_machine_itself_is_the_limit(results: Results) -> None:
    busy = measured("proxy", 2, 34, 34, 34, busy=0.97)
    results.put(busy)
    assert results.faults() == []
    results.parts = [busy]
    assert results.faults() == ["in every storm the machine was busy to more than 90%"]


def storms_program(results: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run the program with results that were measured before."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(storms_command, "SERVERS", results.servers)
    monkeypatch.setattr(storms_command, "LAYERS", results.layers)
    for name in ("build", "docs"):
        Path(name).mkdir()
    Path("build/storms.json").write_text(results.model_dump_json())
    return CliRunner().invoke(storms, ["--pages"])


def test_the_program_fails_when_a_storm_is_far_from_the_model(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.simulations = simulate(silent, CASES[:1])
    for storm in results.parts[0].storms[-2:]:
        storm.seconds[-1] = 50
    done = storms_program(results, tmp_path, monkeypatch)
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert line.startswith(
        "Error: not within 20% of the model: cache with 4 hosts, distribution 3.1.1 (+3"
    )
    assert "does nothing else" in line
    assert Path("docs/capacity.md").exists()


def test_the_program_is_content_with_storms_that_are_near_or_do_not_count(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.simulations = simulate(silent, CASES[:1])
    results.put(measured("proxy", 2, 34, 34, 34, busy=0.97))
    done = storms_program(results, tmp_path, monkeypatch)
    assert done.exit_code == 0, done.output
    assert (
        "proxy with 2 hosts, distribution 3.1.1 does not count: the machine was busy to 97%"
        in done.output
    )
    assert "% (does not count)" in Path("docs/capacity.md").read_text()


@pytest.mark.parametrize(
    "content",
    ['{"storms": []}', Results(servers=1, layers=[1]).model_dump_json()],
    ids=["other fields", "another image"],
)
def test_results_of_another_version_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()
    Path("build/storms.json").write_text(content)
    done = CliRunner().invoke(storms, ["--pages"])
    assert done.exit_code == 2
    assert "storms.json is of another version; measure all with `wharf storms`" in done.output


def test_the_page_has_every_storm_and_every_answer(results: Results, tmp_path: Path) -> None:
    results.simulations = simulate(silent, CASES[:1])
    write(results, tmp_path)
    text = (tmp_path / "capacity.md").read_text()
    assert "| 3.1.1 | cache | 2 | 22.0, 23.0, 21.0 | 22.0 |" in text
    assert "each server takes no more than 2 MB/s" in text
    for question in QUESTIONS.values():
        assert question in text
        assert ask(question).splitlines()[1].strip() in text
    for plot in ("storms", "simulation", "hosts"):
        assert f"(capacity-{plot}.svg)" in text
        assert (tmp_path / f"capacity-{plot}.svg").read_text().startswith("<?xml")


def test_the_page_shows_what_is_really_printed() -> None:
    text = Path("docs/capacity.md").read_text()
    for question in QUESTIONS.values():
        lines = ask(question).splitlines()
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
