"""Storage that each repository takes in the image bucket: ``wharf usage --bucket IMAGE_BUCKET``."""

import csv
import json
import sys
from dataclasses import asdict, fields

import click
from rich.console import Console
from rich.table import Table
from wharf_proxy import bucket as buckets
from wharf_proxy import page_index

from scripts.errors import one_line_errors
from scripts.options import region
from scripts.registry_storage.command import bucket, concurrency, count, opened, size
from scripts.registry_storage.garbage import doubts
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import read_blobs, read_repositories
from scripts.registry_storage.usage import RepositoryUsage, Usage, measure


@click.command()
@bucket
@region
@click.option(
    "--json", "form", flag_value="json", help="Print the result as JSON, with sizes in bytes."
)
@click.option(
    "--csv", "form", flag_value="csv", help="Print the repositories as CSV, with sizes in bytes."
)
@click.option(
    "--index",
    is_flag=True,
    help="Write the index of the registry's page now, and show nothing; a host does it each hour.",
)
@concurrency
@one_line_errors()
def usage(bucket: str, region: str | None, form: str | None, index: bool, concurrency: int) -> None:
    """Show how much storage each repository takes.

    Sizes are of all blobs of a repository, and of the blobs that no other repository has.
    """
    if index:
        if form:
            raise click.UsageError(f"--index shows nothing: leave --{form} out")
        with buckets.one_line_errors(bucket, "s3:ListBucket and s3:PutObject"):
            page_index.write(buckets.connect(region), bucket)
        return
    with opened(bucket, region, concurrency) as (store, work):
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
        writer.writerows(asdict(repository).values() for repository in found.repositories)
    else:
        _tell(found)


def _tell(found: Usage) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("repository", overflow="fold")
    for heading in ("tags", "manifests", "size", "own", "newest push (UTC)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for usage in found.repositories:
        table.add_row(
            f"{usage.repository} (mirror)" if usage.mirrored else usage.repository,
            f"{usage.tags:,}",
            f"{usage.manifests:,}",
            size(usage.bytes),
            size(usage.own_bytes),
            f"{usage.newest_push:%Y-%m-%d %H:%M}" if usage.newest_push else "never",
        )
    Console(markup=False, highlight=False).print(table)
    click.echo(
        f"{count(found.blobs, 'blob')}, {size(found.bytes)}; "
        f"several repositories share {size(found.shared_bytes)}; "
        f"no image needs {size(found.unneeded_bytes)}"
    )
