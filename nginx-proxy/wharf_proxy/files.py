"""The files that make a proxy: who may log in and do what, and what TLS shows and proves."""

from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.x509 import Certificate

from wharf_proxy import certificate
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.identities_file import KINDS, check_identities
from wharf_proxy.permissions_file import check_permissions
from wharf_proxy.users_file import check_users, slow_passwords

USERS = "nginx.htpasswd"
CERTIFICATE = "domain.crt"
KEY = "domain.key"
PERMISSIONS = "nginx.permissions"

IDENTITIES = "identities.toml"

NEEDED = (USERS, CERTIFICATE, KEY)
OPTIONAL = (PERMISSIONS, IDENTITIES)
NAMES = (*NEEDED, *OPTIONAL)
"""Names of the files, in a folder and in the configuration bucket alike."""


def needed(names: Collection[str]) -> tuple[str, ...]:
    """Return the names of the required files, if files with ``names`` exist.

    Where identities can log in, no users file is required.
    """
    return tuple(name for name in NEEDED if name != USERS or IDENTITIES not in names)


def read(directory: Path) -> dict[str, bytes]:
    """Return the files that a folder has, by name.

    Raises:
        OSError: a file exists and cannot be read.
    """
    return {name: (directory / name).read_bytes() for name in NAMES if (directory / name).exists()}


def check_logins(files: Mapping[str, bytes], *, published: bool = False) -> None:
    """Check who may log in and do what.

    In ``published`` files, a permission of a user who does not exist is accepted: the user may have
    been removed since, and a removal must not fail.

    Raises:
        ConfigurationError: the first thing wrong, naming file, value and remedy.
    """
    for name, content in files.items():
        if not content.strip():
            raise ConfigurationError(f"{name}: is empty: write it again")
    users = check_users(files[USERS], file=USERS) if USERS in files else []
    if IDENTITIES in files:
        identities = check_identities(files[IDENTITIES], file=IDENTITIES)
        _check_names(users)
        users += identities.users
    if PERMISSIONS in files:
        check_permissions(files[PERMISSIONS], None if published else users, file=PERMISSIONS)


def check(
    files: Mapping[str, bytes],
    *,
    published: bool = False,
    ca: bytes | None = None,
    ca_file: str = "CA",
) -> Certificate:
    """Check that a proxy can start with these files, by name, and that its clients will accept it.

    Return the server's certificate. ``ca`` has the certificates of the authorities that clients
    trust, in PEM, if they are known.

    ``published`` is explained at `check_logins`.

    Raises:
        ConfigurationError: the first thing wrong, naming file, value and remedy.
    """
    missing = [name for name in needed(files) if name not in files]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} missing: the proxy needs all of {', '.join(needed(files))}"
        )
    check_logins(files, published=published)
    return certificate.check_certificate(
        files[CERTIFICATE],
        files[KEY],
        ca=ca,
        certificate_file=CERTIFICATE,
        key_file=KEY,
        ca_file=ca_file,
    )


def _check_names(users: Collection[str]) -> None:
    for name in KINDS:
        if name in users:
            raise ConfigurationError(
                f"{USERS}: user {name!r} cannot log in: with {IDENTITIES}, this name is for "
                "proofs of identity: choose another"
            )


def warnings(files: Mapping[str, bytes], *, ca: bytes | None = None) -> list[str]:
    """Return a line for each part of checked files that works and needs an operator's eye."""
    return [
        *slow_passwords(files.get(USERS, b""), file=USERS),
        *certificate.warnings(files[CERTIFICATE], ca=ca, certificate_file=CERTIFICATE),
    ]
