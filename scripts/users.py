"""Users of the registry, kept in an htpasswd file.

python -m scripts.users add nginx.htpasswd alice
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from passlib.apache import HtpasswdFile  # type: ignore[import-untyped]
from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.hash import bcrypt  # type: ignore[import-untyped]
from wharf_proxy import atomic_file
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.users_file import check_name

from scripts.errors import one_line_errors

MAX_PASSWORD_BYTES = 72
"""bcrypt ignores what comes after."""

# passlib's own choice for htpasswd files has passwords in clear too.
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
    type=click.IntRange(4, 31),
    default=10,
    show_default=True,
    help="bcrypt's work factor: one more takes twice the time, for an attacker as for a host. "
    "A host takes it once for each password that it does not remember.",
)
@one_line_errors()
def add(file: Path, name: str, password_stdin: bool, cost: int) -> None:
    """Add a user, or give one that exists a new password."""
    check_name(name)
    password = _password(password_stdin, confirm=True)
    with _edited(file, create=True) as known:
        is_new = known.get_hash(name) is None
        known.set_hash(name, bcrypt.using(rounds=cost, ident="2y").hash(password))
    click.echo(f"{'Added user' if is_new else 'Changed the password of'} {name} in {file}")


@users.command()
@_file
@_name
@one_line_errors()
def remove(file: Path, name: str) -> None:
    """Remove a user."""
    with _edited(file) as known:
        if not known.delete(name):
            raise _unknown(file, name)
    click.echo(f"Removed user {name} from {file}")


@users.command("list")
@_file
@one_line_errors()
def list_users(file: Path) -> None:
    """Print the user names, one a line."""
    for name in _read(file).users():
        click.echo(name)


@users.command()
@_file
@_name
@_stdin
@one_line_errors()
def verify(file: Path, name: str, password_stdin: bool) -> None:
    """Tell whether a password is the user's: status 0 if so, 1 if not."""
    known = _read(file)
    if known.get_hash(name) is None:
        raise _unknown(file, name)
    try:
        matches = known.check_password(name, _password(password_stdin, confirm=False))
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
    if not password:
        raise ConfigurationError("password is empty: choose one")
    if size > MAX_PASSWORD_BYTES:
        raise ConfigurationError(
            f"password has {size} bytes, bcrypt looks at {MAX_PASSWORD_BYTES}: choose a shorter one"
        )
    if any(character < " " or character == "\x7f" for character in password):
        raise ConfigurationError("password has a control character: leave it out, on one line")
    return password


def _unknown(file: Path, name: str) -> ConfigurationError:
    return ConfigurationError(f"{file}: has no user {name!r}: see `list` for those it has")


def _read(file: Path) -> HtpasswdFile:
    try:
        return HtpasswdFile.from_string(file.read_bytes().decode(), context=_HASHES)
    except ValueError as error:
        raise ConfigurationError(f"{file}: {error}: each line must be user:hash") from None


@contextmanager
def _edited(file: Path, *, create: bool = False) -> Iterator[HtpasswdFile]:
    """Give the file to change, and write it if nothing went wrong, safe from other edits."""
    with atomic_file.exclusive(file):
        known = HtpasswdFile() if create and not file.exists() else _read(file)
        yield known
        atomic_file.write(atomic_file.AtomicFile(path=file, content=known.to_string()))


if __name__ == "__main__":
    users(prog_name="python -m scripts.users")
