"""Tell how much each repository takes in the image bucket.

python -m scripts.usage --bucket IMAGE_BUCKET
"""

import csv
import json
import sys
from dataclasses import asdict, fields

import click
from rich.console import Console
from rich.table import Table

from scripts.errors import one_line_errors
from scripts.registry_storage.command import bucket, concurrency, count, region, size, working
from scripts.registry_storage.garbage import doubts
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import read_blobs, read_repositories, require_registry
from scripts.registry_storage.store import S3Store
from scripts.registry_storage.usage import RepositoryUsage, Usage, measure


@click.command()
@bucket
@region
@click.option("--json", "form", flag_value="json", help="Print JSON; sizes in bytes.")
@click.option("--csv", "form", flag_value="csv", help="Print the repositories as CSV.")
@concurrency
@one_line_errors()
def usage(bucket: str, region: str | None, form: str | None, concurrency: int) -> None:
    """Add up the blobs of each repository: all, and those that no other has."""
    store = S3Store(bucket, region=region, connections=concurrency)
    require_registry(store, bucket)
    with working(concurrency) as work:
        blobs = read_blobs(store, work)
        repositories = read_repositories(store, work)
        needs = Manifests(store, work).read(manifests_of(repositories))
        found = measure(blobs, repositories, needs)
    for repository in repositories.values():
        for line in doubts(repository, needs):
            click.echo(f"Warning: {line}", err=True)
    if form == "json":
        click.echo(json.dumps(asdict(found), indent=2, default=str))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(field.name for field in fields(RepositoryUsage))
        writer.writerows(asdict(one).values() for one in found.repositories)
    else:
        _tell(found)


def _tell(found: Usage) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("repository", overflow="fold")
    for heading in ("tags", "manifests", "size", "own", "newest push (UTC)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found.repositories:
        table.add_row(
            one.repository,
            f"{one.tags:,}",
            f"{one.manifests:,}",
            size(one.bytes),
            size(one.own_bytes),
            f"{one.newest_push:%Y-%m-%d %H:%M}" if one.newest_push else "never",
        )
    Console(markup=False, highlight=False).print(table)
    click.echo(
        f"{count(found.blobs, 'blob')}, {size(found.bytes)}; "
        f"several repositories share {size(found.shared_bytes)}; "
        f"no image needs {size(found.unneeded_bytes)}"
    )


if __name__ == "__main__":
    usage(prog_name="python -m scripts.usage")
