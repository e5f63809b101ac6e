"""Documents name files, functions, commands and sections that exist, and agree with each other."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from scripts.cli import wharf

REPOSITORY = Path(__file__).resolve().parents[1]

#: What readers or commands make, so that Git does not hold it.
MADE = ("build/", "dist/", "cdktf.out/", "registry/", ".venv/", ".tools/")
#: File names in emitted modules, in deployments, and in the programs that Wharf uses.
FOREIGN = re.compile(
    r"\w+\.tf|(wharf|retention|identities)\.toml|settings\.conf|HOST/hosts\.toml|wharf/removed-links\.json"
    r"|acme/\w+\.json|page/index\.json|page/hosts/NAME\.json"
)
FILE = re.compile(
    r"[\w.*-]+(/[\w.*-]+)*\.(py|lua|conf|cfg|toml|md|svg|yml|json|js|mjs|j2|hcl|tf)"
    r"|(modules|integration|scripts|tests|nginx-proxy|docs|\.github|\.ci)/[\w./*-]*"
    r"|(lua|wharf_proxy|bench|clients|faults|load|local|mutants|storms)/"
)


@cache
def tracked() -> tuple[str, ...]:
    """Return the files from the root of the repository, without folders that Git ignores."""
    ignored = {"/.git", *(line.rstrip("/") for line in text(".gitignore").splitlines())}
    found: list[str] = []
    for folder, folders, names in os.walk(REPOSITORY):
        above = f"/{Path(folder).relative_to(REPOSITORY)}/".replace("/./", "/")
        folders[:] = [name for name in folders if not ignored & {name, above + name}]
        found += [f"{above}{name}".lstrip("/") for name in names]
    return tuple(found)


def text(page: str) -> str:
    return (REPOSITORY / page).read_text()


PAGES = [
    name
    for name in sorted(tracked())
    if re.fullmatch(r"[A-Z]+\.md|docs/.*\.md|\.github/.*\.md", name)
]
of_each_page = pytest.mark.parametrize("page", PAGES)


def code(page: str) -> Iterator[str]:
    """Yield the text between backticks, and each line of the code blocks."""
    for line in text(page).splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def places(name: str) -> list[str]:
    """Return the tracked files that a path means, however much of its beginning is left out."""
    pattern = re.escape(name.replace("NAME", "*")).replace(r"\*", "[^/]*")
    end = "" if name.endswith("/") else "(/|$)"
    return [file for file in tracked() if re.search(f"(^|/){pattern}{end}", file)]


def missing(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if not places(name)})


@of_each_page
def test_files_exist(page: str) -> None:
    words = (word.partition("::")[0] for text in code(page) for word in text.split())
    named = (word for word in words if FILE.fullmatch(word))
    assert not missing(
        word for word in named if not word.startswith(MADE) and not FOREIGN.fullmatch(word)
    )


def options_of(call: list[str]) -> set[str]:
    """Return the options of the subcommand that a call of ``wharf`` names.

    Raises:
        NoSuchCommand: there is no such subcommand.
    """
    command: click.Command = wharf
    context = click.Context(command, info_name="wharf")
    while isinstance(command, click.Group) and call and not call[0].startswith("-"):
        _, found, call = command.resolve_command(context, call)
        assert found
        command = found
    return {"--help", *(name for option in command.params for name in option.opts)}


@of_each_page
def test_commands_and_their_options_exist(page: str) -> None:
    wrong = []
    for line in code(page):
        for call in re.findall(r"(?:^|[ /(;])wharf ([a-z-]+[^#|;)]*)", line):
            used = {word.strip("[]").partition("=")[0] for word in call.split()}
            options = {word for word in used if word.startswith("--")}
            wrong += sorted(options - options_of(call.split()))
        wrong += re.findall(r"python -m (?:scripts|integration)\S*", line)
    assert not wrong


@of_each_page
def test_make_targets_exist(page: str) -> None:
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE)
    named = {
        f"make {target}" for line in code(page) for target in re.findall(r"^make ([a-z-]+)", line)
    }
    assert not named - {f"make {target}" for target in targets}


def names(file: str) -> set[str]:
    """Return the names that a file of Python or Lua defines, without their classes."""
    source = text(file)
    if not file.endswith(".py"):
        return set(re.findall(r"function (?:M\.)?(\w+)", source))
    tree = list(ast.walk(ast.parse(source)))
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assigned = [node.targets[0] for node in tree if isinstance(node, ast.Assign)]
    assigned += [node.target for node in tree if isinstance(node, ast.AnnAssign)]
    return {
        *(node.name for node in tree if isinstance(node, defined)),
        *(node.id for node in assigned if isinstance(node, ast.Name)),
        *(node.attr for node in assigned if isinstance(node, ast.Attribute)),
    }


@of_each_page
def test_functions_exist(page: str) -> None:
    """``file.py::Class::function``, as pytest writes it; of another file a text that it holds."""
    wrong = []
    for file, *parts in (
        place.split("::") for place in code(page) if "::" in place and " -m " not in place
    ):
        places_of_file = places(file)
        for part in parts if places_of_file else ():
            held = [
                part in names(place) if place.endswith((".py", ".lua")) else part in text(place)
                for place in places_of_file
            ]
            wrong += [] if any(held) else [f"{file}::{part}"]
    assert not wrong


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    bare = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {slug(heading) for heading in headings} | set(
        re.findall(r'<a id="([^"]+)">', text(page))
    )


def links(page: str) -> Iterator[tuple[str, str]]:
    """Yield the file, from the root, and the anchor of each link within the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            found = (REPOSITORY / page).parent / file if file else REPOSITORY / page
            yield str(found.resolve().relative_to(REPOSITORY)), anchor


@of_each_page
def test_links_lead_somewhere(page: str) -> None:
    known = set(links(page))
    assert not {file for file, _ in known if not (REPOSITORY / file).exists()}
    assert not {
        f"{file}#{anchor}" for file, anchor in known if anchor and anchor not in anchors(file)
    }


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/decisions/")])
def test_each_decision_is_listed_and_has_date_reason_and_what_would_change_it(page: str) -> None:
    records = re.split(r"^## (.+)$", text(page), flags=re.MULTILINE)[1:]
    listed = {anchor for file, anchor in links("docs/decisions.md") if file == page and anchor}
    assert listed == {slug(heading) for heading in records[::2]}
    for record in records[1::2]:
        assert re.match(
            r"\s+\*Date:\* 20\d\d-\d\d-\d\d\..*\n\n\*Reason:\* .+\n\n\*What would change it:\* .",
            record,
            re.DOTALL,
        ), record


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    versions = re.findall(r"^## \[(\d\S*)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == project["version"]


def test_every_package_names_the_same_licence() -> None:
    assert [
        tomllib.loads(text("pyproject.toml"))["project"]["license"],
        tomllib.loads(text("nginx-proxy/pyproject.toml"))["project"]["license"],
        json.loads(text("package.json"))["license"],
        *re.findall(r"image\.licenses=(\S+)", text("nginx-proxy/Dockerfile")),
        *re.findall(
            r'^LICENSE = "\[([^]]+)\]', text("scripts/terraform_modules/readme.py"), re.MULTILINE
        ),
    ] == ["Apache-2.0"] * 5
    assert "Apache License" in text("LICENSE")


def test_readme_has_the_two_commands_that_set_a_machine_up() -> None:
    commands = {line.strip() for line in text("README.md").splitlines() if line.startswith("    ")}
    assert {"make demo", "make test"} <= commands
    assert text(".ci/run").splitlines()[-1] in commands
