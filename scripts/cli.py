"""The command ``wharf``: its subcommands, each in a module that is imported only when it runs."""

import sys
import tomllib
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from scripts.errors import run

REPOSITORY = Path(__file__).resolve().parents[1]
#: Traceback of a defect.
LOG = REPOSITORY / "build" / "error.log"


class Lazy(click.Command):
    """A subcommand that is known by name and summary until it runs.

    Args:
        name: of the subcommand.
        summary: the first sentence of its help.
        place: ``module:function``.
        target: of make; installs the packages that the subcommand needs.
        needs: packages that the subcommand only uses once it has begun its work.
    """

    def __init__(
        self, name: str, summary: str, place: str, target: str = "setup", *needs: str
    ) -> None:
        super().__init__(name, short_help=summary)
        self._place, self._target, self._needs = place, target, needs

    def load(self) -> click.Command:
        """Import the subcommand.

        Raises:
            click.ClickException: a package is missing.
        """
        module, _, function = self._place.partition(":")
        try:
            for package in self._needs:
                if find_spec(package) is None:
                    raise ModuleNotFoundError(name=package)
            command: click.Command = getattr(import_module(module), function)
        except ModuleNotFoundError as error:
            package = str(error.name).partition(".")[0]
            raise click.ClickException(
                f"wharf {self.name} needs the Python package {package}, which is not installed: "
                f"run `make {self._target}` in {REPOSITORY}"
            ) from None
        return command


SECTIONS = {
    "Deploy a registry": (
        Lazy("settings", "Show the settings of each environment.", "scripts.settings:settings"),
        Lazy("capacity", "Calculate how many hosts a deployment needs.",
             "scripts.capacity.capacity_command:capacity"),
        Lazy("image", "Build the proxy's image and push it to ECR.",
             "scripts.image:image"),
        Lazy("modules", "Write the stack as Terraform modules.", "scripts.modules:modules"),
        Lazy("workspace", "Write settings as variables of a Terraform Cloud workspace.",
             "scripts.workspace:main"),
        Lazy("start", "Make users and a certificate, publish them, and wait for the registry.",
             "scripts.start:start"),
    ),
    "Operate a registry": (
        Lazy("users", "Add, remove, list and verify users.", "scripts.users:users"),
        Lazy("certificate", "Create or check the certificate and its key.",
             "scripts.certificate:certificate"),
        Lazy("publish", "Check and upload users, certificate, key and permissions.",
             "scripts.publish:publish"),
        Lazy("usage", "Show how much storage each repository takes.", "scripts.usage:usage"),
        Lazy("retention", "Remove the tags that no rule keeps.", "scripts.retention:retention"),
        Lazy("gc", "Remove blobs, links and uploads that no image needs.",
             "scripts.collect_garbage:collect_garbage"),
        Lazy("copy", "Copy a registry to another bucket, or back.",
             "scripts.copy_registry:copy_registry"),
        Lazy("check", "Recompute digests and find missing objects.",
             "scripts.check_integrity:check_integrity"),
    ),
    "Try it on this machine": (
        Lazy("demo", "Push, kill a host, and pull from the others.",
             "integration.demo:demo", "setup-local"),
        Lazy("local", "Run the whole stack on an emulated AWS API.",
             "integration.local.local_command:main", "setup-local"),
    ),
    "Measure and break a registry": (
        Lazy("load", "Load a registry and judge the result.",
             "integration.load.load_command:main", "setup-local"),
        Lazy("bench", "Benchmark the proxy beside its alternatives.",
             "integration.bench.bench_command:bench", "setup-local"),
        Lazy("storms", "Measure storms of pulls beside the model of capacity.",
             "integration.storms.storms_command:storms", "setup-local"),
        Lazy("faults", "Cause faults while clients push and pull.",
             "integration.faults.faults_command:main", "setup-local"),
        Lazy("floods", "Flood a registry and measure well-behaved clients.",
             "integration.floods.floods_command:floods", "setup-local"),
        Lazy("nightly", "Deploy, test, load and destroy a registry.",
             "scripts.nightly.nightly_command:main", "setup-tests", "pytest"),
        Lazy("sweep", "Remove resources that nightly runs left behind.",
             "scripts.sweep.sweep_command:main"),
    ),
    "Develop Wharf": (
        Lazy("mutants", "Show that each deliberate defect fails its test.",
             "integration.mutants.mutants_command:main", "setup-tests"),
        Lazy("clients", "Make the root file system of the current clients.",
             "integration.clients.clients_command:main", "setup-local"),
        Lazy("security", "Check the stack and its modules with checkov.",
             "scripts.security:security"),
        Lazy("bench-synth", "Measure how long synthesis takes.",
             "scripts.bench_synth:bench_synth", "setup-local", "cdktn"),
    ),
}  # fmt: skip


class Wharf(click.Group):
    """A group that imports a subcommand when it runs, and lists all of them in sections."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that the arguments name, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, Lazy):
            try:
                command = command.load()
            except click.ClickException:
                # A completion completes nothing, and prints nothing.
                if not ctx.resilient_parsing:
                    raise
        return name, command, rest

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands of each section."""
        width = max(map(len, self.commands))
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(f"{each.name:{width}}", each.get_short_help_str(100)) for each in commands]
                )


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
        click.echo(f"wharf {project['version']}")
        ctx.exit()


wharf = Wharf(
    "wharf",
    commands=[command for commands in SECTIONS.values() for command in commands],
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        )
    ],
    help="A private Docker registry on AWS: deploy, operate and test it.",
    epilog="docs/command.md has the exit statuses and the completion for shells.",
)


def main() -> int:
    """Run the command line; return the exit status."""
    return run(partial(wharf, prog_name="wharf", standalone_mode=False), LOG)


if __name__ == "__main__":
    sys.exit(main())
