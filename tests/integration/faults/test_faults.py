"""Choice of faults by a seed; a run fails if any check fails."""

import random
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from integration.faults.fault_trials import RECOVERY, each_fault_once, random_trial
from integration.faults.faults import FAULTS, UPSTREAM_FAULTS, all_faults
from integration.faults.faults_command import main
from integration.faults.figures import Figures

PAGE = Path(__file__).resolve().parents[3] / "docs/faults.md"


def test_a_seed_repeats_the_choices() -> None:
    first, second = random.Random(7), random.Random(7)  # noqa: S311
    assert [random_trial(first, 2) for _ in range(20)] == [
        random_trial(second, 2) for _ in range(20)
    ]


def test_faults_at_the_same_time_are_different_ones_on_different_hosts() -> None:
    source = random.Random(1)  # noqa: S311
    for _ in range(100):
        faults = random_trial(source, 2).faults
        names, hosts = zip(*faults, strict=True)
        assert len(set(names)) == len(set(hosts)) == len(faults)


def test_each_fault_has_its_turn() -> None:
    names = [trial.faults[0][0] for trial in each_fault_once(2, all_faults(Mock()))]
    # Of the AWS API last: other faults of a trial may call it to begin.
    assert names == [*list(FAULTS)[:-1], *UPSTREAM_FAULTS, list(FAULTS)[-1]]
    assert names[-1] == "emulator restarted"


def test_the_page_has_every_fault() -> None:
    table = PAGE.read_text().partition("| Fault |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert {name for row in rows for name in row.split(", ")} == {*FAULTS, *UPSTREAM_FAULTS}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lost_or_corrupt": 1},
        {"failed_operations": 1},
        {"worst_recovery_s": RECOVERY + 1},
        {"complaints": ["a host does not serve"]},
    ],
)
def test_a_run_fails_if_anything_is_not_as_it_must_be(wrong: dict[str, object]) -> None:
    good = {"seed": 1, "minutes": 1, "acknowledged_pushes": 9, "trials": 3}
    assert Figures.model_validate(good).holds
    assert not Figures.model_validate({**good, **wrong}).holds


def test_a_run_without_a_confirmed_push_proves_nothing() -> None:
    assert not Figures(seed=1, minutes=1, trials=3).holds


@pytest.mark.parametrize("given", ["nan", "inf", "0", "many"])
def test_what_is_no_time_is_refused(given: str) -> None:
    result = CliRunner().invoke(main, ["--minutes", given])
    assert result.exit_code == 2
    assert "Invalid value for '--minutes': " in result.stderr
