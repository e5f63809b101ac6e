"""Root file system of the current clients, and their table for the page: ``wharf clients``."""

import click

from integration.clients.root import root_file_system
from integration.clients.table import PACKAGES, table
from integration.console.signals import ends_on_signals


@click.command()
@click.option("--table", "shown", is_flag=True, help="Print the table of docs/clients.md instead.")
def main(shown: bool) -> None:
    """Make the root file system of the current clients.

    Prints its folder. A file system that is up to date stays unchanged.
    """
    if shown:
        click.echo(table(), nl=False)
        return
    with ends_on_signals():
        click.echo(root_file_system(PACKAGES))
