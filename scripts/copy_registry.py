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
from scripts.registry_storage.comparison import Lacking, compare
from scripts.registry_storage.copying import Copied, copy_lacking
from scripts.registry_storage.snapshot import require_registry
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
    require_registry(source, bucket)
    target = S3Store(target_bucket, region=to_region or region, connections=concurrency)
    with working(concurrency) as work:
        if dry_run:
            done = _planned(compare(source, target, work, keep_tags=keep_tags))
        else:
            done = copy_lacking(source, target, work, bucket, keep_tags=keep_tags)
    if as_json:
        print_json(done, dry_run=dry_run)
    else:
        _tell(done, dry_run)
    said = []
    if done.incomplete:
        said.append(
            f"{count(len(done.incomplete), 'tag or manifest', 'tags and manifests')} "
            "not copied, for something that they need is not there: run this again; if it says so "
            f"again, see `python -m scripts.check_integrity --bucket {bucket}`"
        )
    if done.faults:
        said.append(
            f"{count(len(done.faults), 'object')} left out, see above: put them right in the "
            "registry, or remove a wrong one from the copy, and run this again"
        )
    if said:
        raise ConfigurationError("; ".join([f"{bucket}: {said[0]}", *said[1:]]))


def _planned(lacking: Lacking) -> Copied:
    return Copied(
        blobs=len(lacking.blobs),
        bytes=sum(blob.size for blob in lacking.blobs),
        links=lacking.links,
        tags=len(lacking.tags),
        present=lacking.present,
        faults=[*lacking.differing, *lacking.spoilt],
    )


def _tell(done: Copied, dry_run: bool) -> None:
    verb = "Would copy" if dry_run else "Copied"
    click.echo(f"{verb} {count(done.blobs, 'blob')} ({size(done.bytes)})")
    click.echo(f"{verb} {count(done.links, 'link')} and {count(done.tags, 'tag')}")
    click.echo(f"{count(done.present, 'object')} were there already")
    if done.gone:
        click.echo(f"{count(done.gone, 'object')} went away while this ran")
    for tag in done.incomplete:
        click.echo(f"Not copied: {tag}")
    for fault in done.faults:
        click.echo(f"Left out: {fault}")
    for hole in done.holes:
        click.echo(f"Copied as the registry serves it: {hole}")


if __name__ == "__main__":
    copy_registry(prog_name="python -m scripts.copy_registry")
