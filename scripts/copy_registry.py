"""Copy a registry to another bucket, or back, within S3; only what is missing there.

python -m scripts.copy_registry --bucket IMAGE_BUCKET --to BACKUP_BUCKET
"""

import click
from wharf_proxy.errors import ConfigurationError

from scripts.errors import one_line_errors
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
from scripts.registry_storage.copying import Copied, Plan, carry_out, plan
from scripts.registry_storage.store import S3Store


@click.command()
@bucket
@click.option("--to", "target_bucket", required=True, help="The bucket that gets the copy.")
@region
@click.option(
    "--to-region", help="The region of the copy's bucket.  [default: that of the image bucket]"
)
@click.option("--keep-tags", is_flag=True, help="A tag that the other bucket has stays as it is.")
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
    """Copy blobs, links and tags that the other bucket lacks, while the registry is in use.

    Nothing is deleted there. Interrupted, it goes on when it is run again. To restore, copy in the
    other direction.
    """
    if bucket == target_bucket:
        raise ConfigurationError(f"--to {target_bucket}: it is the bucket itself: name another")
    source = S3Store(bucket, region=region, connections=concurrency)
    target = S3Store(target_bucket, region=to_region or region, connections=concurrency)
    with working(concurrency) as work:
        lacking = plan(source, target, work, keep_tags=keep_tags)
        if dry_run:
            done = _planned(lacking)
        else:
            done = carry_out(lacking, target, work, bucket)
            left = plan(source, target, work, keep_tags=keep_tags) if done.gone else None
    if as_json:
        print_json(done, dry_run=dry_run)
    else:
        _tell(done, dry_run)
    if not dry_run and left and (left.blobs or left.links):
        raise ConfigurationError(
            f"{bucket}: objects went away while they were copied: run this again"
        )


def _planned(lacking: Plan) -> Copied:
    return Copied(
        blobs=len(lacking.blobs),
        bytes=sum(blob.size for blob in lacking.blobs),
        links=len(lacking.links),
        tags=len(lacking.tags),
        present=lacking.present,
    )


def _tell(done: Copied, dry_run: bool) -> None:
    verb = "Would copy" if dry_run else "Copied"
    click.echo(f"{verb} {count(done.blobs, 'blob')} ({size(done.bytes)})")
    click.echo(f"{verb} {count(done.links, 'link')} and {count(done.tags, 'tag')}")
    click.echo(f"{count(done.present, 'object')} were there already")
    if done.gone:
        click.echo(f"{count(done.gone, 'object')} went away while this ran")


if __name__ == "__main__":
    copy_registry(prog_name="python -m scripts.copy_registry")
