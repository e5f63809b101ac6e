"""Remove what nightly runs have left behind: ``python -m scripts.sweep --dry-run``.

Only what bears the tag, and only where its value is a time that is long enough ago, or that of the
night which is named.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_fixed

from scripts.finite import Finite
from scripts.moment import moment
from scripts.sweep.leftovers import Leftover, leftovers
from scripts.sweep.removal import REMOVE, none

TAG = "wharf-nightly"
#: Networks go only when the load balancer's addresses in them are gone, which takes minutes.
ATTEMPTS, WAIT = 10, 30.0
#: Errors that say that it is gone already.
GONE = ("NotFound", "NoSuch")


@click.command()
@click.option("--tag", default=TAG, show_default=True, help="Its value is when it was made.")
@click.option("--hours", type=Finite(0), default=24, show_default=True, help="Age.")
@click.option("--since", type=moment, help="Only what this night made, however old.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--wait", type=Finite(0), default=WAIT, help="Seconds between attempts.")
def main(tag: str, hours: float, since: datetime | None, dry_run: bool, wait: float) -> None:
    """Remove what bears the tag and is older than so many hours, in one region.

    The account and the region are those of the environment's AWS credentials.
    """
    session = boto3.Session()
    try:
        found = leftovers(session, tag)
        old = made(found, since) if since else older(found, timedelta(hours=hours))
        if dry_run:
            for one in old:
                click.echo(f"would remove {one.kind} {one.id}, of {one.value}")
            click.echo(f"{len(old)} would be removed")
            return
        removed, left = remove(session, old, wait)
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"AWS: {error}") from None
    click.echo(f"{removed} removed")
    if left:
        lines = "; ".join(f"{one.kind} {one.id}: {reason}" for one, reason in left.items())
        raise click.ClickException(f"{len(left)} could not be removed: {lines}")


def made(found: list[Leftover], since: datetime) -> list[Leftover]:
    """Those that a night made that began then."""
    return [one for one in found if one.since == since]


def older(found: list[Leftover], age: timedelta) -> list[Leftover]:
    """Those that are older; says of which it is not known."""
    limit = datetime.now(UTC) - age
    for one in found:
        if one.since is None:
            click.echo(f"left alone: {one.kind} {one.id}: {one.value!r} is no time", err=True)
    return [one for one in found if one.since is not None and one.since < limit]


def remove(session: Any, old: list[Leftover], wait: float) -> tuple[int, dict[Leftover, str]]:
    """Remove them, from what uses to what is used.

    Returns:
        How many were removed, and those that stay, each with the reason. AWS lists for a while what
        is gone already; that is neither.
    """
    order = {kind: number for number, kind in enumerate(REMOVE)}
    removed: list[Leftover] = []
    left = dict.fromkeys(sorted(old, key=lambda one: order.get(one.kind, len(order))), "")

    def attempt() -> bool:
        for one in track(list(left), description="Removing", transient=True):
            reason = attempt_one(session, one)
            if reason is None:
                removed.append(one)
                click.echo(f"removed {one.kind} {one.id}, of {one.value}")
            if reason:
                left[one] = reason
            else:
                del left[one]
        return any(one.kind in REMOVE for one in left)

    again = retry_if_result(bool)
    Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_fixed(wait),
        retry=again,
        retry_error_callback=lambda _: None,
    )(attempt)
    return len(removed), left


def attempt_one(session: Any, one: Leftover) -> str | None:
    """Remove something; return why that did not work, "" if it is gone already, None if it did."""
    how = REMOVE.get(one.kind)
    if how is none:
        return ""
    if how is None:
        return "this program does not know how"
    try:
        how(session, one.id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "" if any(word in code for word in GONE) else str(error)
    return None


if __name__ == "__main__":
    main(prog_name="python -m scripts.sweep")
