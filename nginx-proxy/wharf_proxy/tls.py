"""TLS settings of nginx that depend on the OpenSSL in the image.

They follow Mozilla's guideline 6.0, "intermediate": https://github.com/mozilla/ssl-config-generator
"""

import ssl
from collections.abc import Sequence

HYBRID = "X25519MLKEM768"
"""The key exchange that also resists quantum computers. nginx does not start if its OpenSSL lacks
it, and OpenSSL 3.0 (Debian 12) has no syntax for a group that may be missing."""

CURVES = "X25519:prime256v1:secp384r1"
"""The key exchanges that every supported OpenSSL has."""


def settings(openssl: Sequence[int] = ssl.OPENSSL_VERSION_INFO) -> str:
    """Return the directives that nginx.conf includes.

    Python and nginx share the OpenSSL of the image. From 3.5 on, Debian's nginx is at least 1.26,
    which changes the keys of session tickets by itself (since 1.23.2); an older nginx uses the same
    keys for as long as it runs, so it gets no tickets.
    """
    modern = tuple(openssl) >= (3, 5)
    curves = f"{HYBRID}:{CURVES}" if modern else CURVES
    return f"ssl_ecdh_curve {curves};\nssl_session_tickets {'on' if modern else 'off'};\n"
