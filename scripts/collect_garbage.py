"""Remove from the image bucket what nobody can pull any more, while clients push and pull.

python -m scripts.collect_garbage --bucket IMAGE_BUCKET --dry-run
"""

import time
from datetime import timedelta

import click

from scripts.errors import one_line_errors
from scripts.registry_storage import layout
from scripts.registry_storage.collection import Collected, Collector
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    dry_run,
    print_json,
    region,
    size,
    working,
)
from scripts.registry_storage.durations import Duration
from scripts.registry_storage.garbage import Garbage, Limits
from scripts.registry_storage.lock import locked
from scripts.registry_storage.snapshot import require_registry
from scripts.registry_storage.store import S3Store


@click.command()
@bucket
@region
@click.option(
    "--untagged", is_flag=True, help="Manifests without a tag are garbage, too, with their layers."
)
@click.option(
    "--grace",
    type=Duration(),
    default="1d",
    show_default=True,
    help="Leave alone what was pushed since: longer than the longest push takes.",
)
@click.option(
    "--wait",
    type=Duration(),
    default="15m",
    show_default=True,
    help="Wait so long, twice: longer than the registry takes for one request. "
    "nginx gives up on it after 15 minutes.",
)
@click.option(
    "--given-up-after",
    type=Duration(),
    default="7d",
    show_default=True,
    help="Remove what an upload has left of which nothing came for so long.",
)
@click.option("--break-lock", is_flag=True, help="Take the lock of a collection that was killed.")
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
    """Remove links, blobs and uploads that no image of the registry needs.

    It needs no outage. Interrupted, it goes on when it is run again.
    """
    store = S3Store(bucket, region=region, connections=concurrency)
    require_registry(store, bucket, layout.OURS)
    now = store.now()
    limits = Limits(now - grace, now - given_up_after, untagged)
    with working(concurrency) as work:

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
    click.echo(f"{verb} {count(done.links, 'link')} of repositories to what no image needs")
    click.echo(f"{verb} {count(done.uploads, 'object')} of uploads that were given up")
    if done.links_restored or done.blobs_restored:
        click.echo(
            f"Gave back {count(done.blobs_restored, 'blob')} and "
            f"{count(done.links_restored, 'link')} that somebody pushed meanwhile"
        )
    for line in done.doubts:
        click.echo(f"In doubt: {line}")


if __name__ == "__main__":
    collect_garbage(prog_name="python -m scripts.collect_garbage")
