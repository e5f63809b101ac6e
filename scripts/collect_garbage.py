"""Garbage collection while clients push and pull: ``wharf gc --bucket IMAGE_BUCKET --dry-run``."""

import time
from datetime import timedelta

import click

from scripts.errors import one_line_errors
from scripts.options import Duration, region
from scripts.registry_storage import layout
from scripts.registry_storage.collection import Collected, Collector
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    dry_run,
    opened,
    print_json,
    size,
)
from scripts.registry_storage.garbage import Garbage, Limits
from scripts.registry_storage.lock import locked


@click.command()
@bucket
@region
@click.option(
    "--untagged", is_flag=True, help="Remove manifests without a tag, too, with their layers."
)
@click.option(
    "--grace",
    type=Duration(),
    default="1d",
    show_default=True,
    help="Age below which objects are kept; choose more than the duration of the longest push.",
)
@click.option(
    "--wait",
    type=Duration(),
    default="15m",
    show_default=True,
    help="Duration of each of the two waits for requests to end; choose more than the longest "
    "request takes. nginx ends requests after 15 minutes.",
)
@click.option(
    "--given-up-after",
    type=Duration(),
    default="7d",
    show_default=True,
    help="Age of the last data of an unfinished upload, after which the upload is removed.",
)
@click.option(
    "--break-lock", is_flag=True, help="Take over the lock that a killed collection left behind."
)
@dry_run
@as_json
@concurrency
@one_line_errors()
def collect_garbage(
    bucket: str,
    region: str | None,
    untagged: bool,
    grace: timedelta,
    wait: timedelta,
    given_up_after: timedelta,
    break_lock: bool,
    dry_run: bool,
    as_json: bool,
    concurrency: int,
) -> None:
    """Remove blobs, links and uploads that no image needs.

    Clients can push and pull meanwhile. After an interruption, the next run continues the work.
    """
    with opened(bucket, region, concurrency, layout.OURS) as (store, work):
        now = store.now()
        limits = Limits(now - grace, now - given_up_after, untagged)

        def pause() -> None:
            seconds = round(wait.total_seconds())
            for _ in work.follow(range(seconds), "Waiting for requests to end", seconds):
                time.sleep(1)

        collector = Collector(store, work, limits, pause)
        if dry_run:
            found = collector.find()
        else:
            with locked(store, by_force=break_lock):
                done = collector.collect()
    summary = _planned(found) if dry_run else done
    if as_json:
        print_json(summary, dry_run=dry_run)
    else:
        _tell(summary, dry_run)


def _planned(garbage: Garbage) -> Collected:
    return Collected(
        links=len(garbage.links),
        blobs=len(garbage.blobs),
        bytes=sum(garbage.blobs.values()),
        uploads=len(garbage.uploads),
        doubts=garbage.doubts,
    )


def _tell(done: Collected, dry_run: bool) -> None:
    verb = "Would remove" if dry_run else "Removed"
    click.echo(f"{verb} {count(done.blobs, 'blob')} ({size(done.bytes)})")
    click.echo(f"{verb} {count(done.links, 'link')} that no image needs")
    click.echo(f"{verb} {count(done.uploads, 'object')} of abandoned uploads")
    if done.links_restored or done.blobs_restored:
        click.echo(
            f"Restored {count(done.blobs_restored, 'blob')} and "
            f"{count(done.links_restored, 'link')} that clients pushed meanwhile"
        )
    for line in done.doubts:
        click.echo(f"In doubt: {line}")
