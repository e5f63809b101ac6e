"""The list of deliberate defects (``make mutants``) keeps up with the files that it changes."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from integration.mutants.defect_trials import Ended, Trial, Trials
from integration.mutants.defects import BRINGING_UP, REPOSITORY, Defect, DefectError

DEFECTS = Defect.all()
#: What the failure of any assertion may say.
OF_ANY = {"assert", "not", "it", "is", "True", "False", "None"}
of_each = pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)


def test_there_are_enough_under_a_name_each() -> None:
    names = Counter(defect.name for defect in DEFECTS)
    assert len(names) >= 25
    assert set(names.values()) == {1}


@of_each
def test_it_applies(defect: Defect) -> None:
    file = REPOSITORY / defect.file
    text = file.read_text()
    changed = defect.applied(text)
    assert changed != text
    if file.suffix == ".py":
        ast.parse(changed)  # or anything would catch it


@of_each
def test_the_test_that_catches_it_is_there(defect: Defect) -> None:
    if defect.caught_by != BRINGING_UP:
        file, _, test = defect.caught_by.partition("::")
        text = (REPOSITORY / file).read_text()
        assert f"def {test.partition('[')[0]}(" in text


@of_each
def test_what_its_test_says_is_not_what_any_failure_says(defect: Defect) -> None:
    # "assert False" has no word of its own, and the mere name of an exception is one.
    assert len(set(re.findall(r"\w+|\[\]", defect.says)) - OF_ANY) >= 2, defect.says


@pytest.mark.parametrize(("text", "times"), [("other", 0), ("old and old", 2)])
def test_one_that_no_longer_applies_is_told(text: str, times: int) -> None:
    defect = Defect(
        kind="stack", name="rotten", file="f.py", old="old", new="new",
        caught_by=BRINGING_UP, says="it", why="a test",
    )  # fmt: skip
    told = f"Defect rotten: its old text is in f.py {times} times, not once"
    with pytest.raises(DefectError, match=told):
        defect.applied(text)


def test_a_table_that_is_wrong_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration.mutants.defects.TABLES", tmp_path)
    monkeypatch.setattr("integration.mutants.defects.REPOSITORY", tmp_path)
    monkeypatch.setattr("integration.mutants.defects.KINDS", ["proxy"])
    (tmp_path / "proxy.toml").write_text('[[defect]]\nname = "nothing else"\n')
    with pytest.raises(
        DefectError, match=r"proxy\.toml: defect\.1\.caught_by: it is missing: add it"
    ):
        Defect.all()


@pytest.mark.parametrize(
    ("roll_outs", "caught"),
    [
        ([Ended(1, "so it says")], True),
        ([Ended(1, "the disk is full"), Ended(1, "so it says")], True),
        ([Ended(1, "the disk is full"), Ended(0, "")], False),
        ([Ended(None, "too slow"), Ended(1, "the disk is full")], False),
        ([Ended(0, "")], False),
    ],
)
def test_a_roll_out_that_fails_for_another_reason_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roll_outs: list[Ended], caught: bool
) -> None:
    assert tried(tmp_path, monkeypatch, BRINGING_UP, roll_outs).caught is caught
    assert (tmp_path / "tree" / "f.py").read_text() == "old"


@pytest.mark.parametrize(
    "programs",
    [
        [Ended(1, "so it says"), Ended(1, "so it says")],
        [Ended(1, "the disk is full"), Ended(None, "so it says")],
        [Ended(0, ""), Ended(1, "so it says")],  # no test of this pytest's has failed
        [Ended(0, ""), Ended(None, "so it says")],
        [Ended(0, ""), Ended(0, "so it says")],
    ],
)
def test_only_the_test_itself_catches_what_it_has_to_catch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: list[Ended]
) -> None:
    assert not tried(tmp_path, monkeypatch, "integration/test_f.py::test_f", programs).caught


def tried(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caught_by: str, programs: list[Ended]
) -> Trial:
    """Try a defect, with these ends of the programs that this takes; it takes all of them."""
    ended = iter(programs)
    monkeypatch.setattr("integration.mutants.defect_trials.run", lambda *_: next(ended))
    defect = Defect(
        kind="stack", name="of-the-link", file="f.py", old="old", new="new",
        caught_by=caught_by, says="so it says", why="a test",
    )  # fmt: skip
    (directory / "tree").mkdir()
    (directory / "tree" / "f.py").write_text("old")
    trial = Trials(directory, print).one(defect)
    assert list(ended) == []
    return trial
