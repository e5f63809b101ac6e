"""A night with a registry: ``wharf nightly local``, or in an AWS account.

A night deploys a registry, tests it, loads it, keeps the report, and destroys the registry whatever
failed before.
"""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import click

from modules.errors import SettingsError
from scripts.errors import one_line_errors
from scripts.nightly.night import LIMIT, SIGNALS, SUMMARY, Night, interrupt
from scripts.nightly.steps import REPOSITORY, Steps, say
from scripts.nightly.targets import Account, Local, Target, night_tags
from scripts.options import Finite, timestamp

DIRECTORY = Path("build/nightly")
LOG = "nightly.log"
#: Workloads of `wharf load`, which commands for operators must not import.
WORKLOADS = ("storm", "mixed", "production", "soak")


def _existing(_: click.Context, __: click.Parameter, suite: tuple[str, ...]) -> tuple[str, ...]:
    for path in suite:
        if not (REPOSITORY / path.partition("::")[0]).exists():
            raise click.BadParameter(f"{path}: absent; give a file or folder of tests")
    return suite


@click.command()
@click.argument("where", type=click.Choice(["local", "account"]))
@click.option(
    "--environment", default="nightly", show_default=True, help="Environment in wharf.toml."
)
@click.option(
    "--role-arn",
    help="ARN of the role that runs of a workspace assume; the settings are written into the "
    "workspace first.",
)
@click.option(
    "--hosts",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Number of hosts of the registry.",
)
@click.option(
    "--synthesized",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that `cdktf synth` wrote, with the tag of the night.  [default: synthesize]",
)
@click.option(
    "--var-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with values of Terraform variables.",
)
@click.option(
    "--suite",
    multiple=True,
    default=["integration/suite"],
    callback=_existing,
    help="Test file or folder that pytest runs; repeat the option for more.",
)
@click.option(
    "--workload",
    type=click.Choice(WORKLOADS),
    default="mixed",
    show_default=True,
    help="Workload of the load.",
)
@click.option(
    "--load-option",
    "load_options",
    multiple=True,
    help="Word that is passed to `wharf load`; repeat the option for more.",
)
@click.option(
    "--minutes",
    type=Finite(0, min_open=True),
    default=LIMIT,
    show_default=True,
    help="Time limit of the suite, and of the load, in minutes.",
)
@click.option(
    "--since",
    type=timestamp,
    help="Start of the night, which is the value of its tag.  [default: now]",
)
@click.option(
    "--destroy-only",
    is_flag=True,
    help="Destroy the registry of a night that was killed, and do nothing else.",
)
@click.option(
    "--unlock",
    is_flag=True,
    help="Delete the lock of a killed Terraform on the state in S3 first (with --destroy-only), "
    "and with --since sweep the night.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DIRECTORY,
    show_default=True,
    help="Folder for state, logs and the report.",
)
@one_line_errors(SettingsError)
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
    unlock: bool,
    directory: Path,
) -> None:
    """Deploy, test, load and destroy a registry.

    The registry is on this machine (local) or in the AWS account of the environment (account).
    """
    if where == "account" and workload == "soak" and "--thresholds" not in load_options:
        raise click.UsageError(
            "--workload soak: the hosts of an account cannot be inspected, so their growth is "
            "unknown; give --load-option --thresholds --load-option FILE, where soak has no "
            "growth_percent, or another workload"
        )
    if unlock and not (destroy_only and where == "account"):
        raise click.UsageError("--unlock: only with account and --destroy-only")
    for number in SIGNALS:
        signal.signal(number, interrupt)
    if where == "account" and not synthesized:
        now = datetime.now(UTC)
        os.environ["WHARF_TAGS"] = night_tags(environment, since or now, os.environ)
        since = since or (None if destroy_only else now)
    directory.mkdir(parents=True, exist_ok=True)
    steps = Steps(directory / LOG)
    target: Target
    if where == "local":
        target = Local(steps, directory / "cloud")
    else:
        target = Account(
            steps,
            environment,
            directory,
            hosts,
            since=since,
            role_arn=role_arn,
            synthesized=synthesized,
            var_file=var_file,
        )
    night = Night(target, steps, directory, minutes)
    if destroy_only:
        if unlock:
            night.step("unlock", target.unlock)
        night.step("destroy", target.destroy)
        end = "Destroyed"
    else:
        target.check()
        for old in (LOG, SUMMARY):
            (directory / old).unlink(missing_ok=True)
        night.run(suite, workload, load_options)
        end = f"All steps passed; reports are in {directory / 'load'}"
    if night.failures:
        raise click.ClickException("; ".join(night.failures))
    say(end)
