"""Terraform's templates: which parts of a text are code, and which references they hold.

Text in Terraform JSON is a template: ``https://${aws_lb.balancer.dns_name}``. Its code may hold
quoted text, which is a template again.
https://developer.hashicorp.com/terraform/language/expressions/strings
"""

import re
from collections.abc import Callable, Iterator

_ESCAPES = ("$${", "%%{")
_OPENERS = ("${", "%{")


def spans(template: str) -> Iterator[tuple[int, int, int]]:
    """Yield the pieces of code: where each starts, where it ends, how deep in quotes it is.

    Depth 1 is an interpolation of the template itself; 2 one of a quoted text inside of that.
    """
    # What is open around the current character: "text" and "quote" hold text, the others code.
    open_ = ["text"]
    start = position = 0
    while position < len(template):
        kind, two, one = open_[-1], template[position : position + 2], template[position]
        depth = open_.count("interpolation")
        if kind in ("text", "quote"):
            if template.startswith(_ESCAPES, position):
                position += 3
            elif kind == "quote" and one == "\\":
                position += 2
            elif two in _OPENERS:
                open_.append("interpolation")
                position += 2
                start = position
            else:
                position += 1
                if kind == "quote" and one == '"':
                    open_.pop()
                    start = position
            continue
        if one == '"':
            yield start, position, depth
            open_.append("quote")
        elif one == "{":
            open_.append("brace")
        elif one == "}" and open_.pop() == "interpolation":
            yield start, position, depth
        position += 1


def interpolations(template: str) -> list[tuple[int, int]]:
    """The outermost ``${…}`` and ``%{…}``: where each starts, and where it ends."""
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
    """The code of a template that is one interpolation and nothing else."""
    if template.startswith("${") and interpolations(template) == [(0, len(template))]:
        return template[2:-1].strip()
    return None


def replace_in_code(
    template: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> str:
    """Replace what matches in the code of a template, and leave its text alone."""
    pieces, done = [], 0
    for start, end, _ in spans(template):
        pieces += [template[done:start], pattern.sub(replacement, template[start:end])]
        done = end
    return "".join([*pieces, template[done:]])
