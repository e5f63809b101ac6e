"""The stack as Terraform modules, for use without Python: ``wharf modules --directory dist``."""

import os
from pathlib import Path

import click

from scripts.errors import one_line_errors
from scripts.settings import chosen_environment


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="dist",
    show_default=True,
    help="Folder for the root module; the other modules go into its folder modules/.",
)
@click.option(
    "--defaults",
    is_flag=True,
    help="Ignore wharf.toml and WHARF_…, as the snapshots in tests/snapshots do.",
)
@click.option(
    "--environment",
    metavar="NAME",
    help="Environment whose settings are used; required if wharf.toml has several.",
)
@one_line_errors()
def modules(directory: Path, defaults: bool, environment: str | None) -> None:
    """Write the stack as Terraform modules.

    Writes a root module, and a module for each construct. Files of an earlier run that are no
    longer part of the modules are deleted; other files stay.
    """
    file, variables = (Path(os.devnull), {}) if defaults else (Path("wharf.toml"), os.environ)
    settings = chosen_environment(file, environment, variables)
    # The bindings take seconds to load; errors in settings are reported before.
    from scripts.terraform_modules.emission import emit, write

    written = emit(settings)
    write(directory, written)
    click.echo(f"Wrote {len(written)} files to {directory}")
