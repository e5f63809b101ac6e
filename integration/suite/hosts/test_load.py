"""Loads of a few seconds on the registry under test: their figures, their verdict, their report."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from integration.clients.deployment import Deployment
from integration.console import processes as programs
from integration.load.execution import HostEvents, execute
from integration.load.loaded_registry import Target
from integration.load.locust_processes import REPOSITORY, Load
from integration.load.run_results import Run
from integration.load.verdict import judge, load
from integration.load.watch import LocalWatch
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.registry import LocalRegistry

SMALL = Load("storm", users=12, seconds=60, scale=0.01, images=4, seed="", workers=0)


def seed(repository: str) -> str:
    return repository.rpartition("-")[2]


@pytest.fixture
def target(registry: LocalRegistry) -> Target:
    cloud = registry.cloud
    return Target("local", registry.deployment, len(cloud.hosts), LocalWatch(cloud), cloud)


def test_a_storm_ends_when_every_server_has_the_image(
    target: Target, cloud: LocalCloud, repository: str, tmp_path: Path
) -> None:
    storm = replace(SMALL, seed=seed(repository))
    run = execute(target, storm, HostEvents(), print, tmp_path)
    pulls = run.figures["PULL image"]
    assert (pulls.count, pulls.failed) == (12, 0)
    # 99.501 MB times the scale, and the configuration.
    assert pulls.bytes == pytest.approx(12 * 995_010, rel=0.01)
    assert run.figures["GET layer"].count == 12 * 7
    assert run.figures["GET challenge"].count == 12
    assert {sample.host for sample in run.samples} == {host.id for host in cloud.hosts}
    assert all(sample.memory_bytes and sample.open_files for sample in run.samples)
    # At the first look a cache may be empty.
    assert run.samples[-1].disk_bytes
    assert run.s3_requests
    assert run.s3_requests["GET"] > 7
    # Those of the push before are not among them.
    assert "PUT" not in run.s3_requests


def test_two_workers_share_a_mixed_load(target: Target, repository: str, tmp_path: Path) -> None:
    mixed = replace(SMALL, workload="mixed", users=4, seconds=15, workers=2, seed=seed(repository))
    run = execute(target, mixed, HostEvents(), print, tmp_path)
    assert run.workers == 2
    assert run.failed_percent == 0
    assert run.figures["PULL image"].count > 0
    assert run.moments
    names = [judgement.figure for judgement in judge(run, [], load())]
    assert names == ["pulls", "failed_percent", "p50_ms", "p95_ms", "p99_ms", "mb_per_s_per_host"]
    assert no_locust_of(tmp_path)


@pytest.fixture
def two_hosts_after(cloud: LocalCloud) -> Iterator[None]:
    yield
    cloud.session.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=cloud.outputs["autoscaling_group"], DesiredCapacity=2
    )
    cloud.reconcile()


@pytest.mark.usefixtures("two_hosts_after")
def test_production_goes_on_while_a_host_more_comes(
    target: Target, cloud: LocalCloud, repository: str, tmp_path: Path
) -> None:
    production = replace(SMALL, workload="production", users=4, seconds=10, seed=seed(repository))
    run = execute(target, production, HostEvents(scale_out=1), print, tmp_path)
    assert run.figures["PULL image"].count > 0
    assert run.failed_percent == 0
    assert [event.description for event in run.events] == ["one host more wanted", "scaled out"]
    assert (run.hosts, len(cloud.hosts)) == (2, 3)


def test_a_soak_says_how_its_hosts_grow(
    target: Target, cloud: LocalCloud, repository: str, tmp_path: Path
) -> None:
    soak = replace(SMALL, workload="soak", users=4, seconds=40, seed=seed(repository))
    run = execute(target, soak, HostEvents(), print, tmp_path)
    assert run.failed_percent == 0
    names = {judgement.figure for judgement in judge(run, [], load())}
    assert names >= {
        f"growth of {growing} of {host.id} in %"
        for growing in ("memory", "open_files", "disk")
        for host in cloud.hosts
    }


def no_locust_of(directory: Path) -> bool:
    """Return whether no process has the folder of this run in its command line."""
    found = subprocess.run(["pgrep", "-f", str(directory)], capture_output=True, check=False)
    return found.stdout == b""


def test_a_refused_password_is_one_line(target: Target, repository: str, tmp_path: Path) -> None:
    wrong = replace(target, deployment=replace(target.deployment, password="wrong"))
    storm = replace(SMALL, seed=seed(repository))
    with pytest.raises(LocalCloudError, match=r"The load failed: the images could not be pushed"):
        execute(wrong, storm, HostEvents(), print, tmp_path)


def test_the_program_reports_a_live_registry(deployment: Deployment, tmp_path: Path) -> None:
    """Use a threshold that no run keeps: the report exists, and the run fails."""
    limits = tmp_path / "thresholds.toml"
    text = (REPOSITORY / "integration/load/thresholds.toml").read_text()
    limits.write_text(text.replace("p99_ms = 60000", "p99_ms = 0.001"))
    options = ("--thresholds", str(limits), "--target-name", "here")
    done = program(deployment, tmp_path, "storm", *options)
    assert done.returncode == 1
    assert "Error: storm: p99_ms is " in done.stderr
    # What one second holds has no course over time; the rest is there.
    shown = (tmp_path / "storm.html").read_text()
    assert "How long pulls and pushes took" in shown
    assert "<svg" in shown
    (kept,) = (tmp_path / "history").glob("*.json")
    run = Run.model_validate_json(kept.read_text())
    assert run.figures["PULL image"].failed == 0
    assert run.target == "here"
    assert run.broken
    assert run.broken[0].startswith("p99_ms is ")


def program(
    deployment: Deployment, directory: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    login = ("--registry", deployment.url, "--username", deployment.username)
    trust = ("--ca", str(deployment.ca)) if deployment.ca else ()
    size = ("--users", "4", "--scale", "0.005", "--directory", str(directory))
    return programs.run(
        [sys.executable, "-m", "scripts.cli", "load", *arguments, *login, *trust, *size],
        120,
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "REGISTRY_PASSWORD": deployment.password},
    )


def test_a_killed_host_shows_in_the_run(
    target: Target, cloud: LocalCloud, repository: str, tmp_path: Path
) -> None:
    before = {host.id for host in cloud.hosts}
    mixed = replace(SMALL, workload="mixed", users=4, seconds=15, seed=seed(repository))
    run = execute(target, mixed, HostEvents(kill=1), print, tmp_path)
    assert [event.description.partition(" ")[2] for event in run.events] == ["killed", ""]
    assert [event.hosts for event in run.events] == [-1, 1]
    assert 0 < run.events[0].time - run.started < 15
    assert len(before & {host.id for host in cloud.hosts}) == 1
