"""Random faults for a set time: ``wharf faults --minutes 10 --seed 7``."""

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from rich.table import Table

from integration.clients.deployment import Deployment
from integration.console.display import Display
from integration.console.signals import ends_on_signals
from integration.faults.api import BrokenPromise
from integration.faults.fault_clients import Clients
from integration.faults.fault_trials import (
    RECOVERY,
    Trial,
    each_fault_once,
    mirrored_pulls,
    random_trial,
    run,
)
from integration.faults.faults import UPSTREAM_FAULTS, Fault, all_faults
from integration.faults.figures import FILE, Figures
from integration.faults.ledger import Ledger
from integration.faults.verification import broken_promises, not_kept
from integration.local.cloud import apply_with_progress
from integration.local.errors import LocalCloudError
from integration.local.mirrored_hosts import mirrored_hosts
from integration.local.registry import LocalRegistry
from integration.local.upstream import Upstream
from scripts.options import Finite

DIRECTORY = Path("build/faults")
HOSTS = 2
REPOSITORY = "wharf-test/faults"
#: Seconds that clients work undisturbed before each trial.
CALM = 2


@click.command()
@click.option(
    "--minutes",
    type=Finite(min=0.1, max=24 * 60),
    default=10,
    show_default=True,
    help="Duration of the run in minutes.",
)
@click.option("--seed", type=int, help="Seed of an earlier run to repeat.  [default: random]")
def main(minutes: float, seed: int | None) -> None:
    """Cause faults while clients push and pull.

    The hosts also mirror another registry, which has faults of its own. Writes build/faults.json.
    Fails if an acknowledged push is lost or an operation fails.
    """
    chosen = random.SystemRandom().randrange(2**31) if seed is None else seed
    figures = Figures(seed=chosen, minutes=minutes)
    FILE.unlink(missing_ok=True)
    with ends_on_signals(), Display() as display:
        display(f"Seed {chosen}")
        with LocalRegistry(
            DIRECTORY, hosts=HOSTS, report=display, deploy=apply_with_progress(display)
        ) as registry:
            display("Letting the hosts mirror another registry")
            with mirrored_hosts(registry.cloud) as upstream:
                _try(registry, upstream, figures, display)
            # A run that was interrupted has looked nothing up, and leaves no figures.
            FILE.parent.mkdir(exist_ok=True)
            FILE.write_text(figures.model_dump_json(indent=2) + "\n")
    display.console.print(summary(figures))
    if not figures.holds:
        raise LocalCloudError(f"requirements not met: {'; '.join(figures.complaints)} ({FILE})")


def _try(registry: LocalRegistry, upstream: Upstream, figures: Figures, display: Display) -> None:
    end = time.monotonic() + figures.minutes * 60
    source = random.Random(figures.seed)  # noqa: S311
    faults = all_faults(upstream)
    waiting = list(each_fault_once(HOSTS, faults))
    clients = Clients(registry.deployment, REPOSITORY, figures.seed, upstream=upstream)
    try:
        with clients:
            while time.monotonic() < end:
                trial = waiting.pop(0) if waiting else random_trial(source, HOSTS, faults)
                meanwhile = _watch(trial, registry.deployment, upstream, clients.ledger)
                seconds = _run(trial, registry, faults, clients.ledger, meanwhile, display)
                figures.add([name for name, _ in trial.faults], seconds)
    except LocalCloudError as error:
        figures.complaints.append(str(error))
        figures.worst_recovery_s = max(figures.worst_recovery_s, RECOVERY)
    ledger = clients.ledger
    display(f"Looking at {len(ledger.acknowledged)} pushes that were confirmed")
    # What was found after a trial, and is so still, is one broken promise.
    broken = list(
        dict.fromkeys(broken_promises(registry.cloud, registry.deployment, ledger, display.track))
    )
    figures.operations, figures.retries = ledger.operations, ledger.retries
    figures.acknowledged_pushes = len(ledger.acknowledged)
    figures.abandoned_uploads = len(ledger.abandoned)
    figures.lost_or_corrupt, figures.failed_operations = len(broken), len(ledger.failed)
    figures.complaints += [*broken, *ledger.failed]


def _watch(
    trial: Trial, deployment: Deployment, upstream: Upstream, ledger: Ledger
) -> Callable[[], None]:
    """Return a function that pulls through the mirror, if the upstream alone fails in a trial."""
    names = [name for name, _ in trial.faults]
    if len(names) > 1 or names[0] not in UPSTREAM_FAULTS:
        return lambda: None
    pull = mirrored_pulls(deployment, upstream)

    def watch() -> None:
        try:
            pull()
        except BrokenPromise as error:
            ledger.find_wrong(str(error))

    return watch


def _run(
    trial: Trial,
    registry: LocalRegistry,
    faults: Mapping[str, Fault],
    ledger: Ledger,
    meanwhile: Callable[[], None],
    display: Display,
) -> float:
    """Run a trial and verify the pushes since its start; return the seconds until recovery."""
    began = time.monotonic()
    time.sleep(CALM)
    display(str(trial))
    seconds = run(trial, registry, meanwhile, faults)
    display(f"back after {seconds:.1f} s")
    # At once: a later fault may take away what this one has left wrong at a host.
    confirmed = [push for push in ledger.acknowledged if (push.confirmed or 0) > began]
    ledger.wrong += not_kept(registry.cloud, registry.deployment, ledger, confirmed)
    return seconds


def summary(figures: Figures) -> Table:
    """Return the figures for people."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in figures.model_dump(
        exclude={"recovery_s", "trials_of", "complaints"}
    ).items():
        table.add_row(name.replace("_", " "), str(value))
    for name, seconds in figures.recovery_s.items():
        table.add_row(f"  {name}", f"back after {seconds} s")
    return table
