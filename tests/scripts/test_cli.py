"""The command ``wharf``: every subcommand, its help, what it imports, completion, exit statuses."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from scripts.check_integrity import BROKEN
from scripts.cli import SECTIONS, Lazy, main, wharf

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = [command for commands in SECTIONS.values() for command in commands]
of_each_command = pytest.mark.parametrize("lazy", COMMANDS, ids=lambda command: command.name)


def walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and its subcommands, each with its path."""
    yield path, command
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            yield from walk(subcommand, *path, name)


def every_option(lazy: Lazy) -> Iterator[tuple[str, str]]:
    for path, command in walk(lazy.load(), str(lazy.name)):
        for option in command.params:
            if isinstance(option, click.Option):
                yield " ".join([*path, *option.opts]), option.help or ""


def python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'nginx-proxy'}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@of_each_command
def test_every_help_works(lazy: Lazy) -> None:
    for path, _ in walk(lazy.load(), str(lazy.name)):
        done = CliRunner().invoke(wharf, [*path, "--help"], prog_name="wharf")
        assert done.exit_code == 0
        assert done.output.startswith(f"Usage: wharf {' '.join(path)} ")


@of_each_command
def test_every_help_is_complete(lazy: Lazy) -> None:
    texts = [
        *(
            (" ".join(path), command.help or "")
            for path, command in walk(lazy.load(), str(lazy.name))
        ),
        *every_option(lazy),
    ]
    phrase = re.compile(r"[A-Z].* .*\.(  \[.*\])?\s*", re.DOTALL)
    assert not {name: text for name, text in texts if not phrase.fullmatch(text)}


@of_each_command
def test_summary_is_first_sentence_of_help(lazy: Lazy) -> None:
    assert lazy.load().get_short_help_str(200) == lazy.short_help


def test_help_has_every_command_in_its_section() -> None:
    lines = CliRunner().invoke(wharf, ["--help"], terminal_width=100).output.splitlines()
    for section, commands in SECTIONS.items():
        start = lines.index(f"{section}:") + 1
        shown = [line.split() for line in lines[start : start + len(commands)]]
        assert shown == [
            [command.name, *(command.short_help or "").split()] for command in commands
        ]


LOADED = """
import sys
from scripts.cli import main
try:
    main()
finally:
    print(*(one for one in sys.modules if one not in sys.stdlib_module_names), file=sys.stderr)
"""
#: What the help needs, beside Python.
LEAN = {"click", "scripts", "scripts.cli", "scripts.errors", "wharf_proxy", "wharf_proxy.errors"}


def loaded(*arguments: str, **environment: str) -> set[str]:
    """Return the modules that a run of the command has imported, of packages their names only."""
    names = python(LOADED, *arguments, **environment).stderr.splitlines()[-1].split()
    ours = ("scripts", "integration", "modules", "wharf_proxy")
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    site = {"__main__", "_distutils_hack", "sitecustomize", "usercustomize"}
    return {
        *(name for name in packages - site if not name.startswith("__editable__")),
        *(name for name in names if name.partition(".")[0] in ours),
    }


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["unknown"], {}),
        ([], {"_WHARF_COMPLETE": "bash_source"}),
        ([], {"_WHARF_COMPLETE": "bash_complete", "COMP_WORDS": "wharf ", "COMP_CWORD": "1"}),
    ],
    ids=str,
)
def test_command_is_imported_only_when_it_runs(
    arguments: list[str], environment: dict[str, str]
) -> None:
    assert loaded(*arguments, **environment) == LEAN


def test_command_imports_no_other_command() -> None:
    imported = loaded("users", "--help")
    assert "scripts.users" in imported
    others = {command._place.partition(":")[0] for command in COMMANDS} - {"scripts.users"}
    assert not imported & others
    assert not imported & {"boto3", "rich", "pydantic", "modules", "integration"}


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(), None))
from scripts.cli import SECTIONS
for command in (one for commands in SECTIONS.values() for one in commands):
    try:
        command.load()
        said = ""
    except Exception as error:
        said = str(error)
    print(command.name, said, sep="\\t")
"""


def test_commands_without_development_packages_name_what_installs_them() -> None:
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    development = lock["develop"].keys() - lock["default"].keys()
    missing = {
        name
        for name, distributions in packages_distributions().items()
        if {name.lower().replace("_", "-") for name in distributions} <= development
    }
    done = python(WITHOUT, " ".join(missing))
    said = dict(line.split("\t") for line in done.stdout.splitlines())
    assert list(said) == [command.name for command in COMMANDS]
    for command in COMMANDS:
        expected = (
            ""
            if command._target == "setup"
            else f"wharf {command.name} needs the Python package [a-z0-9_]+, which is not "
            f"installed: run `make {command._target}` in {REPOSITORY}"
        )
        assert re.fullmatch(expected, said[str(command.name)]), said[str(command.name)]


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert CliRunner().invoke(wharf, ["--version"]).output == f"wharf {project['version']}\n"
    assert project["scripts"] == {"wharf": "scripts.cli:main"}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("lo", ["load", "local"]),
        ("local s", ["status"]),
        ("gc --un", ["--untagged"]),
        ("load st", ["storm"]),
        ("nothing x", [""]),
    ],
)
def test_shell_completes_commands_options_and_values(typed: str, completed: list[str]) -> None:
    done = python(
        "from scripts.cli import main; main()",
        _WHARF_COMPLETE="bash_complete",
        COMP_WORDS=f"wharf {typed}",
        COMP_CWORD=str(len(typed.split())),
    )
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == completed
    assert done.stderr == ""


def test_completion_of_a_command_without_its_packages_is_empty() -> None:
    done = python(
        "import sys; sys.modules['locust'] = sys.modules['psutil'] = None\n"
        "from scripts.cli import main; main()",
        _WHARF_COMPLETE="bash_complete",
        COMP_WORDS="wharf load st",
        COMP_CWORD="2",
    )
    assert (done.stdout, done.stderr) == ("\n", "")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("--version", 0, ""),
        ("users list /nowhere", 1, "Error: /nowhere: No such file or directory: check the path"),
        ("retentoin", 2, "Error: No such command 'retentoin'. Did you mean 'retention'?"),
        ("gc", 2, "Error: Missing option '--bucket'."),
    ],
)
def test_exit_status(
    arguments: str,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["wharf", *arguments.split()])
    assert main() == status
    assert said in capsys.readouterr().err


def test_page_has_every_command() -> None:
    page = (REPOSITORY / "docs/command.md").read_text()
    assert re.findall(r"^\| `wharf ([a-z-]+)` \|", page, re.M) == [
        command.name for command in COMMANDS
    ]


def test_page_has_every_exit_status() -> None:
    page = (REPOSITORY / "docs/command.md").read_text()
    assert re.findall(r"^\| (\d+) \|", page, re.M) == ["0", "1", "2", str(BROKEN), "130"]


@pytest.mark.parametrize("file", ["Makefile", "scripts/test", ".github/workflows/nightly.yml"])
def test_callers_name_commands_that_exist(file: str) -> None:
    called = set(
        re.findall(
            r"(?:\$\(WHARF\)|\.venv/bin/wharf|part \w+ wharf) ([a-z-]+)",
            (REPOSITORY / file).read_text(),
        )
    )
    assert called
    assert called <= wharf.commands.keys()
