"""Text files of the configuration, split into lines as nginx and its Lua split them."""

from wharf_proxy.errors import ConfigurationError

BYTE_ORDER_MARK = "\ufeff"


def lines_of(content: bytes, file: str) -> list[str]:
    r"""Return the lines of UTF-8 text without their ends, which are LF or CRLF.

    Raises:
        ConfigurationError: the content is no such text, or holds what a program that reads C
            strings or a program on another system would read in another way.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigurationError(f"{file}: is UTF-16 text: save it as UTF-8 without a BOM")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text: write it again as such") from None
    if text.startswith(BYTE_ORDER_MARK):
        raise ConfigurationError(
            f"{file}: begins with a byte order mark, which nginx reads as part of the first line: "
            "save it as UTF-8 without a BOM"
        )
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    for number, line in enumerate(lines, start=1):
        if "\0" in line or "\r" in line:
            raise ConfigurationError(
                f"{file}: line {number} has a NUL or a carriage return in its middle: "
                "write the file again as text with one line for each entry"
            )
    return lines
