"""The check of nginx.htpasswd: one `user:hash` a line, as nginx reads it."""

import re

from wharf_proxy.errors import ConfigurationError

# What nginx can verify: its own apr1, SHA and SSHA, and crypt(3) of Debian (libxcrypt).
# Two more would work and are refused: {PLAIN} is no hash, and DES looks at 8 characters only.
_SALTED = r"[^$:\s]{0,16}\$"
_HASH_FORMATS = (
    r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./0-9A-Za-z]{53}",  # bcrypt
    rf"\$(apr1|1)\${_SALTED}[./0-9A-Za-z]{{22}}",  # MD5: Apache's and crypt's
    rf"\$5\$(rounds=\d+\$)?{_SALTED}[./0-9A-Za-z]{{43}}",  # SHA-256
    rf"\$6\$(rounds=\d+\$)?{_SALTED}[./0-9A-Za-z]{{86}}",  # SHA-512
    r"\$g?y\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{0,86}\$[./0-9A-Za-z]{43}",  # yescrypt
    r"\{SHA\}[+/0-9A-Za-z]{27}=",
    r"\{SSHA\}[+/0-9A-Za-z]{28,}={0,2}",
)
_HASH = re.compile("|".join(_HASH_FORMATS))

MAX_NAME_BYTES = 255
"""The limit of Apache's htpasswd, so that either tool can edit the file."""


def check_name(name: str) -> None:
    """Check that nginx would find a user of this name.

    Raises:
        ConfigurationError: what is wrong with the name, beginning with "user name".
    """
    if not name:
        raise ConfigurationError("user name is empty: choose one")
    if ":" in name:
        raise ConfigurationError(f"user name {name!r} has a colon, which ends a name: leave it out")
    if name.startswith("#"):
        raise ConfigurationError(
            f"user name {name!r} begins with #, as comments do: choose another"
        )
    if not name.isprintable() or name != name.strip():
        raise ConfigurationError(
            f"user name {name!r} has a character that cannot be seen: leave it out"
        )
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise ConfigurationError(
            f"user name has {size} bytes: at most {MAX_NAME_BYTES} fit: choose a shorter one"
        )


def check_users(content: bytes, *, file: str = "nginx.htpasswd") -> list[str]:
    """Check a users file and return the user names in its order.

    Comments (#) and empty lines are allowed, and a comment after a second colon: nginx skips them.

    Raises:
        ConfigurationError: the first line that nginx would ignore or could not verify. It names
            line and user, never the hash: on a bad line that may be a password.
    """
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text: write it again as such") from None
    names: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip("\r") and not line.startswith("#"):
            names.append(_name_on(line, f"{file}: line {number}", taken=names))
    if not names:
        raise ConfigurationError(
            f"{file}: has no user, nobody could log in: add one with `python -m scripts.users add`"
        )
    return names


def _name_on(line: str, place: str, *, taken: list[str]) -> str:
    name, colon, rest = line.partition(":")
    if not colon:
        raise ConfigurationError(f"{place} is not of the form user:hash: correct or remove it")
    try:
        check_name(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error}") from None
    if name in taken:
        raise ConfigurationError(
            f"{place}: user {name!r} is there a second time, nginx uses the first: remove one"
        )
    if not _HASH.fullmatch(rest.rstrip("\r").partition(":")[0]):
        raise ConfigurationError(
            f"{place}: the password of {name!r} is not hashed in a way that nginx can verify: "
            "set it again with `python -m scripts.users add`"
        )
    return name
