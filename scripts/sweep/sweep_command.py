"""Resources that nightly runs left behind, and their removal: ``wharf sweep --dry-run``.

Only resources with the tag are removed, and only if the value of the tag is a timestamp that is old
enough, or that of the night which is named.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from botocore.exceptions import ClientError
from rich.progress import track
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_fixed

from scripts.aws import account, one_line_aws_errors
from scripts.options import Finite, timestamp
from scripts.sweep.leftovers import TAG, Leftover, leftovers
from scripts.sweep.removal import REMOVE, REMOVED_WITH_ANOTHER, NotRemovedError

#: Attempts, and seconds between them. AWS deletes a network only after the network interfaces of
#: load balancers, NAT gateways and endpoints: 20 minutes are the limit of Terraform's provider,
#: too.
ATTEMPTS, WAIT = 40, 30.0
#: Parts of the error codes of AWS for an absent resource.
ABSENT = ("NotFound", "NoSuch")


@click.command()
@click.option(
    "--tag", default=TAG, show_default=True, help="Tag whose value is the timestamp of the night."
)
@click.option(
    "--hours", type=Finite(0), default=24, show_default=True, help="Minimum age in hours."
)
@click.option(
    "--since",
    type=timestamp,
    help="Timestamp of the only night whose resources are removed, whatever their age.",
)
@click.option("--dry-run", is_flag=True, help="Show the resources, and remove none.")
@click.option(
    "--wait",
    type=Finite(0),
    default=WAIT,
    show_default=True,
    help="Seconds between attempts to remove a resource.",
)
def main(tag: str, hours: float, since: datetime | None, dry_run: bool, wait: float) -> None:
    """Remove resources that nightly runs left behind.

    Removes the resources with the tag, in the account and the region of the AWS credentials.
    """
    with one_line_aws_errors():
        session = account()
        found = leftovers(session, tag)
        if since:
            chosen = [leftover for leftover in found if leftover.since == since]
        else:
            chosen = older(found, timedelta(hours=hours))
        if dry_run:
            for leftover in chosen:
                click.echo(f"would remove {leftover}")
            click.echo(f"{len(chosen)} would be removed")
            return
        removed, left = remove(session, chosen, wait)
    click.echo(f"{removed} removed")
    if left:
        lines = "; ".join(f"{each.kind} {each.id}: {reason}" for each, reason in left.items())
        raise click.ClickException(f"{len(left)} could not be removed: {lines}")


def older(found: list[Leftover], age: timedelta) -> list[Leftover]:
    """Return the leftovers of at least that age; warn of tags without a timestamp."""
    limit = datetime.now(UTC) - age
    for leftover in found:
        if leftover.since is None:
            text = f"{leftover.kind} {leftover.id}: {leftover.value!r} is not a time"
            click.echo(f"left alone: {text}", err=True)
    return [each for each in found if each.since is not None and each.since < limit]


def remove(session: Any, chosen: list[Leftover], wait: float) -> tuple[int, dict[Leftover, str]]:
    """Remove leftovers, each before the resources that it uses.

    Returns:
        The number of removed leftovers, and the reason for each leftover that still exists.
        Leftovers that were absent already, which AWS lists for some time, are in neither.
    """
    order = {kind: number for number, kind in enumerate(REMOVE)}
    removed: list[Leftover] = []
    left = dict.fromkeys(sorted(chosen, key=lambda each: order.get(each.kind, len(order))), "")

    def attempt() -> bool:
        for leftover in track(list(left), description="Removing", transient=True):
            reason = remove_leftover(session, leftover)
            if reason is None:
                removed.append(leftover)
                click.echo(f"removed {leftover}")
            if reason:
                left[leftover] = reason
            else:
                del left[leftover]
        return any(leftover.kind in REMOVE for leftover in left)

    Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_fixed(wait),
        retry=retry_if_result(bool),
        retry_error_callback=lambda _: None,
    )(attempt)
    return len(removed), left


def remove_leftover(session: Any, leftover: Leftover) -> str | None:
    """Remove a leftover; return None, the reason of a failure, or "" for an absent leftover."""
    if leftover.kind in REMOVED_WITH_ANOTHER:
        return ""
    if leftover.kind not in REMOVE:
        return "this program cannot remove this kind"
    try:
        REMOVE[leftover.kind](session, leftover.id)
    except NotRemovedError as error:
        return str(error)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "" if any(word in code for word in ABSENT) else str(error)
    return None
