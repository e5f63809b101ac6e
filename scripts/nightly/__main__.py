"""A night with a registry: ``python -m scripts.nightly local``, or in an account.

It is deployed, tested and loaded; the report is kept; it is destroyed whatever happens.
"""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from scripts.finite import Finite
from scripts.moment import moment
from scripts.nightly.alone import hold
from scripts.nightly.steps import REPOSITORY, NightlyError, Steps, say
from scripts.nightly.tags import tagged
from scripts.nightly.targets import Access, Account, Local, Target

DIRECTORY = Path("build/nightly")
SUMMARY, LOG = "summary.json", "nightly.log"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Of integration.load, which programs of an operator do not import.
WORKLOADS = ("storm", "mixed", "production", "soak")
#: Minutes for the suite, and for the load: a soak lasts an hour after its images are pushed. With
#: all else a night then ends within the four hours of its credentials in GitHub's workflow.
LIMIT = 75.0
#: Seconds for a night that is interrupted to destroy what it has made.
DESTROYING = 1800


class Night:
    """The steps of a night, and how each ended.

    Args:
        target: where the registry is.
        steps: runs programs.
        directory: for the report and the summary.
        minutes: for the suite, and for the load.
    """

    def __init__(
        self, target: Target, steps: Steps, directory: Path, minutes: float = LIMIT
    ) -> None:
        self._target = target
        self._steps = steps
        self._directory = directory
        self._limit = minutes * 60
        self.failures: list[str] = []
        self._seconds: dict[str, float] = {}
        self._destroyed = False

    def destroy(self) -> None:
        """Remove what there is of the registry; if that failed it is in ``failures``."""
        self._destroyed = self._step("destroy", self._target.destroy)

    def spend(self, suite: tuple[str, ...], workload: str, options: tuple[str, ...]) -> None:
        """Do all of it; what failed is in ``failures``."""
        found: list[Access] = []
        try:
            # What a killed night left has the names that this one needs.
            self._step("sweep", self._target.sweep)
            self._step("deploy", lambda: found.append(self._target.deploy()))
            if found:
                self._use(found[0], suite, workload, options)
        except KeyboardInterrupt as interrupt:
            self.failures.append(f"interrupted by {interrupt}")
        finally:
            with _unmoved():
                self.destroy()
                self._step("sweep", self._target.sweep)
                self._step("summary", self._keep)

    def _use(
        self, access: Access, suite: tuple[str, ...], workload: str, options: tuple[str, ...]
    ) -> None:
        os.environ["REGISTRY_PASSWORD"] = access.password
        # One that fails does not keep the other from telling what it finds.
        self._step("suite", lambda: self._suite(access, suite))
        self._step("load", lambda: self._load(access, workload, options))

    def _step(self, name: str, do: Callable[[], object]) -> bool:
        """Do it; whatever is wrong with it, the next one has its turn."""
        say(f"== {name}")
        start = time.monotonic()
        before = len(self.failures)
        try:
            do()
        except NightlyError as error:
            self.failures.append(str(error))
        except Exception as error:
            self._steps.note(traceback.format_exc())
            first = (str(error).splitlines() or [""])[0]
            self.failures.append(f"{name}: {type(error).__name__}: {first}")
        passed = self._seconds.get(name, 0) + time.monotonic() - start
        self._seconds[name] = round(passed, 1)
        return len(self.failures) == before

    def _suite(self, access: Access, suite: tuple[str, ...]) -> None:
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        options = (*suite, *self._target.suite, *login, "--bucket", access.bucket)
        self._steps.python(
            *("suite", "pytest", "--quiet", *options),
            environment=access.environment,
            seconds=self._limit,
        )

    def _load(self, access: Access, workload: str, options: tuple[str, ...]) -> None:
        where = ("--directory", str(self._directory / "load"))
        self._steps.python(
            "load",
            *("integration.load", workload, *self._target.load(access), *where, *options),
            seconds=self._limit,
        )

    def _keep(self) -> None:
        summary = {
            "target": self._target.name,
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": self._seconds,
            "failures": self.failures,
            "destroyed": self._destroyed,
        }
        (self._directory / SUMMARY).write_text(json.dumps(summary, indent=2))


def nothing_is_left(target: Target, directory: Path) -> bool:
    """Whether the last night came to its end, and destroyed what it had made."""
    try:
        summary = json.loads((directory / SUMMARY).read_text())
        return bool(summary["destroyed"] and summary["target"] == target.name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _interrupt(number: int, _: FrameType | None) -> None:
    # Once: whoever is impatient must not keep it from destroying.
    for each in SIGNALS:
        signal.signal(each, _go_on)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _go_on(number: int, _: FrameType | None) -> None:
    text = f"{signal.Signals(number).name}: it ends by itself, once all is destroyed\n"
    # Not by way of sys.stderr, which may be in the midst of a line; and its reader may be gone.
    with suppress(OSError):
        os.write(2, text.encode())


@contextmanager
def _unmoved() -> Iterator[None]:
    """Let no interrupt end what goes on."""
    before = [(number, signal.signal(number, _go_on)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _there(_: click.Context, __: click.Parameter, suite: tuple[str, ...]) -> tuple[str, ...]:
    for one in suite:
        if not (REPOSITORY / one.partition("::")[0]).exists():
            raise click.BadParameter(f"{one}: it is not there; give a file or folder of tests")
    return suite


@click.command()
@click.argument("where", type=click.Choice(["local", "account"]))
@click.option("--environment", default="nightly", show_default=True, help="In wharf.toml.")
@click.option("--role-arn", help="Of a workspace's runs; it then gets the settings first.")
@click.option("--hosts", type=click.IntRange(1), default=2, show_default=True, help="It has.")
@click.option(
    "--synthesized",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that cdktf synth wrote, with the tags to have.  [default: synth]",
)
@click.option(
    "--var-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Values of Terraform variables.",
)
@click.option(
    "--suite", multiple=True, default=["integration"], callback=_there, help="What pytest runs."
)
@click.option("--workload", type=click.Choice(WORKLOADS), default="mixed", show_default=True)
@click.option("--load-option", "load_options", multiple=True, help="For integration.load.")
@click.option(
    "--minutes",
    type=Finite(0, min_open=True),
    default=LIMIT,
    show_default=True,
    help="That the suite may take, and the load.",
)
@click.option("--since", type=moment, help="When it began: the tag's value.  [default: now]")
@click.option("--destroy-only", is_flag=True, help="After a night that was killed.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DIRECTORY,
    show_default=True,
)
def main(
    where: str,
    environment: str,
    role_arn: str | None,
    hosts: int,
    synthesized: Path | None,
    var_file: Path | None,
    suite: tuple[str, ...],
    workload: str,
    load_options: tuple[str, ...],
    minutes: float,
    since: datetime | None,
    destroy_only: bool,
    directory: Path,
) -> None:
    """Spend a night on this machine (local) or in the AWS account of the environment (account)."""
    if where == "account" and workload == "soak" and "--thresholds" not in load_options:
        raise click.UsageError(
            "--workload soak: the hosts of an account cannot be looked into, so nothing tells "
            "whether they grow; give --load-option --thresholds --load-option FILE, where soak has "
            "no growth_percent, or another workload"
        )
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        if where == "account" and not synthesized:
            now = since or datetime.now(UTC)
            os.environ["WHARF_TAGS"] = tagged(environment, now, os.environ)
        lock = hold(directory, DESTROYING if destroy_only else 0)
    except NightlyError as error:
        raise click.ClickException(str(error)) from None
    steps = Steps(directory / LOG, [lock])
    target: Target
    if where == "local":
        target = Local(steps, directory / "cloud")
    else:
        target = Account(
            steps,
            environment,
            directory,
            hosts,
            role_arn=role_arn,
            synthesized=synthesized,
            var_file=var_file,
        )
    night = Night(target, steps, directory, minutes)
    if destroy_only and nothing_is_left(target, directory):
        end = f"Nothing to destroy: the last night has, says {directory / SUMMARY}"
    elif destroy_only:
        night.destroy()
        end = "Destroyed"
    else:
        for old in (LOG, SUMMARY):
            (directory / old).unlink(missing_ok=True)
        night.spend(suite, workload, load_options)
        end = f"All of it held; reports are in {directory / 'load'}"
    if night.failures:
        raise click.ClickException("; ".join(night.failures))
    say(end)


if __name__ == "__main__":
    main(prog_name="python -m scripts.nightly")
