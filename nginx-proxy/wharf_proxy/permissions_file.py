"""The check of nginx.permissions: rights of users, a `user right repositories` on each line.

    # user   right    repositories
    alice    delete   *
    ci       push     team-a/*
    *        pull     team-a/base

A right is `pull`, `push` (which includes pull) or `delete` (which includes both). Repositories are
`*`, everything below a prefix (`team-a/*`), or one by its name. `*` as the user stands for
everybody. What no line allows is denied. Without the file, whoever can log in may do everything.
"""

import re
from collections.abc import Collection

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.text import lines_of

RIGHTS = ("pull", "push", "delete")

# The distribution specification's form of a name:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_BLANKS = " \t"
_REPOSITORIES = re.compile(rf"\*|{_PART}(/{_PART})*(/\*)?")


def check_permissions(
    content: bytes, users: Collection[str] | None, *, file: str = "nginx.permissions"
) -> None:
    """Check a permissions file, against the users that there are unless that is None.

    Raises:
        ConfigurationError: the first line that is wrong, with its remedy.
    """
    rules = [
        (number, line)
        for number, line in enumerate(lines_of(content, file), start=1)
        if line.strip(_BLANKS) and not line.lstrip(_BLANKS).startswith("#")
    ]
    if not rules:
        raise ConfigurationError(
            f"{file}: allows nothing to anybody: add a line such as `* pull *`, "
            "or remove the file, which allows everything to all users"
        )
    for number, line in rules:
        place = f"{file}: line {number}"
        _check(_words(line, place), users, place)


def _words(line: str, place: str) -> list[str]:
    """Split a line as permissions.lua does, which knows blanks of ASCII only."""
    for character in line:
        if not character.isprintable() and character not in _BLANKS:
            raise ConfigurationError(
                f"{place} has the character U+{ord(character):04X}, which cannot be seen: "
                "write spaces between the words"
            )
    return line.split()


def _check(words: list[str], users: Collection[str] | None, place: str) -> None:
    if len(words) != 3:
        raise ConfigurationError(
            f"{place} has {len(words)} words: write user, right and repositories"
        )
    user, right, repositories = words
    if user != "*" and users is not None and user not in users:
        raise ConfigurationError(
            f"{place}: there is no user {user!r}: add it with `wharf users add`, or remove the line"
        )
    if right not in RIGHTS:
        raise ConfigurationError(f"{place}: right {right!r}: it must be {', '.join(RIGHTS)}")
    if not _REPOSITORIES.fullmatch(repositories):
        raise ConfigurationError(
            f"{place}: repositories {repositories!r}: write `*`, a prefix as in `team-a/*`, "
            "or the name of a repository in lower case"
        )
