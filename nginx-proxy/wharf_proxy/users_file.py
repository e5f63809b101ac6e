"""The check of nginx.htpasswd: a `user:hash` on each line, as nginx reads it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.text import lines_of

MAX_NAME_BYTES = 255
"""The limit of Apache's htpasswd, so that either tool can edit the file."""

# Limits of the work for one password. A host has 10 s for a response of the verifier, in which four
# passwords may wait for each processor. On a processor of 2026 bcrypt takes 0.05 s at cost 10 and
# twice as long with each step: 0.8 s at cost 14, 6.5 s at cost 17. A burstable instance without
# credits has a fifth of that speed, so cost 14 is the last at which a password can be verified.
MAX_COST = 14
"""bcrypt's highest cost that a host verifies in time."""
USUAL_COST = 12
"""bcrypt's highest cost without a warning."""
MAX_ROUNDS = 3_000_000
"""The rounds of SHA-256 and SHA-512 that take as long as bcrypt at MAX_COST."""
USUAL_ROUNDS = 750_000
"""The rounds that take as long as bcrypt at USUAL_COST."""

# What nginx can verify: its own apr1, SHA and SSHA, and crypt(3) of Debian (libxcrypt).
# Two more would work and are refused: {PLAIN} is no hash, and DES looks at 8 characters only.
# crypt(3) writes salts anew: where a salt is longer than the format has it, or has bits that the
# format drops, no password matches; where it has other characters than these, crypt(3) fails.
_B64 = "[./0-9A-Za-z]"
_SALT = r"[^$:;*!\\\s\x00-\x20\x7f-\U0010ffff]"
_BASE64 = "[+/0-9A-Za-z]"
_FORMATS = (
    rf"\$2[aby]\$(?P<cost>0[4-9]|[12]\d|3[01])\${_B64}{{21}}[.Oeu]{_B64}{{31}}",  # bcrypt
    rf"\$(apr1|1)\${_SALT}{{0,8}}\${_B64}{{22}}",  # MD5: Apache's and crypt's
    # SHA-256 and SHA-512
    rf"\$(5\$(?=.*\$.{{43}}$)|6\$(?=.*\$.{{86}}$))(rounds=(?P<rounds>[1-9]\d{{3,8}})\$)?"
    rf"(?!rounds=){_SALT}{{0,16}}\${_B64}+",
    # yescrypt: the letter after j doubles work and memory
    rf"\$g?y\$j(?P<memory>[0-9A-Z])[5T]\$({_B64}{{4}}){{0,21}}({_B64}{{2,3}})?\${_B64}{{43}}",
    r"\{SHA\}[+/0-9A-Za-z]{27}=",
    rf"\{{SSHA\}}(?=.{{28,200}}$)({_BASE64}{{4}})+({_BASE64}{{2}}==|{_BASE64}{{3}}=)?",
)
_HASH = re.compile("|".join(_FORMATS))
#: 64 and 128 MiB for one password, 0.1 and 0.2 s; libxcrypt's own choice is 9, which takes 16 MiB.
_USUAL_MEMORY, _MAX_MEMORY = "B", "C"


@dataclass(frozen=True)
class User:
    """A user of the file, with the number of its line."""

    name: str
    hash: str
    line: int


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
    if name == "*":
        raise ConfigurationError("user name '*' means everybody in permissions: choose another")
    if not name.isprintable() or name != name.strip():
        raise ConfigurationError(
            f"user name {name!r} has a character that cannot be seen: leave it out"
        )
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise ConfigurationError(
            f"user name has {size} bytes: at most {MAX_NAME_BYTES} fit: choose a shorter one"
        )


def read_users(content: bytes, *, file: str = "nginx.htpasswd") -> list[User]:
    """Return the users of a file in its order, whatever their hashes.

    Comments (#) and empty lines are allowed, and a comment after a second colon: nginx skips them.

    Raises:
        ConfigurationError: the first line that nginx would ignore. The error names line and user,
            never the hash: on a bad line that may be a password.
    """
    users: dict[str, User] = {}
    for number, line in enumerate(lines_of(content, file), start=1):
        if not line or line.startswith("#"):
            continue
        place = f"{file}: line {number}"
        name, colon, rest = line.partition(":")
        if not colon:
            raise ConfigurationError(f"{place} is not of the form user:hash: correct or remove it")
        try:
            check_name(name)
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}: {error}") from None
        if name in users:
            raise ConfigurationError(
                f"{place}: user {name!r} is there a second time, nginx uses the first: remove one"
            )
        users[name] = User(name, rest.partition(":")[0], number)
    return list(users.values())


def check_users(content: bytes, *, file: str = "nginx.htpasswd") -> list[str]:
    """Check a users file and return the user names in its order.

    Raises:
        ConfigurationError: the first line that nginx would ignore, or whose password a host could
            not verify, or not in time.
    """
    users = read_users(content, file=file)
    if not users:
        raise ConfigurationError(
            f"{file}: has no user, nobody could log in: add one with `wharf users add`"
        )
    for user in users:
        if problem := _problem(user.hash):
            raise ConfigurationError(
                f"{file}: line {user.line}: the password of {user.name!r} {problem}: "
                "set it again with `wharf users add`"
            )
    return [user.name for user in users]


def slow_passwords(content: bytes, *, file: str = "nginx.htpasswd") -> Sequence[str]:
    """Return a line for each user of a checked file whose password takes a host long to verify."""
    return [
        f"{file}: line {user.line}: the password of {user.name!r} takes a host more time or memory "
        f"than bcrypt at cost {USUAL_COST} (0.2 s): set it again with `wharf users add`"
        for user in read_users(content, file=file)
        if _exceeds(user.hash, USUAL_COST, USUAL_ROUNDS, _USUAL_MEMORY)
    ]


def _problem(hashed: str) -> str | None:
    if not hashed:
        return "is missing"
    if any(character.isspace() or not character.isprintable() for character in hashed):
        return "has a blank in or after its hash, which nginx takes for a part of it"
    if not _HASH.fullmatch(hashed):
        return "is not hashed in a way that nginx can verify"
    if _exceeds(hashed, MAX_COST, MAX_ROUNDS, _MAX_MEMORY):
        return (
            "is hashed with more work than a host can do in time (bcrypt above cost "
            f"{MAX_COST}, SHA above {MAX_ROUNDS} rounds, yescrypt above j{_MAX_MEMORY}T)"
        )
    return None


def _exceeds(hashed: str, cost: int, rounds: int, memory: str) -> bool:
    found = _HASH.fullmatch(hashed)
    if found is None:
        return False
    return (
        int(found["cost"] or 0) > cost
        or int(found["rounds"] or 0) > rounds
        or (found["memory"] or "") > memory
    )
