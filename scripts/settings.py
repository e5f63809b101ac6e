"""Settings of each environment, and their page in the documentation: ``wharf settings``."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from modules.errors import SettingsError
from modules.settings.file import load_environments
from modules.settings.settings import Settings
from scripts.errors import one_line_errors
from scripts.settings_page import PAGE, page

#: Without this file all settings have their defaults, or come from variables.
DEFAULT = Path("wharf.toml")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON.")
@click.option("--page", "writes_page", is_flag=True, help="Write docs/settings.md instead.")
@one_line_errors(SettingsError)
def settings(as_json: bool, writes_page: bool) -> None:
    """Show the settings of each environment.

    Values come from wharf.toml and WHARF_… variables; the other settings have their defaults.
    """
    if writes_page:
        PAGE.write_text(page())
        return
    environments = load_environments(DEFAULT, os.environ)
    values = {each.name: each.model_dump(mode="json") for each in environments}
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    for name, chosen in values.items():
        click.echo(f"[{name}]")
        for setting, value in chosen.items():
            click.echo(f"{setting} = {json.dumps(value, ensure_ascii=False)}")


def of_environment(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument ENVIRONMENT and the option ``--file`` to a command."""
    file = click.option(
        "--file",
        type=click.Path(dir_okay=False, path_type=Path),
        default="wharf.toml",
        show_default=True,
        help="File with the settings.",
    )
    return click.argument("environment", required=False)(file(command))


def chosen_environment(
    file: Path, environment: str | None, variables: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of an environment; without a name, those of the only environment.

    Raises:
        click.ClickException: a setting cannot be used, the file is missing and is not the default
            one, or there are several environments.
    """
    if file != DEFAULT and not file.exists():
        raise click.ClickException(f"{file}: does not exist: correct --file")
    try:
        environments = load_environments(file, variables)
    except SettingsError as error:
        raise click.ClickException("\nError: ".join(str(error).splitlines())) from None
    found = [each for each in environments if environment in (None, each.name)]
    if len(found) != 1:
        names = ", ".join(each.name for each in environments)
        wrong = "several environments" if environment is None else f"no environment {environment}"
        raise click.ClickException(f"{file}: has {wrong}: choose one of: {names}")
    return found[0]
