"""Publish the proxy's files to the configuration bucket, from which every host fetches them.

python -m scripts.publish --bucket my-configuration --directory .
"""

from pathlib import Path

import click
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NAMES, check, read, warnings

from scripts.errors import one_line_errors


@click.command()
@click.option("--bucket", required=True, help="The configuration bucket's name.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="this folder",
    help=f"Where {', '.join(NAMES)} are.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with the authorities that the clients trust, to check the certificate against.",
)
@click.option(
    "--region",
    envvar="AWS_REGION",
    help="The bucket's AWS region.  [default: AWS_REGION, else as for any AWS program]",
)
@one_line_errors()
def publish(bucket: str, directory: Path, ca: Path | None, region: str | None) -> None:
    """Check the proxy's files, with the checks of its own start, and upload them.

    If one of them is bad, none is uploaded. nginx.permissions is optional, and one that is in the
    bucket but not in the folder stays in force.
    """
    try:
        files = read(directory)
        trusted = ca.read_bytes() if ca else None
        check(files, ca=trusted, ca_file=str(ca))
    except ConfigurationError as error:
        raise ConfigurationError(f"{directory}: {error} (nothing was uploaded)") from None
    for line in warnings(files, ca=trusted):
        click.echo(f"Warning: {directory}: {line}", err=True)
    Bucket(bucket, region=region).upload(files)
    for name, content in files.items():
        click.echo(f"Wrote s3://{bucket}/{name} ({len(content)} bytes)")
    click.echo("Each host reads them within its refresh time, a minute by default")


if __name__ == "__main__":
    publish(prog_name="python -m scripts.publish")
