"""Upload of the configuration files, which every host fetches: ``wharf publish``."""

from collections.abc import Mapping
from pathlib import Path

import click
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import CERTIFICATE, KEY, NAMES, check, check_logins, needed, read, warnings
from wharf_proxy.renewal import MARK

from scripts.errors import one_line_errors
from scripts.options import region


@click.command()
@click.option("--bucket", required=True, help="Name of the configuration bucket.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="this folder",
    help=f"Folder with {', '.join(NAMES)}.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with the authorities that clients trust; checks the certificate against them.",
)
@click.option(
    "--acme", is_flag=True, help=f"Leave {CERTIFICATE} and {KEY} to the setting acme_email."
)
@region
@one_line_errors()
def publish(bucket: str, directory: Path, ca: Path | None, acme: bool, region: str | None) -> None:
    """Check and upload users, certificate, key and permissions.

    The checks are those of a starting host. If a file is invalid, no file is uploaded.
    nginx.permissions and identities.toml are optional: without one in the folder, that of the
    bucket stays in force.
    """
    try:
        files = read(directory)
        trusted = ca.read_bytes() if ca else None
        if acme:
            _check_without_certificate(files)
        else:
            check(files, ca=trusted, ca_file=str(ca))
    except ConfigurationError as error:
        raise ConfigurationError(f"{directory}: {error} (nothing was uploaded)") from None
    for line in () if acme else warnings(files, ca=trusted):
        click.echo(f"Warning: {directory}: {line}", err=True)
    place = Bucket(bucket, region=region)
    renewed = not acme and _is_renewed(place)
    place.upload(files)
    for name, content in files.items():
        click.echo(f"Wrote s3://{bucket}/{name} ({len(content)} bytes)")
    if renewed:
        click.echo(
            f"Warning: {CERTIFICATE} in the bucket was renewed by itself (acme_email); yours has "
            "taken its place, and is not: see docs/certificates.md, and use --acme",
            err=True,
        )
    click.echo("Each host reads them within its refresh time, a minute by default")


def _is_renewed(bucket: Bucket) -> bool:
    """Return whether the certificate in force comes from an ACME authority."""
    try:
        found = bucket.read(CERTIFICATE)
    except ConfigurationError:
        return False  # An operator may be allowed to write only.
    return found is not None and MARK in found.metadata


def _check_without_certificate(files: Mapping[str, bytes]) -> None:
    """Check the files of a registry whose certificate comes from an ACME authority.

    Raises:
        ConfigurationError: the first thing wrong, or a certificate, which would replace that.
    """
    for name in (CERTIFICATE, KEY):
        if name in files:
            raise ConfigurationError(f"{name}: is there, and --acme is given: remove one of them")
    missing = [name for name in needed(files) if name not in (CERTIFICATE, KEY, *files)]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} missing: write it, or identities.toml")
    check_logins(files)
