"""Rules for tags: what they say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage.retention import Rule, Rules, idle_patterns, judge
from scripts.registry_storage.snapshot import Repository, Tag

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def repository(**ages: int) -> Repository:
    """Return a repository of tags, pushed so many days ago."""
    tags = {name.replace("_", "."): Tag(NOW - days * DAY) for name, days in ages.items()}
    return Repository("team/app", tags=tags)


def removed(repository: Repository, *rules: Rule, protected: tuple[str, ...] = ()) -> set[str]:
    chosen = Rules(protected=list(protected), rule=list(rules))
    verdicts = judge({repository.name: repository}, chosen, NOW)
    return {verdict.tag for verdict in verdicts if verdict.action == "remove"}


def test_the_newest_stay() -> None:
    rule = Rule(repositories=["*"], keep_newest=2)
    assert removed(repository(a=1, b=2, c=3, d=4), rule) == {"c", "d"}


def test_the_young_stay() -> None:
    rule = Rule(repositories=["*"], keep_younger_than=3 * DAY)
    assert removed(repository(a=1, b=2, c=3, d=4), rule) == {"c", "d"}


def test_either_is_enough_to_stay() -> None:
    rule = Rule(repositories=["*"], keep_newest=1, keep_younger_than=3 * DAY)
    assert removed(repository(a=5, b=6), rule) == {"b"}
    assert removed(repository(a=1, b=2, c=9), rule) == {"c"}


def test_who_is_as_new_as_the_last_that_stays_stays() -> None:
    rule = Rule(repositories=["*"], keep_newest=1)
    assert removed(repository(a=1, b=1, c=2), rule) == {"c"}


def test_the_protected_stay_and_do_not_count() -> None:
    rule = Rule(repositories=["*"], keep_newest=1)
    found = removed(repository(latest=0, v1_0=9, a=1, b=2), rule, protected=("latest", "v*"))
    assert found == {"b"}


def test_the_first_rule_that_matches_decides() -> None:
    first = Rule(repositories=["team/*"], tags=["build-*"], keep_newest=0)
    second = Rule(repositories=["*"], keep_younger_than=3 * DAY)
    found = removed(
        Repository(
            "team/app", tags={"build-1": Tag(NOW), "other": Tag(NOW), "old": Tag(NOW - 5 * DAY)}
        ),
        first,
        second,
    )
    assert found == {"build-1", "old"}


def test_what_no_rule_matches_stays() -> None:
    assert not removed(repository(a=900), Rule(repositories=["other"], keep_newest=0))
    assert not removed(repository(a=900), Rule(repositories=["*"], tags=["b*"], keep_newest=0))


def test_a_signature_stays_as_long_as_what_it_signs() -> None:
    rule = Rule(repositories=["*"], keep_newest=0)
    tag = f"sha256-{'a' * 64}.sig"
    signed = Repository("one", revisions={f"sha256:{'a' * 64}": NOW}, tags={tag: Tag(NOW)})
    assert removed(signed, rule) == set()
    assert removed(Repository("one", tags={tag: Tag(NOW)}), rule) == {tag}


TAGS = st.dictionaries(
    st.from_regex(r"[a-c][0-9]", fullmatch=True), st.integers(0, 20), max_size=12
)


@given(
    ages=TAGS,
    newest=st.none() | st.integers(0, 5),
    days=st.none() | st.integers(0, 10),
    protected=st.sets(st.sampled_from("abc")),
)
def test_nothing_goes_that_a_rule_keeps_and_all_else_does(
    ages: dict[str, int], newest: int | None, days: int | None, protected: set[str]
) -> None:
    if newest is None and days is None:
        newest = 1
    rule = Rule(
        repositories=["*"],
        tags=["a*", "b*"],
        keep_newest=newest,
        keep_younger_than=None if days is None else days * DAY,
    )
    found = removed(repository(**ages), rule, protected=tuple(f"{name}*" for name in protected))
    candidates = {tag for tag in ages if tag[0] in "ab" and tag[0] not in protected}
    assert found <= candidates
    for tag in candidates:
        newer = sum(ages[other] < ages[tag] for other in candidates)
        kept = newer < (newest or 0) or (days is not None and ages[tag] < days)
        assert (tag in found) != kept


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        'protect = ["latest"]\n'
        '[[rule]]\nrepositories = ["*"]\n'
        "[[rule]]\nrepositories = []\nkeep_newest = -1\n"
        '[[rule]]\nrepositories = ["*"]\nkeep_younger_than = "a month"\nnewest = 3\n'
        "[[rule]]\nkeep_newest = 1\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        Rules.from_file(file)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    told = [line.removeprefix(f"{file}: ") for line in lines]
    assert "protect: unknown; known are protected, rule" in told
    assert (
        "rule.1: keep_newest or keep_younger_than is missing: "
        "set either (keep_newest = 0 removes all matching tags)" in told
    )
    assert "rule.2.keep_newest = -1: it must be greater than or equal to 0" in told
    assert (
        "rule.3.keep_younger_than = 'a month': "
        "must be a whole number and d, h, m or s, such as 30d" in told
    )
    unknown = "repositories, tags, keep_newest, keep_younger_than"
    assert f"rule.3.newest: unknown; known are {unknown}" in told
    assert "rule.4.repositories: it is missing: add it" in told


ODD = ["^v.*$", "{latest,stable}", "team/a:latest", "v1|v2", "team/a", "v 1", "v1\\.0", "(a)", "ü"]


@pytest.mark.parametrize("pattern", ODD)
def test_a_pattern_that_no_tag_can_match_is_refused(tmp_path: Path, pattern: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        f"protected = ['v*', '{pattern}']\n[[rule]]\nrepositories = ['*']\nkeep_newest = 1\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        Rules.from_file(file)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}: protected.2 = {pattern!r}: no tag has '")
    assert line.endswith("such as v*, and one entry of the list for each")


def test_a_pattern_that_no_repository_can_match_is_refused() -> None:
    for pattern in ("team/A", "team/a:1", "^team"):
        with pytest.raises(ValidationError, match="no repository has '"):
            Rule(repositories=[pattern], keep_newest=1)
    assert Rule(repositories=["team/*", "[!a]?_b.c-d/**"], tags=["V[0-9]_*.?-x"], keep_newest=1)


def test_patterns_that_match_nothing_are_told_of() -> None:
    rules = Rules(
        protected=["latest", "v1*", "V*"],
        rule=[
            Rule(repositories=["team/*", "other"], tags=["a*", "b"], keep_newest=1),
            Rule(repositories=["none"], tags=["x"], keep_newest=1),
        ],
    )
    found = repository(latest=1, v1_0=2, a=3)
    assert list(idle_patterns({found.name: found}, rules)) == [
        "protected = 'V*': matches no tag",
        "rule.1.repositories = 'other': matches no repository",
        "rule.1.tags = 'b': matches no tag of these repositories",
        "rule.2.repositories = 'none': matches no repository",
    ]


def test_a_file_that_is_not_toml_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[[rule]")
    with pytest.raises(ConfigurationError, match=r"rules.toml: it cannot be read as TOML"):
        Rules.from_file(file)


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "retention.toml"
    file.write_bytes(b'\xef\xbb\xbf[[rule]]\nrepositories = ["*"]\nkeep_newest = 1\n')
    assert Rules.from_file(file).rule[0].keep_newest == 1
