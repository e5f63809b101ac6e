"""The parts of Terraform's templates that are code."""

import re

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.terraform_modules.hcl import block, quoted
from scripts.terraform_modules.json_text import with_jsonencode
from scripts.terraform_modules.templates import interpolations, replace_in_code, sole_expression

NAME = re.compile(r"x\.y")


def renamed(template: str) -> str:
    return replace_in_code(template, NAME, lambda _: "NEW")


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("x.y", "x.y"),
        ("${x.y}", "${NEW}"),
        ("a x.y ${x.y} x.y", "a x.y ${NEW} x.y"),
        ("$${x.y} ${x.y}", "$${x.y} ${NEW}"),
        ("%%{ if x.y } ${x.y}", "%%{ if x.y } ${NEW}"),
        ("%{ if x.y }x.y%{ else }${x.y}%{ endif }", "%{ if NEW }x.y%{ else }${NEW}%{ endif }"),
        ('${f("x.y", x.y)}', '${f("x.y", NEW)}'),
        ('${f("x.y ${x.y} x.y")}', '${f("x.y ${NEW} x.y")}'),
        ('${f("\\"x.y", x.y)}', '${f("\\"x.y", NEW)}'),
        ('${f("$${x.y}", x.y)}', '${f("$${x.y}", NEW)}'),
        ("${f({a = {b = x.y}})} x.y", "${f({a = {b = NEW}})} x.y"),
        ('${{"}" = x.y}["x.y"]} x.y', '${{"}" = NEW}["x.y"]} x.y'),
    ],
)
def test_references_are_found_in_code_and_nowhere_else(template: str, wanted: str) -> None:
    assert renamed(template) == wanted


def test_interpolations_are_the_outermost() -> None:
    template = 'a${f("${x}")}b%{ if c }d'
    assert [template[start:end] for start, end in interpolations(template)] == [
        '${f("${x}")}',
        "%{ if c }",
    ]


@pytest.mark.parametrize(
    ("template", "code"),
    [("${a.b}", "a.b"), ("${a}${b}", None), (" ${a}", None), ("$${a}", None), ("%{ if a }", None)],
)
def test_a_template_that_is_one_expression(template: str, code: str | None) -> None:
    assert sole_expression(template) == code


@settings(max_examples=30)
@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="$%{}")))
def test_quoted_text_is_read_back_as_it_was(text: str) -> None:
    read = hcl2.loads(block("locals", (), {"x": text}))
    assert read["locals"][0]["x"] == quoted(text)


def test_escapes_are_those_of_hcl() -> None:
    assert quoted('\b\f\n"\\b') == r'"\u0008\u000c\n\"\\b"'


def encoded(template: str) -> str:
    return str(with_jsonencode(template, lambda code: code == "var.text"))


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ('{"a": [1, true, null]}', "${jsonencode({\na = [1, true, null]\n})}"),
        ('["${var.text}"]', "${jsonencode([var.text])}"),
        ('["${var.number}"]', "${jsonencode([tostring(var.number)])}"),
        ("[${var.number}]", "${jsonencode([var.number])}"),
        ('["${x.arn}/*"]', '${jsonencode(["${x.arn}/*"])}'),
        ('["say \\"${x.y}\\""]', '${jsonencode(["say \\"${x.y}\\""])}'),
        ('{"aws:Source": "a"}', '${jsonencode({\n"aws:Source" = "a"\n})}'),
        ("[%{ if c }[1]%{ else }[]%{ endif }]", "${jsonencode([(c ? [1] : [])])}"),
        (
            "[%{ if c }[%{ if d }[1]%{ else }[2]%{ endif }]%{ else }[]%{ endif }]",
            "${jsonencode([(c ? [(d ? [1] : [2])] : [])])}",
        ),
        (
            '["[%{ for x in var.l }\\\\Q${x} %{ endfor }]"]',
            '${jsonencode(["[%{ for x in var.l }\\\\Q${x} %{ endfor }]"])}',
        ),
    ],
)
def test_json_becomes_a_call_of_jsonencode(template: str, wanted: str) -> None:
    assert encoded(template) == wanted


@pytest.mark.parametrize(
    "template",
    [
        "{not json}",
        "[%{ for x in y }1%{ endfor }]",
        "[%{ if c }[1]%{ endif }]",
        "[${x.y}",
        "text",
    ],
)
def test_text_that_is_no_json_stays_as_it_is(template: str) -> None:
    assert encoded(template) == template


def test_a_dynamic_block_is_written_with_its_content() -> None:
    content = {"device": "${disk.value}", "inner": {"size": 1}}
    body = {"dynamic": {"disk": {"for_each": "${var.disks}", "content": content}}}
    text = block("resource", ("aws_a", "x"), body, {("disk",), ("disk", "inner")})
    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        'resource "aws_a" "x" {',
        'dynamic "disk" {',
        "for_each = var.disks",
        "content {",
        "device = disk.value",
        "inner {",
        "size = 1",
        *["}"] * 4,
    ]


def test_a_block_that_is_not_there_is_not_written() -> None:
    assert "volume" not in block("resource", ("aws_a", "x"), {"volume": []}, {("volume",)})
