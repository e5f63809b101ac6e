"""The files of the page: nothing from elsewhere, nothing that makes markup of text."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "page"
NGINX = PAGE.parent
FILES = sorted(PAGE.iterdir())
of_each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
#: What makes markup, or code, of a text.
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|"
    r"\beval\b|\bFunction\(|srcdoc|setTimeout\(\s*[\"'`]"
)


@of_each
def test_no_file_makes_markup_of_text(file: Path) -> None:
    assert DANGEROUS.findall(file.read_text()) == []


@of_each
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    urls = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", file.read_text()))
    # The namespace of SVG is a name.
    assert urls <= {"http://www.w3.org/2000/svg"}


def test_the_page_has_neither_scripts_nor_styles_of_its_own() -> None:
    page = (PAGE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page) == []
    named = set(re.findall(r"(?:src|href)=\"/page/([^\"]+)\"", page))
    # Each module is fetched at once, not after the one that imports it.
    assert named == {file.name for file in FILES} - {"index.html"}


@of_each
def test_nginx_knows_the_name(file: Path) -> None:
    assert re.fullmatch(r"[a-z]+\.(css|html|js|svg)", file.name)


def test_the_policy_allows_the_own_files_only() -> None:
    policies = re.findall(r'Content-Security-Policy "([^"]*)"', (NGINX / "page.conf").read_text())
    assert len(policies) == 1
    directives = dict(directive.split(" ", 1) for directive in policies[0].split("; "))
    assert directives["default-src"] == "'none'"
    assert set(directives.values()) == {"'none'", "'self'", "'script'"}
