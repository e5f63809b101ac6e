"""JSON with Terraform's code in it, such as a policy, as a jsonencode that people can read."""

import json
import re
from collections.abc import Callable
from typing import Any

from scripts.emit.hcl import expression
from scripts.emit.templates import interpolations, sole_expression

#: Stand-ins for code while the rest is read as JSON. JSON's own text never has these characters.
_STAND_IN = re.compile("\ue000(\\d+)\ue001")
#: Stands in for code that is a value of its own, outside of quotes.
_VALUE = re.compile("\ue002(\\d+)\ue003")

IsText = Callable[[str], bool]


def with_jsonencode(value: Any, is_text: IsText) -> Any:
    """The same value, with every text in it that is JSON written as ``${jsonencode(…)}``.

    ``is_text`` tells whether an expression is known to be text; of others text is made, as
    the quotes around them did.
    """
    if isinstance(value, dict):
        return {key: with_jsonencode(one, is_text) for key, one in value.items()}
    if isinstance(value, list):
        return [with_jsonencode(one, is_text) for one in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        code = _encoded(value, is_text)
        return value if code is None else "${jsonencode(" + code + ")}"
    return value


def _encoded(template: str, is_text: IsText) -> str | None:
    """The text as an expression, or None if it is no JSON."""
    pieces: list[str] = []
    codes: list[str] = []
    done = 0
    for start, end in _with_conditionals(template):
        pieces.append(template[done:start])
        codes.append(template[start:end])
        quoted = _is_in_quotes("".join(pieces))
        mark = f"\ue000{len(codes) - 1}\ue001" if quoted else f'"\ue002{len(codes) - 1}\ue003"'
        pieces.append(mark)
        done = end
    try:
        read = json.loads("".join([*pieces, template[done:]]))
    except json.JSONDecodeError:
        return None
    values = [_value(code, is_text) for code in codes]
    if not isinstance(read, dict | list) or None in values:
        return None
    return expression(_restored(read, codes, values, is_text))


def _with_conditionals(template: str) -> list[tuple[int, int]]:
    """The interpolations of a template; a conditional is one, from its ``if`` to its ``endif``."""
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
    """The first word of a directive; of an interpolation nothing."""
    return code[2:-1].strip(" ~").split(" ")[0] if code.startswith("%{") else ""


def _is_in_quotes(text: str) -> bool:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1


def _value(code: str, is_text: IsText) -> str | None:
    """Code outside of quotes as an expression, or None if it has none."""
    if code.startswith("${"):
        return code[2:-1].strip()
    parts = _conditional(code)
    if parts is None:
        return None
    condition, *branches = parts
    written = [_encoded(branch.strip(), is_text) for branch in branches]
    if None in written:
        return None
    # In parentheses: python-hcl2 cannot write a bare conditional inside of an object.
    return f"({condition} ? {written[0]} : {written[1]})"


def _conditional(code: str) -> tuple[str, str, str] | None:
    """Condition and branches of ``%{ if c }a%{ else }b%{ endif }``."""
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
    """Put the code back in the place of its stand-ins."""
    if isinstance(value, dict):
        return {
            _restored(key, codes, values, lambda _: True): _restored(one, codes, values, is_text)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_restored(one, codes, values, is_text) for one in value]
    if not isinstance(value, str):
        return value
    if bare := _VALUE.fullmatch(value):
        return "${" + str(values[int(bare[1])]) + "}"
    text = _STAND_IN.sub(lambda found: codes[int(found[1])], value)
    code = sole_expression(text)
    # A template of nothing but code has the type of the code, also in quotes.
    return text if code is None or is_text(code) else "${tostring(" + code + ")}"
