"""A night with a registry: ``python -m scripts.nightly local``, or in an account.

It is deployed, tested and loaded; the report is kept; it is destroyed whatever happens.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from scripts.nightly.steps import NightlyError, Steps
from scripts.nightly.targets import Access, Account, Local, Target

DIRECTORY = Path("build/nightly")
TAG = "wharf-nightly"
PATH = click.Path(path_type=Path)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Night:
    """The steps of a night, and how each ended.

    Args:
        target: where the registry is.
        steps: runs programs.
        directory: for the report and the summary.
    """

    def __init__(self, target: Target, steps: Steps, directory: Path) -> None:
        self._target = target
        self._steps = steps
        self._directory = directory
        self.failures: list[str] = []
        self._seconds: dict[str, float] = {}

    def spend(self, suite: tuple[str, ...], workload: str, options: tuple[str, ...]) -> None:
        """Do all of it; what failed is in ``failures``."""
        found: list[Access] = []
        try:
            self._step("deploy", lambda: found.append(self._target.deploy()))
            if found:
                self._use(found[0], suite, workload, options)
        finally:
            with _unmoved():
                self._step("destroy", self._target.destroy)
                self._step("sweep", self._target.sweep)
                self._keep()

    def _use(
        self, access: Access, suite: tuple[str, ...], workload: str, options: tuple[str, ...]
    ) -> None:
        os.environ["REGISTRY_PASSWORD"] = access.password
        # One that fails does not keep the other from telling what it finds.
        self._step("suite", lambda: self._suite(access, suite))
        self._step("load", lambda: self._load(access, workload, options))

    def _step(self, name: str, do: Callable[[], object]) -> None:
        click.echo(f"== {name}")
        start = time.monotonic()
        try:
            do()
        except NightlyError as error:
            self.failures.append(str(error))
        self._seconds[name] = round(time.monotonic() - start, 1)

    def _suite(self, access: Access, suite: tuple[str, ...]) -> None:
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        self._steps.python("suite", "pytest", "--quiet", *suite, *self._target.suite, *login)

    def _load(self, access: Access, workload: str, options: tuple[str, ...]) -> None:
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        self._steps.python(
            "load",
            *("integration.load", workload, *login, "--hosts", str(access.hosts)),
            *("--directory", str(self._directory / "load"), *options),
        )

    def _keep(self) -> None:
        summary = {
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": self._seconds,
            "failures": self.failures,
        }
        (self._directory / "summary.json").write_text(json.dumps(summary, indent=2))


def _interrupt(number: int, _: FrameType | None) -> None:
    # Once: whoever is impatient must not keep it from destroying.
    for each in SIGNALS:
        signal.signal(each, _go_on)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _go_on(number: int, _: FrameType | None) -> None:
    name = signal.Signals(number).name
    click.echo(f"{name}: it ends by itself, once all is destroyed", err=True)


@contextmanager
def _unmoved() -> Iterator[None]:
    """Let no interrupt end what goes on."""
    before = [(number, signal.signal(number, _go_on)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@click.command()
@click.argument("where", type=click.Choice(["local", "account"]))
@click.option("--environment", default="nightly", show_default=True, help="In wharf.toml.")
@click.option("--role-arn", help="Of a workspace's runs; it then gets the settings first.")
@click.option("--hosts", type=click.IntRange(1), default=2, show_default=True, help="It has.")
@click.option("--synthesized", type=PATH, help="Folder that cdktf synth wrote.  [default: synth]")
@click.option("--var-file", type=PATH, help="Values of Terraform variables.")
@click.option("--suite", multiple=True, default=["integration"], help="What pytest runs.")
@click.option("--workload", default="mixed", show_default=True)
@click.option("--load-option", "load_options", multiple=True, help="For integration.load.")
@click.option("--destroy-only", is_flag=True, help="After a night that was killed.")
@click.option("--directory", type=PATH, default=DIRECTORY, show_default=True)
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
    destroy_only: bool,
    directory: Path,
) -> None:
    """Spend a night on this machine (local) or in the AWS account of the environment (account)."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    # By this value of the tag the sweep knows how old something is.
    tags = {TAG: datetime.now(UTC).isoformat(timespec="seconds")}
    os.environ.setdefault("WHARF_TAGS", json.dumps(tags))
    directory.mkdir(parents=True, exist_ok=True)
    steps = Steps(directory / "nightly.log")
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
    if destroy_only:
        try:
            target.destroy()
        except NightlyError as error:
            raise click.ClickException(str(error)) from None
        return
    night = Night(target, steps, directory)
    night.spend(suite, workload, load_options)
    if night.failures:
        raise click.ClickException("; ".join(night.failures))
    click.echo(f"All of it held; reports are in {directory / 'load'}")


if __name__ == "__main__":
    main(prog_name="python -m scripts.nightly")
