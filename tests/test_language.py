"""Rules of plain English that ruff does not have."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("modules", "nginx-proxy", "scripts", "integration", "tests")
FILES = sorted(file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py"))
#: Words that begin no imperative sentence; D401 finds only other forms of a verb.
NO_VERBS = frozenset(
    {"a", "all", "an", "another", "by", "each", "every", "everything", "for", "from", "how", "if"}
    | {"in", "its", "none", "nothing", "of", "one", "other", "some", "something", "that", "the"}
    | {"these", "those", "what", "whatever", "when", "where", "whether", "which", "who", "with"}
    # Nouns that a function returns.
    | {"bytes", "cpu", "hosts", "megabytes", "names", "percent", "reasons", "results", "seconds"}
    | {"both", "either", "many", "ten", "two", "without"}
)
#: Words that name nothing by themselves.
POINTERS = frozenset(
    {"it", "one", "ones", "somebody", "something", "stuff", "that", "them", "these", "thing"}
    | {"things", "this", "those", "what", "which", "who", "whom", "whose"}
)


def nodes(file: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(file.read_text()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_a_docstring_of_a_function_begins_with_a_verb(file: Path) -> None:
    functions = [
        node
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef)
        # A property is a value, so a noun begins its docstring.
        and not any("property" in ast.unparse(each) for each in node.decorator_list)
    ]
    documented = [(each.name, ast.get_docstring(each)) for each in functions]
    assert [name for name, text in documented if text and text.split()[0].lower() in NO_VERBS] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_a_name_is_a_noun(file: Path) -> None:
    names = {node.id for node in nodes(file) if isinstance(node, ast.Name)}
    names |= {node.arg for node in nodes(file) if isinstance(node, ast.arg)}
    assert names & POINTERS == set()
