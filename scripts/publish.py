"""Publish the proxy's three files to the configuration bucket, from which every host fetches them.

python -m scripts.publish --bucket my-configuration --directory .
"""

from pathlib import Path

import click
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NAMES, check, read

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
    "--region",
    envvar="AWS_REGION",
    help="The bucket's AWS region.  [default: AWS_REGION, else as for any AWS program]",
)
@one_line_errors()
def publish(bucket: str, directory: Path, region: str | None) -> None:
    """Check the proxy's three files, with the checks of its own start, and upload them.

    If one of them is bad, none is uploaded.
    """
    try:
        files = read(directory)
        check(files)
    except ConfigurationError as error:
        raise ConfigurationError(f"{directory}: {error} (nothing was uploaded)") from None
    Bucket(bucket, region=region).upload(files)
    for name, content in files.items():
        click.echo(f"Wrote s3://{bucket}/{name} ({len(content)} bytes)")
    click.echo("Each host reads them when its proxy starts")


if __name__ == "__main__":
    publish(prog_name="python -m scripts.publish")
