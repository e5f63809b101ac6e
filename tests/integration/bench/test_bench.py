"""Results of the benchmark's rounds: ratios, and pages that show them."""

import pytest

from integration.bench.bench_page import document, page
from integration.bench.comparisons import without_password
from integration.bench.goals import GOALS
from integration.bench.measurements import Round, Runs, memory, merge, ratios
from integration.bench.workloads import turned
from integration.local.registry import REPOSITORY
from tests.support.bench_sample import sample_results, sample_round, sample_runs


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    rounds = [sample_round(), sample_round(faster=2), sample_round(faster=1.5)]
    assert ratios(rounds)["cache_to_static"] == pytest.approx(0.9 * 1.5)


def test_the_ratios_of_a_round() -> None:
    assert ratios([sample_round()]) == pytest.approx(
        {
            "warm_layer_s3_steps": 1,
            "cold_layer_s3_requests": 3,
            "manifest_tag_s3_steps": 2,
            "manifest_digest_s3_steps": 1,
            "tags_s3_requests": 1,
            "catalog_s3_requests": 0.001,
            "storm_s3_growth": 1.2,
            "storm_s3_growth_kept": 1.1,
            "small_image_to_registry_tls": 0.3,
            "small_image_cold_to_registry_tls": 0.5,
            "ranges_to_whole": 1.5,
            "ranges_s3_bytes": 1.0,
            "tail_range_to_proxy": 0.5,
            "cache_to_static": 0.9,
            "cache_to_registry_tls": 2.0,
            "cache_cpu_to_registry_tls": 0.5,
            "redirect_cpu_to_registry_tls": 0.01,
            "cold_fetches_per_host": 1,
            "auth_to_open": 0.95,
            "flood_to_quiet": 0.9,
            "flood_slowest_health_ms": 40,
            "proof_auth_to_open": 0.93,
            "proof_flood_to_quiet": 0.9,
            "push_to_direct": 0.98,
            "nginx_memory_100_to_1": 1.05,
        }
    )


def test_every_goal_is_about_a_ratio() -> None:
    assert [goal.name for goal in GOALS] == list(ratios([sample_round()]))


def test_a_workload_that_was_left_out_has_no_ratio() -> None:
    assert ratios([Round(cold_fetches=[1, 2])]) == {"cold_fetches_per_host": 2}


def test_memory_is_told_by_mode_and_size() -> None:
    assert memory([sample_round()])["proxy"] == {"1": 200.0, "100": 210.0}
    assert memory([Round()]) == {}


def test_a_goal_on_its_bound() -> None:
    reached = {goal.name: goal.reached(goal.bound) for goal in GOALS}
    assert {name for name, is_so in reached.items() if not is_so} == {"flood_slowest_health_ms"}


def test_each_variant_is_first_in_its_turn() -> None:
    assert [turned("abc", turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert sorted(turned("abc", 2)) == ["a", "b", "c"]


def test_the_table_says_what_was_missed() -> None:
    lines = document(sample_runs(sample_round(faster=0.5))).splitlines()
    (row,) = (line for line in lines if "| `cache_to_static` |" in line)
    assert row.endswith("| `cache_to_static` | >= 0.95 | **0.45** |")
    (row,) = (line for line in lines if "| `push_to_direct` |" in line)
    assert row.endswith("| >= 0.97 | 0.98 |")


def test_tables_are_whole() -> None:
    """Expect no blank line inside a table, where it would end the table."""
    lines = document(sample_runs(sample_round())).splitlines()
    gaps = [
        i
        for i in range(1, len(lines) - 1)
        if not lines[i] and lines[i - 1].startswith("|") and lines[i + 1].startswith("|")
    ]
    assert gaps == []


def test_each_version_of_the_registry_has_a_column() -> None:
    old, new = sample_results(sample_round()), sample_results(Round(cold_fetches=[1.5]))
    lines = document(Runs({"2.8.3": old, "3.1.1": new})).splitlines()
    assert "| Workload | Figure | Name | Goal | 2.8.3 | 3.1.1 |" in lines
    (row,) = (line for line in lines if "| `cold_fetches_per_host` |" in line)
    assert row.endswith("| <= 1.01 | 1 | **1.5** |")
    (row,) = (line for line in lines if "| `push_to_direct` |" in line)
    assert row.endswith("| 0.98 | not measured |")


def test_a_workload_that_was_measured_again_replaces_its_rounds_only() -> None:
    earlier = [sample_round(), sample_round()]
    merged = merge(earlier, [Round(cold_fetches=[2])])
    assert [round_.cold_fetches for round_ in merged] == [[2], None]
    assert [round_.pull for round_ in merged] == [round_.pull for round_ in earlier]


def test_the_page_needs_nothing_else() -> None:
    text = page(sample_runs(sample_round(), sample_round(faster=2)))
    assert text.count("<svg") == 3
    assert "src=" not in text


def test_a_page_of_one_workload() -> None:
    results = sample_runs(Round(cold_fetches=[1, 1]))
    assert page(results).count("<svg") == 1
    assert "cold_fetches_per_host" in document(results)


def test_only_the_password_goes() -> None:
    before = (REPOSITORY / "nginx-proxy" / "nginx.conf").read_text()
    after = without_password(before)
    gone = set(before.splitlines()) - set(after.splitlines())
    assert {line.strip() for line in gone} == {'require("wharf.authentication").check()'}


def test_a_configuration_that_checks_elsewhere_is_told() -> None:
    with pytest.raises(ValueError, match="in 0 places"):
        without_password("http {}")
