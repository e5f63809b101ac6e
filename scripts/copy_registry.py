"""Copy of a registry, or its restore: ``wharf copy --bucket IMAGE_BUCKET --to BACKUP_BUCKET``."""

import click
from wharf_proxy.errors import ConfigurationError

from scripts.errors import one_line_errors
from scripts.options import region
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
from scripts.registry_storage.comparison import Lacking, compare
from scripts.registry_storage.copying import Copied, copy_lacking
from scripts.registry_storage.store import S3Store


@click.command()
@bucket
@click.option("--to", "target_bucket", required=True, help="Name of the bucket that gets the copy.")
@region
@click.option(
    "--to-region", help="AWS region of the bucket that gets the copy.  [default: --region]"
)
@click.option(
    "--keep-tags", is_flag=True, help="Leave tags unchanged that the other bucket has already."
)
@dry_run
@as_json
@concurrency
@one_line_errors()
def copy_registry(
    bucket: str,
    target_bucket: str,
    region: str | None,
    to_region: str | None,
    keep_tags: bool,
    dry_run: bool,
    as_json: bool,
    concurrency: int,
) -> None:
    """Copy a registry to another bucket, or back.

    Copies the blobs, links and tags that the other bucket lacks, within S3, and deletes nothing
    there. The registry can be in use. After an interruption, the next run continues the work. To
    restore, copy in the other direction.
    """
    if bucket == target_bucket:
        raise ConfigurationError(
            f"--to {target_bucket}: it is the source bucket: give another bucket"
        )
    with opened(bucket, region, concurrency) as (source, work):
        target = S3Store(target_bucket, region=to_region or region, connections=concurrency)
        if dry_run:
            done = _planned(compare(source, target, work, keep_tags=keep_tags))
        else:
            done = copy_lacking(source, target, work, bucket, keep_tags=keep_tags)
    if as_json:
        print_json(done, dry_run=dry_run)
    else:
        _tell(done, dry_run)
    problems = []
    if done.incomplete:
        problems.append(
            f"{count(len(done.incomplete), 'tag or manifest', 'tags and manifests')} "
            "not copied, because objects that they need are absent: run this again; if the message "
            f"comes again, see `wharf check --bucket {bucket}`"
        )
    if done.faults:
        problems.append(
            f"{count(len(done.faults), 'object')} left out, see above: correct them in the "
            "registry, or delete a damaged object from the copy, and run this again"
        )
    if problems:
        raise ConfigurationError("; ".join([f"{bucket}: {problems[0]}", *problems[1:]]))


def _planned(lacking: Lacking) -> Copied:
    return Copied(
        blobs=len(lacking.blobs),
        bytes=sum(blob.size for blob in lacking.blobs),
        links=lacking.links,
        tags=len(lacking.tags),
        present=lacking.present,
        faults=[*lacking.differing, *lacking.invalid],
    )


def _tell(done: Copied, dry_run: bool) -> None:
    verb = "Would copy" if dry_run else "Copied"
    click.echo(f"{verb} {count(done.blobs, 'blob')} ({size(done.bytes)})")
    click.echo(f"{verb} {count(done.links, 'link')} and {count(done.tags, 'tag')}")
    click.echo(f"{count(done.present, 'object')} existed already")
    if done.gone:
        click.echo(f"{count(done.gone, 'object')} were deleted while this ran")
    for tag in done.incomplete:
        click.echo(f"Not copied: {tag}")
    for fault in done.faults:
        click.echo(f"Left out: {fault}")
    for hole in done.holes:
        click.echo(f"Copied as the registry serves it: {hole}")
