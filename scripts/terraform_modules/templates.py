"""Templates of Terraform: the parts of a text that are code, and their references.

Text in Terraform JSON is a template: ``https://${aws_lb.balancer.dns_name}``. Code may
contain quoted text, which is a template again.
https://developer.hashicorp.com/terraform/language/expressions/strings
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

#: ``aws_vpc.network_vpc`` or ``data.aws_partition.x`` or ``var.name``, and what is taken of it.
REFERENCE = re.compile(
    r"(?<![\w.-])(?P<address>(?:data\.|ephemeral\.)?[A-Za-z_][\w-]*\.[A-Za-z_][\w-]*)"
    r"(?P<rest>(?:\.[A-Za-z_][\w-]*|\[\d+\]|\[\*\])*)"
)
_ESCAPES = ("$${", "%%{")
_OPENERS = ("${", "%{")


def spans(template: str) -> Iterator[tuple[int, int, int]]:
    """Yield the start, the end and the depth of each piece of code.

    Depth 1 is an interpolation of the template, depth 2 an interpolation of quoted text in it.
    """
    # The contexts around the current character: "text" and "quote" contain text, the others code.
    open_ = ["text"]
    start = position = 0
    while position < len(template):
        kind, two, character = open_[-1], template[position : position + 2], template[position]
        depth = open_.count("interpolation")
        if kind in ("text", "quote"):
            if template.startswith(_ESCAPES, position):
                position += 3
            elif kind == "quote" and character == "\\":
                position += 2
            elif two in _OPENERS:
                open_.append("interpolation")
                position += 2
                start = position
            else:
                position += 1
                if kind == "quote" and character == '"':
                    open_.pop()
                    start = position
            continue
        if character == '"':
            yield start, position, depth
            open_.append("quote")
        elif character == "{":
            open_.append("brace")
        elif character == "}" and open_.pop() == "interpolation":
            yield start, position, depth
        position += 1


def interpolations(template: str) -> list[tuple[int, int]]:
    """Return the start and the end of each outermost ``${…}`` and ``%{…}``."""
    found: list[tuple[int, int]] = []
    start = None
    for first, last, depth in spans(template):
        if depth != 1:
            continue
        if start is None:
            start = first - 2
        if template[last] == "}":
            found.append((start, last + 1))
            start = None
    return found


def sole_expression(template: str) -> str | None:
    """Return the code of a template that consists of a single interpolation, or None."""
    if template.startswith("${") and interpolations(template) == [(0, len(template))]:
        return template[2:-1].strip()
    return None


def replace_in_code(
    template: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> str:
    """Replace matches in the code of a template, and leave its text unchanged."""
    pieces, done = [], 0
    for start, end, _ in spans(template):
        pieces += [template[done:start], pattern.sub(replacement, template[start:end])]
        done = end
    return "".join([*pieces, template[done:]])


def references_in(value: Any) -> Iterator[str]:
    """Yield the addresses that the code of a value names, keys and ``depends_on`` included."""
    if isinstance(value, dict):
        for key, each in value.items():
            bare = key in ("depends_on", "replace_triggered_by")
            yield from (each if bare else references_in([key, each]))
    elif isinstance(value, list):
        for each in value:
            yield from references_in(each)
    elif isinstance(value, str):
        for start, end, _ in spans(value):
            yield from (match["address"] for match in REFERENCE.finditer(value[start:end]))
