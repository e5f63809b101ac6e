"""Users of the registry, kept in an htpasswd file: ``wharf users add nginx.htpasswd alice``."""

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import GetPassWarning
from pathlib import Path

import click
from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.hash import bcrypt  # type: ignore[import-untyped]
from wharf_proxy import atomic_file
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.text import BYTE_ORDER_MARK
from wharf_proxy.users_file import MAX_COST, User, check_name, read_users

from scripts.errors import one_line_errors

MAX_PASSWORD_BYTES = 72
"""bcrypt ignores all further bytes."""

DEFAULT_COST = 10

# Hashes that both nginx and passlib can verify.
_HASHES = CryptContext(
    [
        "bcrypt",
        "sha512_crypt",
        "sha256_crypt",
        "apr_md5_crypt",
        "md5_crypt",
        "ldap_salted_sha1",
        "ldap_sha1",
    ]
)

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_name = click.argument("name")
_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group()
def users() -> None:
    """Add, remove, list and verify users.

    FILE is an htpasswd file, which `wharf publish` uploads.
    """


@users.command()
@_file
@_name
@_stdin
@click.option(
    "--cost",
    type=click.IntRange(4, MAX_COST),
    default=DEFAULT_COST,
    show_default=True,
    help="Cost factor of bcrypt. Each step doubles the time to verify a password, for attackers "
    "and for hosts; cost 14 takes a second or more. A host remembers verified passwords.",
)
@one_line_errors()
def add(file: Path, name: str, password_stdin: bool, cost: int) -> None:
    """Add a user, or change the password of an existing user."""
    check_name(name)
    set_password(file, name, read_password(password_stdin, confirm=True), cost)


def set_password(file: Path, name: str, password: str, cost: int = DEFAULT_COST) -> None:
    """Add a user to a file, which need not exist, or change the user's password."""
    with _edited(file, create=True) as known:
        is_new = name not in known.users
        known.set(name, bcrypt.using(rounds=cost, ident="2y").hash(password))
    click.echo(f"{'Added user' if is_new else 'Changed the password of'} {name} in {file}")


@users.command()
@_file
@_name
@one_line_errors()
def remove(file: Path, name: str) -> None:
    """Remove a user."""
    with _edited(file) as known:
        known.remove(name)
    click.echo(f"Removed user {name} from {file}")


@users.command("list")
@_file
@click.option("--json", "as_json", is_flag=True, help="Print the names as JSON.")
@one_line_errors()
def list_users(file: Path, as_json: bool) -> None:
    """Print the user names, one per line."""
    names = list(_read(file).users)
    if as_json:
        click.echo(json.dumps(names, indent=2))
        return
    for name in names:
        click.echo(name)


@users.command()
@_file
@_name
@_stdin
@one_line_errors()
def verify(file: Path, name: str, password_stdin: bool) -> None:
    """Verify the password of a user.

    The exit status is 0 if the password is right, and 1 if it is wrong.
    """
    user = _read(file).user(name)
    try:
        matches = _HASHES.verify(read_password(password_stdin, confirm=False), user.hash)
    except ValueError:  # passlib's error for an unknown hash
        raise ConfigurationError(
            f"{file}: the hash of the password of {name!r} is of a kind that this program cannot "
            "verify: set the password again with `wharf users add`"
        ) from None
    if not matches:
        raise ConfigurationError(f"{file}: wrong password for {name!r}: try again")
    click.echo(f"The password of {name} is right")


def read_password(from_stdin: bool, *, confirm: bool) -> str:
    """Read a password from standard input, or ask for it.

    Raises:
        ConfigurationError: no client could send it, or bcrypt would ignore a part of it.
    """
    try:
        if from_stdin:
            password = sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
        else:
            with warnings.catch_warnings():
                # getpass would go on without a terminal, and show the password.
                warnings.simplefilter("error", GetPassWarning)
                password = str(
                    click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
                )
        size = len(password.encode())
    except UnicodeError:
        raise ConfigurationError("password is not UTF-8 text: type or send UTF-8") from None
    except click.Abort as abort:
        # click has one error for Ctrl-C and for the end of the input.
        if not isinstance(abort.__context__, EOFError):
            raise
        raise ConfigurationError(
            "password is missing, the input has ended: type one, or use --password-stdin"
        ) from None
    except GetPassWarning:
        raise ConfigurationError(
            "password is missing, there is no terminal to type it: use --password-stdin"
        ) from None
    if password.startswith(BYTE_ORDER_MARK):
        raise ConfigurationError(
            "password begins with a byte order mark, which no client sends: remove the mark "
            "(PowerShell adds a mark by its $OutputEncoding)"
        )
    if not password:
        raise ConfigurationError("password is empty: choose a password")
    if size > MAX_PASSWORD_BYTES:
        raise ConfigurationError(
            f"password has {size} bytes, bcrypt uses {MAX_PASSWORD_BYTES}: choose a shorter one"
        )
    if any(character < " " or character == "\x7f" for character in password):
        raise ConfigurationError(
            "password has a control character: remove it, and use a single line"
        )
    return password


class UsersFile:
    """A users file to edit; other lines, such as comments, stay unchanged.

    Args:
        content: content of the file.
        path: path of the file, for errors.

    Raises:
        ConfigurationError: nginx would ignore a line, in the words of `wharf publish`.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self.users = {user.name: user for user in read_users(content, file=str(path))}
        self._lines: list[str | None] = [*content.decode().split("\n")]
        self._path = path

    def user(self, name: str) -> User:
        """Return a user.

        Raises:
            ConfigurationError: the user does not exist.
        """
        if name not in self.users:
            raise ConfigurationError(f"{self._path}: has no user {name!r}: see `wharf users list`")
        return self.users[name]

    def set(self, name: str, hashed: str) -> None:
        """Add a user, or change the hash of an existing user."""
        user = self.users.get(name)
        if user is None:
            # The last element is the text after the last line end: empty, if the last line has an
            # end.
            if self._lines[-1]:
                self._lines.append("")
            self._lines[-1:] = [f"{name}:{hashed}", ""]
        else:
            line = str(self._lines[user.line - 1])
            old = f"{name}:{user.hash}"
            self._lines[user.line - 1] = f"{name}:{hashed}{line.removeprefix(old)}"

    def remove(self, name: str) -> None:
        """Remove a user.

        Raises:
            ConfigurationError: the user does not exist.
        """
        self._lines[self.user(name).line - 1] = None

    def content(self) -> bytes:
        """Return the content of the file with the changes."""
        return "\n".join(line for line in self._lines if line is not None).encode()


def _read(file: Path) -> UsersFile:
    return UsersFile(file.read_bytes(), file)


@contextmanager
def _edited(file: Path, *, create: bool = False) -> Iterator[UsersFile]:
    """Yield the file for an edit, write the file unless an error occurs, and lock out others."""
    with atomic_file.exclusive(file):
        known = UsersFile(b"", file) if create and not file.exists() else _read(file)
        yield known
        atomic_file.write(atomic_file.AtomicFile(path=file, content=known.content()))
