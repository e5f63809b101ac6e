"""Write the stack as Terraform modules, for people who never touch Python.

python -m scripts.modules --directory dist
"""

import os
from pathlib import Path

import click

from modules.settings import SettingsError, load_settings
from scripts.emit.errors import EmitError
from scripts.errors import one_line_errors


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="dist",
    show_default=True,
    help="Where the modules go: the root here, the others below modules/.",
)
@click.option(
    "--defaults",
    is_flag=True,
    help="Take no settings from wharf.toml and WHARF_…; tests/snapshots is made so.",
)
@one_line_errors()
def modules(directory: Path, defaults: bool) -> None:
    """Write the stack of the settings as a root module and a module for each of its constructs.

    Files of an earlier run that are no longer made are removed; all other files stay.
    """
    file, environment = (Path(os.devnull), {}) if defaults else (Path("wharf.toml"), os.environ)
    try:
        settings = load_settings(file, environment)
        # After the settings: loading the bindings takes seconds, a typing error should not.
        from scripts.emit.emission import emit, write

        written = emit(settings)
    except (SettingsError, EmitError) as error:
        raise click.ClickException("\nError: ".join(str(error).splitlines())) from None
    write(directory, written)
    click.echo(f"Wrote {len(written)} files to {directory}")


if __name__ == "__main__":
    modules(prog_name="python -m scripts.modules")
