"""Conversion of JSON text with code of Terraform, such as a policy, to a readable jsonencode."""

import json
import re
from collections.abc import Callable
from typing import Any

from scripts.terraform_modules.hcl import expression
from scripts.terraform_modules.templates import interpolations, sole_expression

#: Placeholder for code in a string while the rest is read as JSON; no text has these characters.
_STAND_IN = re.compile("\ue000(\\d+)\ue001")
#: Placeholder for code outside of quotes, which is a whole value.
_VALUE = re.compile("\ue002(\\d+)\ue003")

IsText = Callable[[str], bool]


def with_jsonencode(value: Any, is_text: IsText) -> Any:
    """Return the value with ``${jsonencode(…)}`` for each JSON text in it.

    Args:
        value: value of Terraform JSON.
        is_text: whether an expression is known to be text; the quotes around others convert them.
    """
    if isinstance(value, dict):
        return {key: with_jsonencode(each, is_text) for key, each in value.items()}
    if isinstance(value, list):
        return [with_jsonencode(each, is_text) for each in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        code = _encoded(value, is_text)
        return value if code is None else "${jsonencode(" + code + ")}"
    return value


def _encoded(template: str, is_text: IsText) -> str | None:
    """Return the text as an expression, or None if the text is not JSON."""
    pieces: list[str] = []
    codes: list[str] = []
    bare: list[bool] = []
    done = 0
    for start, end in _with_conditionals(template):
        pieces.append(template[done:start])
        bare.append(not _is_in_quotes("".join(pieces)))
        codes.append(template[start:end] if bare[-1] else _unescaped(template[start:end]))
        number = len(codes) - 1
        pieces.append(f'"\ue002{number}\ue003"' if bare[-1] else f"\ue000{number}\ue001")
        done = end
    try:
        read = json.loads("".join([*pieces, template[done:]]))
    except json.JSONDecodeError:
        return None
    # In quotes, any code is a part of a template; of a value of its own it has to be an expression.
    values = [
        _value(code, is_text) if alone else "" for code, alone in zip(codes, bare, strict=True)
    ]
    if not isinstance(read, dict | list) or None in values:
        return None
    return expression(_restored(read, codes, values, is_text))


def _unescaped(code: str) -> str:
    """Return code within quotes of JSON; the values of a directive are escaped there."""
    pieces, done = [], 0
    for start, end in interpolations(code):
        pieces += [json.loads(f'"{code[done:start]}"'), code[start:end]]
        done = end
    return "".join(pieces)


def _with_conditionals(template: str) -> list[tuple[int, int]]:
    """Return the interpolations, with a conditional from ``if`` to ``endif`` as a single span."""
    found: list[tuple[int, int]] = []
    depth = 0
    for start, end in interpolations(template):
        word = _word(template[start:end])
        opens, closes = word in ("if", "for"), word in ("endif", "endfor")
        if depth == 0:
            found.append((start, end))
        elif closes and depth == 1:
            found[-1] = found[-1][0], end
        depth += opens - closes
    return found


def _word(code: str) -> str:
    """Return the first word of a directive, or an empty text for an interpolation."""
    return code[2:-1].strip(" ~").split(" ")[0] if code.startswith("%{") else ""


def _is_in_quotes(text: str) -> bool:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1


def _value(code: str, is_text: IsText) -> str | None:
    """Return code outside of quotes as an expression, or None if that is not possible."""
    if code.startswith("${"):
        return code[2:-1].strip()
    parts = _conditional(code)
    if parts is None:
        return None
    condition, *branches = parts
    written = [_encoded(branch.strip(), is_text) for branch in branches]
    if None in written:
        return None
    # python-hcl2 cannot write a conditional in an object without parentheses.
    return f"({condition} ? {written[0]} : {written[1]})"


def _conditional(code: str) -> tuple[str, str, str] | None:
    """Return the condition and the branches of ``%{ if c }a%{ else }b%{ endif }``."""
    pieces = interpolations(code)
    depth, at = 0, {}
    for start, end in pieces:
        word = _word(code[start:end])
        depth -= word == "endif"
        if (depth == 1 and word == "else") or (depth == 0 and word in ("if", "endif")):
            at[word] = start, end
        depth += word == "if"
    if at.keys() != {"if", "else", "endif"}:
        return None
    condition = code[at["if"][0] + 2 : at["if"][1] - 1].strip(" ~").removeprefix("if").strip()
    return condition, code[at["if"][1] : at["else"][0]], code[at["else"][1] : at["endif"][0]]


def _restored(value: Any, codes: list[str], values: list[str | None], is_text: IsText) -> Any:
    """Replace the placeholders by the code."""
    if isinstance(value, dict):
        return {
            _restored(key, codes, values, lambda _: True): _restored(each, codes, values, is_text)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_restored(each, codes, values, is_text) for each in value]
    if not isinstance(value, str):
        return value
    if bare := _VALUE.fullmatch(value):
        return "${" + str(values[int(bare[1])]) + "}"
    text = _STAND_IN.sub(lambda match: codes[int(match[1])], value)
    code = sole_expression(text)
    # A quoted template of a single interpolation has the type of its code.
    return text if code is None or is_text(code) else "${tostring(" + code + ")}"
