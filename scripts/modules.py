"""Write the stack as Terraform modules, for people who never touch Python.

python -m scripts.modules --directory dist
"""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from modules.settings import Settings
from modules.settings_file import SettingsError, load_environments
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
@click.option("--environment", metavar="NAME", help="Whose settings, where wharf.toml has several.")
@one_line_errors()
def modules(directory: Path, defaults: bool, environment: str | None) -> None:
    """Write the stack of the settings as a root module and a module for each of its constructs.

    Files of an earlier run that are no longer made are removed; all other files stay.
    """
    file, variables = (Path(os.devnull), {}) if defaults else (Path("wharf.toml"), os.environ)
    try:
        settings = _chosen(load_environments(file, variables), environment)
        # After the settings: loading the bindings takes seconds, a typing error should not.
        from scripts.emit.emission import emit, write

        written = emit(settings)
    except (SettingsError, EmitError) as error:
        raise click.ClickException("\nError: ".join(str(error).splitlines())) from None
    write(directory, written)
    click.echo(f"Wrote {len(written)} files to {directory}")


def _chosen(environments: Sequence[Settings], name: str | None) -> Settings:
    """The environment of this name, or the only one."""
    names = [one.name for one in environments]
    if name is None and len(names) == 1:
        return environments[0]
    if name not in names:
        raise SettingsError(f"--environment {name or 'NAME'}: it must be {' or '.join(names)}")
    return environments[names.index(name)]


if __name__ == "__main__":
    modules(prog_name="python -m scripts.modules")
