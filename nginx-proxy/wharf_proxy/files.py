"""The files that make a proxy: who may log in and do what, and what TLS shows and proves."""

from collections.abc import Mapping
from pathlib import Path

from cryptography.x509 import Certificate

from wharf_proxy import certificate
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.permissions_file import check_permissions
from wharf_proxy.users_file import check_users, slow_passwords

USERS = "nginx.htpasswd"
CERTIFICATE = "domain.crt"
KEY = "domain.key"
PERMISSIONS = "nginx.permissions"

NEEDED = (USERS, CERTIFICATE, KEY)
NAMES = (*NEEDED, PERMISSIONS)
"""Names of the files, in a folder and in the configuration bucket alike. The last is optional."""


def read(directory: Path) -> dict[str, bytes]:
    """Read those of the files that are in a folder.

    Raises:
        OSError: one is there and cannot be read.
    """
    return {name: (directory / name).read_bytes() for name in NAMES if (directory / name).exists()}


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

    Of what is ``published``, a permission for nobody is let pass: the user may have been removed
    since, and a removal must not fail.

    Raises:
        ConfigurationError: the first thing wrong, naming file, value and remedy.
    """
    missing = [name for name in NEEDED if name not in files]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} missing: the proxy needs all of {', '.join(NEEDED)}"
        )
    for name, content in files.items():
        if not content.strip():
            raise ConfigurationError(f"{name}: is empty: write it again")
    users = check_users(files[USERS], file=USERS)
    if PERMISSIONS in files:
        check_permissions(files[PERMISSIONS], None if published else users, file=PERMISSIONS)
    return certificate.check_certificate(
        files[CERTIFICATE],
        files[KEY],
        ca=ca,
        certificate_file=CERTIFICATE,
        key_file=KEY,
        ca_file=ca_file,
    )


def warnings(files: Mapping[str, bytes], *, ca: bytes | None = None) -> list[str]:
    """Return a line for each thing in checked files that works and that somebody should know."""
    return [
        *slow_passwords(files[USERS], file=USERS),
        *certificate.warnings(files[CERTIFICATE], ca=ca, certificate_file=CERTIFICATE),
    ]
