"""wharf capacity: its output, and its errors of one line."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from modules.settings.rules import Within
from modules.settings.settings import Settings
from scripts.capacity.capacity_command import MOST_CACHE, capacity
from scripts.capacity.figures import Figures
from scripts.capacity.model import MOST_HOSTS

QUESTION = ("--servers", "500", "--image-size", "2GB", "--within", "60s")


def ask(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(capacity, arguments)


def answer(*arguments: str) -> Any:
    done = ask(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_the_output_has_each_line() -> None:
    done = ask(*QUESTION)
    assert done.exit_code == 0, done.output
    for name in ("Delivery", "Hosts", "Time", "Limit", "S3 reads", "S3 writes", "Storm", "Month"):
        assert f"\n{name} " in f"\n{done.output}"
    assert "Otherwise" in done.output


def test_the_plan_is_the_cheapest_that_is_in_time() -> None:
    found = answer(*QUESTION)
    plans = [found["plan"], *found["others"]]
    assert all(plan["prediction"]["seconds"] <= 60 for plan in plans)
    months = [plan["cost"]["hosts_a_month"] for plan in plans]
    assert months == sorted(months)


@pytest.mark.parametrize("name", ["c7gn.xlarge", "c6in.4xlarge"])
def test_of_all_types_the_cheapest_is_taken(name: str) -> None:
    chosen = answer(*QUESTION, "--delivery", "cache")["plan"]["cost"]["hosts_a_month"]
    other = answer(*QUESTION, "--delivery", "cache", "--instance-type", name)["plan"]
    assert chosen < other["cost"]["hosts_a_month"]


def test_delivery_and_type_can_be_chosen() -> None:
    found = answer(*QUESTION, "--delivery", "cache", "--instance-type", "c7gn.xlarge")
    assert found["others"] == []
    assert found["plan"]["delivery"] == "cache"
    assert found["plan"]["instance_type"] == "c7gn.xlarge"


def test_with_hosts_the_time_is_answered() -> None:
    chosen = ("--servers", "10", "--image-size", "1GB", "--delivery", "cache")
    few, more = (
        answer(*chosen, "--instance-type", "t3.medium", "--hosts", hosts) for hosts in ("1", "2")
    )
    assert few["plan"]["hosts"] == 1
    assert more["plan"]["prediction"]["seconds"] < few["plan"]["prediction"]["seconds"]


def test_a_server_that_downloads_slowly_takes_its_time() -> None:
    found = answer(
        *("--servers", "2", "--image-size", "100MB", "--hosts", "1", "--delivery", "cache"),
        *("--server-rate", "1MB/s"),
    )
    assert found["plan"]["prediction"]["seconds"] >= 100
    assert found["plan"]["prediction"]["limit"] == "download of each server"


def test_the_output_has_the_simulation() -> None:
    found = answer("--servers", "20", "--image-size", "1GB", "--within", "60s", "--simulate")
    assert found["simulated"]["seconds"] == pytest.approx(
        found["plan"]["prediction"]["seconds"], rel=0.25
    )


def test_more_than_s3_promises_is_warned_of() -> None:
    chosen = ("--image-size", "2GB", "--hosts", "4", "--instance-type", "t4g.medium")
    many, few = (ask("--servers", servers, *chosen) for servers in ("2000", "200"))
    peak = re.search(r"S3 reads   up to (\d+)/s of 5500/s for one prefix", many.output)
    assert peak
    assert int(peak[1]) > 5500
    assert "Warning    S3 may refuse (503) requests above its limit" in many.output
    assert "Warning" not in few.output


LARGE_LAYER = ("--image-size", "60GB", "--layers", "1")


@pytest.mark.parametrize(
    "image", [LARGE_LAYER, ("--image-size", "20GB", "--layers", "100")], ids=["layer", "image"]
)
def test_what_hosts_do_not_keep_is_not_planned_with_cache(image: tuple[str, ...]) -> None:
    question = ("--servers", "500", *image, "--within", "2h")
    refused = ask(*question, "--delivery", "cache")
    assert refused.exit_code == 2
    found = answer(*question)
    needed = found["cache_size"]["needed"]
    last = refused.output.splitlines()[-1]
    assert "Error: Invalid value for --delivery: cache with --cache-size 15: hosts do not" in last
    assert f"take --cache-size {needed} (volume_size" in last
    assert "cache" not in {plan["delivery"] for plan in [found["plan"], *found["others"]]}
    assert f"which takes {needed}: cache is left out" in " ".join(ask(*question).output.split())
    enough = answer(*question, "--delivery", "cache", "--cache-size", str(needed))
    assert enough["plan"]["delivery"] == "cache"


def test_no_cache_is_large_enough_for_some_images() -> None:
    image = ("--image-size", "6000GB", "--layers", "1")
    refused = ask("--servers", "1", *image, "--hosts", "1", "--delivery", "cache")
    assert refused.output.endswith("the image all of it; take --delivery proxy\n")


def test_own_prices(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    # With the byte order mark that some editors write.
    own.write_text('[instance_hour]\n"t3.medium" = 100.0\n', encoding="utf-8-sig")
    chosen = (
        "--servers",
        "5",
        "--image-size",
        "1GB",
        "--hosts",
        "1",
        "--instance-type",
        "t3.medium",
    )
    assert answer(*chosen, "--prices", str(own))["plan"]["cost"]["hosts_a_month"] == 73_000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--image-size", "two"), "'two' is not a positive size; write 2GB or 500MiB"),
        (("--image-size", "-1GB"), "'-1GB' is not a positive size"),
        (("--image-size", "0"), "'0' is not a positive size"),
        (("--within", "soon"), "'soon' is not a positive time; write 60s or 2m"),
        (("--within", "9" * 400), "is not a positive time"),
        (("--server-rate", "fast"), "'fast' is not a positive rate; write 25MB/s"),
        (("--servers", "0"), "--servers"),
        (
            ("--instance-type", "x9.large"),
            "x9.large is unknown or has no price; known are t3.medium",
        ),
        (("--hosts", "3"), "give either --within (how many hosts?) or --hosts (how long?)"),
        (("--within", "1s"), "--within 1s: 100 hosts, the maximum, take"),
        (("--prices", "README.md"), "README.md: it cannot be read as TOML"),
        (("--cache-size", "0"), "--cache-size"),
    ],
)
def test_what_it_cannot_answer_is_one_line(changed: tuple[str, str], said: str) -> None:
    done = ask(*QUESTION, *changed)
    assert done.exit_code != 0
    (line,) = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert said in line
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3_get = -1", "s3_get = -1: it must be greater than or equal to 0"),
        ("gets = 1", "gets: unknown; known are region, as_of, s3_get"),
        ("instance_hour = 3", "instance_hour = 3: it must be a valid dictionary"),
        ("s3_get = inf", "s3_get = inf: it must be a finite number"),
        ("zone_traffic = nan", "zone_traffic = nan: it must be"),
        (
            '[instance_hour]\n"t3.medium" = inf',
            "instance_hour.t3.medium = inf: it must be a finite number",
        ),
        (
            '[instance_hour]\n"x9.large" = 1.0',
            "instance_hour.x9.large = 1.0: unknown type; remove the price",
        ),
    ],
)
def test_invalid_prices_are_one_line(text: str, said: str, tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text)
    done = ask(*QUESTION, "--prices", str(own))
    assert done.exit_code == 1
    assert said in done.output.splitlines()[-1]


def test_a_simulation_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "scripts.capacity.simulation", raising=False)
    monkeypatch.setitem(sys.modules, "simpy", None)
    assert ask(*QUESTION).exit_code == 0
    done = ask(*QUESTION, "--simulate")
    assert done.exit_code == 1
    assert "Error: --simulate: SimPy is not installed; install" in done.output


@pytest.mark.parametrize(
    ("setting", "maximum"), [("cache_size", MOST_CACHE), ("maximum_hosts", MOST_HOSTS)]
)
def test_the_limits_are_those_of_the_settings(setting: str, maximum: int) -> None:
    rules = Settings.model_fields[setting].metadata
    assert [rule.high for rule in rules if isinstance(rule, Within)] == [maximum]


def test_a_storm_without_cost_has_no_list_of_costs() -> None:
    done = ask(
        "--servers", "1", "--image-size", "1MB", "--hosts", "1", "--instance-type", "t4g.medium"
    )
    (line,) = [line for line in done.output.splitlines() if line.startswith("Storm")]
    assert line.split() == ["Storm", "$0.00"]


def test_cpu_seconds_of_a_gb_are_those_of_the_benchmarks() -> None:
    page = Path("docs/benchmarks.md").read_text().partition("## With distribution 3.1.1")[2]
    table = page.partition("The last column")[0]
    hosts = {name: float(cpu) for name, cpu in re.findall(r"\| (\w+) \| \d+ \| ([\d.]+) \|", table)}
    # Of 20 MB each, by the benchmark.
    layers = 50
    assert Figures.read().gb_cpu == {
        "cache": round(hosts["cache"], 2),
        "proxy": round(hosts["proxy"] - layers * Figures.read().layer["proxy"].cpu, 2),
        "redirect": 0,
    }
