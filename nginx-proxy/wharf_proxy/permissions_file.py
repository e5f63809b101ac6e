"""The check of nginx.permissions: who may do what, one `user right repositories` a line.

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

RIGHTS = ("pull", "push", "delete")

# The distribution specification's form of a name:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORIES = re.compile(rf"\*|{_PART}(/{_PART})*(/\*)?")


def check_permissions(
    content: bytes, users: Collection[str] | None, *, file: str = "nginx.permissions"
) -> None:
    """Check a permissions file, against the users that there are unless that is None.

    Raises:
        ConfigurationError: the first line that is wrong, with its remedy.
    """
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text: write it again as such") from None
    rules = [
        (number, line.split())
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not rules:
        raise ConfigurationError(
            f"{file}: allows nothing to anybody: add a line such as `* pull *`, "
            "or remove the file, which allows everything to all users"
        )
    for number, words in rules:
        _check(words, users, f"{file}: line {number}")


def _check(words: list[str], users: Collection[str] | None, place: str) -> None:
    if len(words) != 3:
        raise ConfigurationError(
            f"{place} has {len(words)} words: write user, right and repositories"
        )
    user, right, repositories = words
    if user != "*" and users is not None and user not in users:
        raise ConfigurationError(
            f"{place}: there is no user {user!r}: add it with `python -m scripts.users add`, "
            "or remove the line"
        )
    if right not in RIGHTS:
        raise ConfigurationError(f"{place}: right {right!r}: it must be {', '.join(RIGHTS)}")
    if not _REPOSITORIES.fullmatch(repositories):
        raise ConfigurationError(
            f"{place}: repositories {repositories!r}: write `*`, a prefix as in `team-a/*`, "
            "or the name of a repository in lower case"
        )
