"""Documents name files, functions, commands and sections that exist, and agree with each other."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

#: What readers or commands make, so that Git does not hold it.
MADE = ("build/", "dist/", "cdktf.out/", "registry/", ".venv/", ".tools/")
#: Parts that documents mention already, and that branches of their own bring.
AWAITED: set[str] = set()
#: File names in emitted modules, in deployments, and in the programs that Wharf uses.
FOREIGN = re.compile(
    r"\w+\.tf|(wharf|retention)\.toml|settings\.conf|HOST/hosts\.toml|wharf/removed-links\.json"
)
FILE = re.compile(
    r"[\w.*-]+(/[\w.*-]+)*\.(py|lua|conf|cfg|toml|md|svg|yml|json|js|mjs|j2|hcl|tf)"
    r"|(modules|integration|scripts|tests|nginx-proxy|docs|\.github|\.ci)/[\w./*-]*"
    r"|(lua|wharf_proxy|bench|clients|faults|load|local|mutants|storms|emit)/"
)


@cache
def tracked() -> tuple[str, ...]:
    """Files from the root of the repository, without folders that Git ignores."""
    ignored = {".git", *(line.strip("/") for line in text(".gitignore").splitlines())}
    found: list[str] = []
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [one for one in folders if one not in ignored]
        found += [str((Path(folder) / one).relative_to(REPOSITORY)) for one in names]
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
    return [one for one in tracked() if re.search(f"(^|/){pattern}{end}", one)]


def missing(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if not places(name)} - AWAITED)


@of_each_page
def test_files_exist(page: str) -> None:
    words = (word.partition("::")[0] for one in code(page) for word in one.split())
    named = (word for word in words if FILE.fullmatch(word))
    assert not missing(
        word for word in named if not word.startswith(MADE) and not FOREIGN.fullmatch(word)
    )


@of_each_page
def test_programs_exist(page: str) -> None:
    modules = re.findall(r"python -m ((?:scripts|integration)[\w.]*)", "\n".join(code(page)))
    assert not missing(f"{one.rstrip('.').replace('.', '/')}" for one in modules if not (
        REPOSITORY / f"{one.replace('.', '/')}.py"
    ).exists())  # fmt: skip


@of_each_page
def test_make_targets_exist(page: str) -> None:
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE)
    named = {f"make {one}" for line in code(page) for one in re.findall(r"^make ([a-z-]+)", line)}
    assert not named - {f"make {one}" for one in targets} - AWAITED


def names(file: str) -> set[str]:
    """Return the names that a file of Python or Lua defines, without their classes."""
    source = text(file)
    if not file.endswith(".py"):
        return set(re.findall(r"function (?:M\.)?(\w+)", source))
    tree = list(ast.walk(ast.parse(source)))
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assigned = [one.targets[0] for one in tree if isinstance(one, ast.Assign)]
    assigned += [one.target for one in tree if isinstance(one, ast.AnnAssign)]
    return {
        *(one.name for one in tree if isinstance(one, defined)),
        *(one.id for one in assigned if isinstance(one, ast.Name)),
        *(one.attr for one in assigned if isinstance(one, ast.Attribute)),
    }


@of_each_page
def test_functions_exist(page: str) -> None:
    """``file.py::Class::function``, as pytest writes it; of another file a text that it holds."""
    wrong = []
    for file, *parts in (
        one.split("::") for one in code(page) if "::" in one and " -m " not in one
    ):
        places_of_file = places(file)
        for part in parts if places_of_file else ():
            held = [
                part in names(one) if one.endswith((".py", ".lua")) else part in text(one)
                for one in places_of_file
            ]
            wrong += [] if any(held) else [f"{file}::{part}"]
    assert not wrong


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    bare = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {slug(one) for one in headings} | set(re.findall(r'<a id="([^"]+)">', text(page)))


def links(page: str) -> Iterator[tuple[str, str]]:
    """Yield the file, from the root, and the anchor of each link within the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            found = (REPOSITORY / page).parent / file if file else REPOSITORY / page
            yield str(found.resolve().relative_to(REPOSITORY)), anchor


@of_each_page
def test_links_lead_somewhere(page: str) -> None:
    known = {one for one in links(page) if one[0] not in AWAITED}
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


def test_nothing_is_awaited_that_has_come() -> None:
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE)
    come = {*tracked(), *(f"make {one}" for one in targets)}
    assert not AWAITED & come, "take it out of AWAITED"


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
        *re.findall(r'^LICENSE = "\[([^]]+)\]', text("scripts/emit/readme.py"), re.MULTILINE),
    ] == ["Apache-2.0"] * 5
    assert "Apache License" in text("LICENSE")


def test_readme_has_the_two_commands_that_set_a_machine_up() -> None:
    commands = {line.strip() for line in text("README.md").splitlines() if line.startswith("    ")}
    assert {"make demo", "make test"} <= commands
    assert text(".ci/run").splitlines()[-1] in commands
