"""PEM files, read so that OpenSSL finds the same blocks in them.

OpenSSL passes over a line that is not exactly a marker, and silently over a certificate with it;
other programs are less strict. So whatever looks like a marker has to be one.
"""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass

from wharf_proxy.errors import ConfigurationError

_MARKER = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]+)-----")
_LIKE_A_MARKER = re.compile(
    r"-(BEGIN|END)\b|\b(BEGIN|END) [A-Z0-9 ]*(CERTIFICATE|KEY|PARAMETERS)\b",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Block:
    """A block between two markers: their label, the content, and the number of the first line.

    Legacy encryption (``Proc-Type``) leaves the content encrypted.
    """

    label: str
    content: bytes
    line: int
    encrypted: bool = False


def blocks(content: bytes, file: str) -> list[Block]:
    """Return the blocks of a PEM file; text around blocks is allowed.

    Raises:
        ConfigurationError: OpenSSL would read a line in another way; the error names the line.
    """
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ConfigurationError(
            f"{file}: begins with a byte order mark, so OpenSSL does not find its first line: "
            "save it as UTF-8 without a BOM"
        )
    found: list[Block] = []
    body: list[str] = []
    begin, label = 0, ""
    for number, line in enumerate(content.decode("latin-1").split("\n"), start=1):
        if not _LIKE_A_MARKER.search(line):
            body.append(line.strip())
            continue
        kind, name = _marker(line, f"{file}: line {number}")
        if (kind, name) != (("END", label) if begin else ("BEGIN", name)):
            raise ConfigurationError(
                f"{file}: line {number} ({line.strip()}) does not follow "
                + (f"on -----BEGIN {label}----- in line {begin}" if begin else "on a -----BEGIN")
                + ": write each block again with its first and last line"
            )
        if begin:
            found.append(_block(label, body, begin, file))
        begin, label, body = (0, "", []) if begin else (number, name, [])
    if begin:
        raise ConfigurationError(
            f"{file}: the -----BEGIN {label}----- in line {begin} has no -----END {label}-----: "
            "copy the file again, it is cut off"
        )
    return found


def _marker(line: str, place: str) -> tuple[str, str]:
    found = _MARKER.fullmatch(line.rstrip())
    if found:
        return found[1], found[2]
    if line != line.lstrip():
        raise ConfigurationError(
            f"{place} is indented, so OpenSSL does not find it: remove the blanks before the dashes"
        )
    if len(_LIKE_A_MARKER.findall(line)) > 1:
        raise ConfigurationError(
            f"{place} has the end of a block and the beginning of the next: begin a new line "
            "between the two"
        )
    raise ConfigurationError(
        f"{place} ({line.strip()[:64]}) is not read by OpenSSL: write five dashes on either side, "
        "and nothing else on the line"
    )


def _block(label: str, body: list[str], line: int, file: str) -> Block:
    encrypted = any(line.startswith("Proc-Type:") for line in body)
    try:
        content = b64decode("".join(line for line in body if ":" not in line), validate=True)
    except binascii.Error:
        raise ConfigurationError(
            f"{file}: the {label} that begins in line {line} is damaged (it is not base64): "
            "copy it again"
        ) from None
    return Block(label, content, line, encrypted)
