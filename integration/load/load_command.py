"""Load on a registry, a verdict and a report: ``wharf load mixed``."""

import os
import secrets
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from integration.clients.deployment import Deployment
from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.load import history, report, verdict
from integration.load.execution import HostEvents, execute
from integration.load.loaded_registry import Target, live, local
from integration.load.locust_processes import WORKLOADS, Load
from integration.local.errors import LocalCloudError
from scripts.capacity.figures import PRICES, Prices
from scripts.options import Finite

DIRECTORY = Path("build/load")
#: Clients, seconds, scale and images: what this machine bears, and what a live registry should.
LOCAL_DEFAULTS, LIVE_DEFAULTS = (20, 30.0, 0.02, 20), (100, 300.0, 1.0, 200)
#: Seconds of a soak anywhere: what grows slowly does not show before.
SOAK = 3600.0
PATH = click.Path(path_type=Path)


@click.command()
@click.argument("workload", type=click.Choice(WORKLOADS))
@click.option(
    "--registry", metavar="URL", help="URL of a live registry, instead of one on this machine."
)
@click.option(
    "--target-name",
    metavar="NAME",
    help="Name by which earlier runs of the live registry are found.  [default: URL]",
)
@click.option(
    "--username",
    default="",
    help="User of the live registry; the password is taken from REGISTRY_PASSWORD.",
)
@click.option(
    "--ca", type=click.Path(path_type=Path, exists=True), help="PEM file with the trusted CA."
)
@click.option(
    "--hosts", type=click.IntRange(1), default=2, show_default=True, help="Number of hosts."
)
@click.option(
    "--metrics",
    metavar="URL",
    multiple=True,
    help="URL of the metrics of a live host, such as http://10.0.1.5:9113; repeat for more.",
)
@click.option(
    "--cloud",
    type=PATH,
    default=DIRECTORY / "cloud",
    help="Folder of the registry on this machine.",
)
@click.option("--users", type=click.IntRange(1), help="Number of concurrent clients.")
@click.option("--seconds", type=Finite(1), help="Duration in seconds, once the images are pushed.")
@click.option("--scale", type=Finite(0, min_open=True), help="Factor for the sizes of layers.")
@click.option("--images", type=click.IntRange(1), help="Number of images of production and soak.")
@click.option(
    "--workers", type=click.IntRange(0), default=0, help="Number of load processes on this machine."
)
@click.option(
    "--remote-workers",
    type=click.IntRange(0),
    default=0,
    help="Number of remote workers to wait for.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to which remote workers connect."
)
@click.option("--kill-host", type=Finite(0), help="Seconds after which a host is killed.")
@click.option("--scale-out", type=Finite(0), help="Seconds after which a host is added.")
@click.option(
    "--directory",
    type=PATH,
    default=DIRECTORY,
    show_default=True,
    help="Folder for the report and the logs.",
)
@click.option(
    "--history", "past", type=PATH, help="Folder with earlier runs.  [default: in DIRECTORY]"
)
@click.option(
    "--thresholds",
    type=PATH,
    default=verdict.FILE,
    help="TOML file with the limits of the verdict.",
)
@click.option("--prices", type=PATH, default=PRICES, help="TOML file with the prices of AWS.")
def main(
    workload: str,
    registry: str | None,
    target_name: str | None,
    username: str,
    ca: Path | None,
    hosts: int,
    metrics: tuple[str, ...],
    cloud: Path,
    users: int | None,
    seconds: float | None,
    scale: float | None,
    images: int | None,
    workers: int,
    remote_workers: int,
    port: int,
    kill_host: float | None,
    scale_out: float | None,
    directory: Path,
    past: Path | None,
    thresholds: Path,
    prices: Path,
) -> None:
    """Load a registry and judge the result.

    Fails if a threshold is exceeded, or if the result is worse than that of earlier runs.
    """
    if registry and (kill_host is not None or scale_out is not None):
        raise click.UsageError("--kill-host and --scale-out take a registry on this machine")
    if target_name is not None and not (registry and target_name.strip()):
        raise click.UsageError(
            f"--target-name {target_name!r}: give a --registry and a name for it"
        )
    if remote_workers and not port:
        raise click.UsageError("--remote-workers need a --port to come to, such as 5557")
    usual = LIVE_DEFAULTS if registry else LOCAL_DEFAULTS
    load = Load(
        workload=workload,
        users=users or usual[0],
        seconds=seconds or (SOAK if workload == "soak" else usual[1]),
        scale=scale or usual[2],
        images=images or usual[3],
        seed=secrets.token_hex(4),
        workers=workers,
        remote_workers=remote_workers,
        port=port,
    )
    # Before any work: a mistake in a file should not be told after an hour.
    limits, price = verdict.load(thresholds), Prices.read(prices, LocalCloudError)
    if registry and getattr(limits, workload).growth_percent:
        raise click.UsageError(
            f"{workload} judges how hosts grow, and nobody looks into those of a live registry: "
            "leave --registry out, or give --thresholds without growth_percent for it"
        )
    folder = past or directory / "history"
    before = history.kept(folder)
    with ends_on_signals(), Display() as display:
        going: AbstractContextManager[Target]
        if registry:
            going = nullcontext(
                live(_deployment(registry, username, ca), target_name, hosts, metrics)
            )
        else:
            going = local(cloud, hosts, display)
        with going as target:
            host_events = HostEvents(kill_host, scale_out)
            found = execute(target, load, host_events, display, directory / workload)
        judgements = verdict.judge(found, before, limits)
        found.broken = [str(judgement) for judgement in judgements if not judgement.holds]
        file = directory / f"{workload}.html"
        report.write(report.page(found, before, judgements, price), file)
        display(f"Wrote {file}, and {history.keep(found, folder)}")
    if found.broken:
        raise LocalCloudError(f"{workload}: {'; '.join(found.broken)}")
    display(f"{workload}: {len(judgements)} figures hold")


def _deployment(url: str, username: str, ca: Path | None) -> Deployment:
    password = os.environ.get("REGISTRY_PASSWORD")
    if not username or not password:
        raise click.UsageError("--registry needs --username, and the password in REGISTRY_PASSWORD")
    return Deployment(url=url, username=username, password=password, ca=ca)
