"""Parameters of a load, and its results."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.clients.image_builder import MEGABYTE
from integration.load import costs
from integration.load.execution import HostEvents
from integration.load.locust_processes import Load, distribution
from integration.load.run_results import Event, moments, percentile
from integration.load.sizes import ZB, Sizes, with_top, zipf
from integration.load.watch import sample
from scripts.capacity.figures import Prices
from tests.support.load_sample import STARTED, sample_figures, sample_run

REPOSITORY = Path(__file__).parents[3]
WORKLOADS = REPOSITORY / "integration/load/workloads"


def test_the_mix_of_zb() -> None:
    source = random.Random(1)  # noqa: S311
    drawn = [Sizes(ZB).draw(source) for _ in range(20_000)]
    parts = [drawn.count(size * MEGABYTE) / len(drawn) for size in (1, 10, 100)]
    assert parts == pytest.approx([0.2, 0.7, 0.1], abs=0.01)


def test_popularity_falls_by_rank() -> None:
    parts = zipf(200)
    assert sum(parts) == pytest.approx(1)
    assert parts[0] / parts[9] == pytest.approx(10)


@given(st.lists(st.integers(1000, 10**8), min_size=1, max_size=20))
def test_a_build_changes_4_percent(sizes: list[int]) -> None:
    whole = with_top(sizes, 0.04)
    assert whole[-1] / sum(whole) == pytest.approx(0.04, rel=0.05)


def test_percentiles_of_counted_times() -> None:
    times = {10: 50, 20: 45, 30: 4, 900: 1}
    found = [percentile(times, part) for part in (0.5, 0.95, 0.99, 1)]
    assert found == [10, 20, 30, 900]
    assert percentile({}, 0.5) == 0


@pytest.mark.parametrize(
    ("events", "rate"),
    [
        ([], 10),
        # The third host was there for half of the minute.
        ([(30, 1)], 8),
        ([(15, -1), (45, 1)], 13.333),
        ([(-5, 1), (90, 1)], 6.667),
    ],
    ids=["two hosts", "one more", "one killed and replaced", "before and after"],
)
def test_throughput_is_for_each_second_of_a_host(
    events: list[tuple[float, int]], rate: float
) -> None:
    run = sample_run()
    run.figures = {"PULL image": sample_figures(500, count=120)}
    run.events = [Event(time=STARTED + at, description="", hosts=hosts) for at, hosts in events]
    assert run.mb_per_s_per_host == pytest.approx(rate, rel=0.001)


def test_events_on_hosts_have_the_change_of_their_number() -> None:
    cloud = MagicMock()
    group = {"AutoScalingGroupName": "wharf", "DesiredCapacity": 2}
    client = cloud.session.client.return_value
    client.describe_auto_scaling_groups.return_value = {"AutoScalingGroups": [group]}
    host_events = HostEvents(kill=1, scale_out=2)
    for second in range(4):
        host_events.start_due(second, cloud)
    host_events.end()
    assert [event.hosts for event in host_events.events] == [-1, 1, 0, 1]
    assert (host_events.kill, host_events.scale_out) == (1, 2)


HEADER = (
    "Timestamp,User Count,Type,Name,50%,95%,Total Request Count,Total Failure Count,"
    "Total Average Content Size"
)


def test_a_moment_is_the_difference_of_two_rows(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    rows = [
        "1,4,GET,layer,N/A,N/A,0,0,0",
        "2,4,GET,layer,100,200,10,0,2000000",
        "2,4,GET,redirected layer,100,200,5,0,1000000",
        "2,4,PULL,image,500,600,3,1,9000000",
        "2,4,PULL,unfinished,7000,8000,1,1,0",
        "2,4,,Aggregated,1,1,99,9,1",
    ]
    file.write_text("\n".join([HEADER, *rows]))
    (moment,) = moments(file)
    assert (moment.operations_per_s, moment.failures_per_s) == (3, 1)
    assert moment.mb_per_s == pytest.approx(25)
    assert (moment.p50_ms, moment.p95_ms) == (500, 600)


def test_the_bill() -> None:
    prices = Prices.read().model_copy(update={"client_traffic": 0.09})
    bill = {cost.item: cost.dollars for cost in costs.costs(sample_run(), prices)}
    assert bill == pytest.approx(
        {
            "S3 GET and HEAD": 2.010 * 0.0004,
            "S3 PUT, POST and LIST": 1.300 * 0.005,
            "traffic to clients": 1.0 * 0.09,
            "load balancer": 1.3 * 0.006,
            "between zones": 1.3 * 0.5 * 0.02,
        }
    )


def test_what_s3_sends_itself_does_not_pass_the_balancer() -> None:
    run = sample_run()
    run.figures["GET redirected layer"] = sample_figures(200, count=40)
    bill = {cost.item: cost.amount for cost in costs.costs(run, Prices.read())}
    assert bill["traffic to clients"] == pytest.approx(1.4)
    assert bill["load balancer"] == pytest.approx(1.3)


def test_metrics_of_a_host() -> None:
    text = (
        "# TYPE wharf_sent_bytes_total counter\n"
        'wharf_sent_bytes_total{route="blobs"} 100\nwharf_sent_bytes_total{route="tags"} 5\n'
    )
    assert sample("i-1", text).sent_bytes == 105


def test_a_load_in_one_process_and_in_several() -> None:
    load = Load("mixed", 1, 1.0, 1.0, 1, "a")
    assert distribution(load) == []
    here = distribution(Load("mixed", 1, 1.0, 1.0, 1, "a", workers=2))
    assert here[:2] == ["--processes", "2"]
    elsewhere = distribution(Load("mixed", 1, 1.0, 1.0, 1, "a", remote_workers=3, port=5557))
    assert elsewhere[:5] == ["--master", "--master-bind-port", "5557", "--expect-workers", "3"]


def test_workers_elsewhere_have_the_versions_of_their_master() -> None:
    """Locust's master does not take others."""
    dockerfile = (REPOSITORY / "integration/load/Dockerfile").read_text()
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    locked = {**lock["default"], **lock["develop"]}
    pinned = dict(re.findall(r"(\w+)(==[\d.]+)", dockerfile))
    assert pinned.keys() == {"locust", "httpx"}
    assert pinned == {name: locked[name]["version"] for name in pinned}


def test_the_image_of_workers_has_every_module_that_workloads_import(tmp_path: Path) -> None:
    dockerfile = (REPOSITORY / "integration/load/Dockerfile").read_text()
    for source, target in re.findall(r"^COPY (integration/\S*) (\S+)$", dockerfile, re.MULTILINE):
        if source.endswith("/"):
            shutil.copytree(REPOSITORY / source, tmp_path / target)
        else:
            (tmp_path / target).mkdir(parents=True)
            shutil.copy(REPOSITORY / source, tmp_path / target)
    names = [file.stem for file in WORKLOADS.glob("[a-z]*.py")]
    modules = ", ".join(f"integration.load.workloads.{name}" for name in names)
    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}; print(integration.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "", "LOCUST_SKIP_MONKEY_PATCH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path)), done.stderr
