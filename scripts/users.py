"""Users of the registry, kept in an htpasswd file.

python -m scripts.users add nginx.htpasswd alice
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
"""bcrypt ignores what comes after."""

# Those that passlib can verify of the ones that nginx can.
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
    """Add, remove, list and verify the users in an htpasswd FILE."""


@users.command()
@_file
@_name
@_stdin
@click.option(
    "--cost",
    type=click.IntRange(4, MAX_COST),
    default=10,
    show_default=True,
    help="bcrypt's work factor: one more takes twice the time, for an attacker as for a host. "
    "A host takes it once for each password that it does not remember; at 14 a second or more.",
)
@one_line_errors()
def add(file: Path, name: str, password_stdin: bool, cost: int) -> None:
    """Add a user, or give one that exists a new password."""
    check_name(name)
    password = _password(password_stdin, confirm=True)
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
@one_line_errors()
def list_users(file: Path) -> None:
    """Print the user names, one a line."""
    for name in _read(file).users:
        click.echo(name)


@users.command()
@_file
@_name
@_stdin
@one_line_errors()
def verify(file: Path, name: str, password_stdin: bool) -> None:
    """Tell whether a password is the user's: status 0 if so, 1 if not."""
    user = _read(file).user(name)
    try:
        matches = _HASHES.verify(_password(password_stdin, confirm=False), user.hash)
    except ValueError:  # passlib's word for a hash that it does not know
        raise ConfigurationError(
            f"{file}: the password of {name!r} is hashed in a way that this program cannot verify: "
            "set it again with `add`"
        ) from None
    if not matches:
        raise ConfigurationError(f"{file}: that is not the password of {name!r}: try again")
    click.echo(f"That is the password of {name}")


def _password(from_stdin: bool, *, confirm: bool) -> str:
    try:
        if from_stdin:
            password = sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
        else:
            password = str(click.prompt("Password", hide_input=True, confirmation_prompt=confirm))
        size = len(password.encode())
    except UnicodeError:
        raise ConfigurationError("password is not UTF-8 text: type or send it as such") from None
    if password.startswith(BYTE_ORDER_MARK):
        raise ConfigurationError(
            "password begins with a byte order mark, which no client sends: write it without one "
            "(PowerShell adds one when its $OutputEncoding has it)"
        )
    if not password:
        raise ConfigurationError("password is empty: choose one")
    if size > MAX_PASSWORD_BYTES:
        raise ConfigurationError(
            f"password has {size} bytes, bcrypt looks at {MAX_PASSWORD_BYTES}: choose a shorter one"
        )
    if any(character < " " or character == "\x7f" for character in password):
        raise ConfigurationError("password has a control character: leave it out, on one line")
    return password


class UsersFile:
    """A users file to change: what is not changed stays as it is, comments too.

    Args:
        content: of the file.
        path: of the file, for errors.

    Raises:
        ConfigurationError: nginx would ignore a line, in the words of `scripts.publish`.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self.users = {user.name: user for user in read_users(content, file=str(path))}
        self._lines: list[str | None] = [*content.decode().split("\n")]
        self._path = path

    def user(self, name: str) -> User:
        """Return a user.

        Raises:
            ConfigurationError: there is none of that name.
        """
        if name not in self.users:
            raise ConfigurationError(
                f"{self._path}: has no user {name!r}: see `list` for those it has"
            )
        return self.users[name]

    def set(self, name: str, hashed: str) -> None:
        """Add a user, or give it another password."""
        user = self.users.get(name)
        if user is None:
            # The last element is what follows the last line end: nothing, if the line has an end.
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
            ConfigurationError: there is none of that name.
        """
        self._lines[self.user(name).line - 1] = None

    def content(self) -> bytes:
        """Return the file's content with the changes."""
        return "\n".join(line for line in self._lines if line is not None).encode()


def _read(file: Path) -> UsersFile:
    return UsersFile(file.read_bytes(), file)


@contextmanager
def _edited(file: Path, *, create: bool = False) -> Iterator[UsersFile]:
    """Give the file to change, and write it if nothing went wrong, safe from other edits."""
    with atomic_file.exclusive(file):
        known = UsersFile(b"", file) if create and not file.exists() else _read(file)
        yield known
        atomic_file.write(atomic_file.AtomicFile(path=file, content=known.content()))


if __name__ == "__main__":
    users(prog_name="python -m scripts.users")
