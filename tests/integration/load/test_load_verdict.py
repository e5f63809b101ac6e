"""Verdict about a run: thresholds, and the choice of the earlier runs."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from integration.clients.deployment import Deployment
from integration.load import history, verdict
from integration.load import report_plots as plots
from integration.load.load_command import main
from integration.load.loaded_registry import live
from integration.load.locust_processes import Load
from integration.load.run_results import HostSample
from integration.local.errors import LocalCloudError
from tests.support.load_sample import STARTED, sample_figures, sample_run


def failed(judgements: list[verdict.Judgement]) -> list[str]:
    return [str(judgement) for judgement in judgements if not judgement.holds]


def test_a_run_as_it_should_be() -> None:
    assert failed(verdict.judge(sample_run(), [], verdict.load())) == []


def test_a_run_without_a_pull_does_not_pass() -> None:
    run = sample_run()
    del run.figures["PULL image"]
    (line,) = failed(verdict.judge(run, [], verdict.load()))
    assert line == "pulls is 0, not >= 1 (thresholds)"


def test_a_storm_that_a_server_did_not_survive_is_told() -> None:
    """Expect a failure although each pull that succeeded was fast."""
    run, limits = sample_run("storm"), verdict.load()
    run.figures["PULL image"] = sample_figures(500, count=20)
    assert failed(verdict.judge(run, [], limits)) == []
    run.figures["PULL image"] = sample_figures(500, count=19)
    (line,) = failed(verdict.judge(run, [], limits))
    assert line == "servers that have the image is 19, not >= 20 (--users)"


def test_what_came_to_no_end_has_failed() -> None:
    run = sample_run()
    run.figures["PULL unfinished"] = sample_figures(120_000, count=10)
    assert run.unfinished == 10
    (line,) = failed(verdict.judge(run, [], verdict.load()))
    assert line == "failed_percent is 7.143, not <= 0 (thresholds)"


def test_one_failed_pull_is_told() -> None:
    (line,) = failed(verdict.judge(sample_run(failed=1), [], verdict.load()))
    assert line == "failed_percent is 0.7692, not <= 0 (thresholds)"


def test_a_fixed_threshold_is_told() -> None:
    lines = failed(verdict.judge(sample_run(slower=100), [], verdict.load()))
    assert "p50_ms is 5e+04, not <= 3e+04 (thresholds)" in lines


def test_a_regression_is_told_with_both_values() -> None:
    past = [sample_run(started=STARTED - number) for number in range(3)]
    lines = failed(verdict.judge(sample_run(slower=2), past, verdict.load()))
    assert (
        "p95_ms is 2000, not <= 1500 (1.5 times as bad as the median of the last 3 that held)"
        in lines
    )
    assert any(line.startswith("mb_per_s_per_host is 5.417, not >= 7.222") for line in lines)


def test_too_short_a_history_and_other_workloads_tell_nothing() -> None:
    slow, limits = sample_run(slower=2), verdict.load()
    few = [sample_run(started=STARTED - number) for number in range(2)]
    others = [sample_run("production", started=STARTED - number) for number in range(9)]
    assert failed(verdict.judge(slow, [*few, *others], limits)) == []


def test_runs_that_failed_are_no_measure() -> None:
    """Expect a lasting regression to stay one, however often it was reported."""
    good = [sample_run(started=STARTED - 100 - number) for number in range(3)]
    bad = [
        sample_run(started=STARTED - number, slower=2, broken=["p95_ms is 2000"])
        for number in range(20)
    ]
    lines = failed(verdict.judge(sample_run(slower=2), [*good, *bad], verdict.load()))
    assert any(line.startswith("p95_ms is 2000, not <= 1500") for line in lines)


@pytest.mark.parametrize(
    "other",
    [
        {"target": "https://other.example.com"},
        {"users": 21},
        {"scale": 0.03},
        {"images": 21},
        {"workers": 2},
        {"remote_workers": 2},
        {"hosts": 3},
        {"wanted_seconds": 61},
        {"kill_host": None},
        {"scale_out": 20},
    ],
    ids=str,
)
def test_a_run_is_not_compared_with_others(other: dict[str, object]) -> None:
    past = [sample_run(started=STARTED - number) for number in range(3)]
    assert sample_run().kind == past[0].kind
    run = sample_run(slower=2).model_copy(update=other)
    assert failed(verdict.judge(run, past, verdict.load())) == []


def test_a_name_stays_where_the_url_is_new_each_night() -> None:
    first, second = (
        live(Deployment(f"https://{name}.example.com", "ci", "secret"), "nightly", 2, ())
        for name in ("balancer-1", "balancer-2")
    )
    assert first.name == second.name == "nightly"


@pytest.mark.parametrize(
    "arguments", [["--target-name", "nightly"], ["--registry", "https://r", "--target-name", ""]]
)
def test_a_name_without_a_registry_is_refused(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["storm", *arguments])
    assert done.exit_code == 2
    assert f"--target-name {arguments[-1]!r}: give a --registry and a name" in done.output


def test_growing_memory_fails_a_soak() -> None:
    limits = verdict.load()
    steady = (300, 200, 210, 200, 205, 200, 210, 205)
    leaking = (200, 200, 220, 240, 260, 280, 300, 320)
    million = 1_000_000
    good = sample_run("soak", memory=tuple(size * million for size in steady))
    bad = sample_run("soak", memory=tuple(size * million for size in leaking))
    assert failed(verdict.judge(good, [], limits)) == []
    lines = failed(verdict.judge(bad, [], limits))
    assert [line.partition(" is ")[0] for line in lines] == [
        "growth of memory of i-1 in %",
        "growth of memory of i-2 in %",
    ]


def test_a_soak_without_figures_of_growth_does_not_pass() -> None:
    soak = sample_run("soak")
    soak.samples = [HostSample(time=n, host="a", sent_bytes=0, requests=0) for n in range(8)]
    (line,) = failed(verdict.judge(soak, [], verdict.load()))
    assert line == (
        "figures of growth is 0, not >= 1 (growth_percent; it takes a registry on this machine, "
        "without --registry, and more --seconds)"
    )


def test_a_soak_of_a_live_registry_is_refused_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    live = ["soak", "--registry", "https://127.0.0.1:1", "--username", "ci"]
    done = CliRunner().invoke(main, [*live, "--directory", str(tmp_path)])
    assert done.exit_code == 2
    assert "leave --registry out, or give --thresholds without growth_percent" in done.output


def test_a_soak_takes_an_hour_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[float] = []

    def execute(_target: object, load: Load, *_: object) -> None:
        asked.append(load.seconds)
        raise LocalCloudError("seen")

    monkeypatch.setattr("integration.load.load_command.local", lambda *_: nullcontext())
    monkeypatch.setattr("integration.load.load_command.execute", execute)
    for arguments in (["soak"], ["soak", "--seconds", "14400"], ["production"]):
        CliRunner().invoke(main, [*arguments, "--directory", str(tmp_path)])
    assert asked == [3600, 14400, 30]


def test_growth_that_nobody_has_read_is_not_judged() -> None:
    samples = [HostSample(time=n, host="a", sent_bytes=0, requests=0) for n in range(8)]
    assert verdict.growth(samples, "memory_bytes", 1) is None


def test_a_wrong_threshold_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text(verdict.FILE.read_text().replace("failed_percent = 0", "failed_percent = -1"))
    with pytest.raises(LocalCloudError, match=r"thresholds.toml: storm.failed_percent = "):
        verdict.load(file)


def test_kept_runs_come_back_the_oldest_first(tmp_path: Path) -> None:
    for started in (STARTED, STARTED - 100):
        history.keep(sample_run(started=started), tmp_path)
    assert [run.started for run in history.kept(tmp_path)] == [STARTED - 100, STARTED]
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(LocalCloudError, match=r"other.json: not a run of this version"):
        history.kept(tmp_path)


def test_a_run_that_failed_is_marked_among_those_before() -> None:
    runs = [sample_run(), sample_run(slower=2, broken=["p95_ms is 2000"]), sample_run()]
    _, traffic = plots.history(runs).axes
    (marks,) = [line for line in traffic.get_lines() if line.get_marker() == "x"]
    assert marks.get_xdata() == pytest.approx([-1])
