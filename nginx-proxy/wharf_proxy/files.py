"""The three files that make a proxy: who may log in, and what TLS shows and proves."""

from collections.abc import Mapping
from pathlib import Path

from wharf_proxy.certificate import check_certificate
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.users_file import check_users

USERS = "nginx.htpasswd"
CERTIFICATE = "domain.crt"
KEY = "domain.key"
NAMES = (USERS, CERTIFICATE, KEY)
"""Names of the files, in a folder and in the configuration bucket alike."""


def read(directory: Path) -> dict[str, bytes]:
    """Read those of the three files that are in a folder.

    Raises:
        OSError: one is there and cannot be read.
    """
    return {name: (directory / name).read_bytes() for name in NAMES if (directory / name).exists()}


def check(files: Mapping[str, bytes]) -> None:
    """Check that a proxy can start with these files, by name, and that its clients will accept it.

    Raises:
        ConfigurationError: the first thing wrong, naming file, value and remedy.
    """
    missing = [name for name in NAMES if name not in files]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} missing: the proxy needs all of {', '.join(NAMES)}"
        )
    for name in NAMES:
        if not files[name].strip():
            raise ConfigurationError(f"{name}: is empty: write it again")
    check_users(files[USERS], file=USERS)
    check_certificate(files[CERTIFICATE], files[KEY], certificate_file=CERTIFICATE, key_file=KEY)
