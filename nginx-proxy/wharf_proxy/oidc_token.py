"""Proofs of OIDC identities: a JSON Web Token of an issuer that identities.toml names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from wharf_proxy.errors import Refused, Unavailable
from wharf_proxy.identities_file import Identities

ALGORITHMS = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "EC": ["ES256", "ES384", "ES512"],
    "OKP": ["EdDSA"],
}
"""The signatures of each type of key. There is none for `oct`: who verifies an HMAC can make one,
and a public key must not be taken for the secret of an HMAC."""

SMALLEST_RSA = 2048
"""Bits: https://www.rfc-editor.org/rfc/rfc7518#section-3.3"""

SKEW = 60
"""Seconds by which the issuer's clock may be ahead of this one."""

KeySet = Mapping[str, object]
"""The document that an issuer publishes: https://www.rfc-editor.org/rfc/rfc7517#section-5"""

_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError, RecursionError)


@dataclass(frozen=True)
class Bearer:
    """The bearer of a token.

    Attributes:
        user: user of the registry.
        subject: issuer and subject of the token.
        end: when the token ends.
    """

    user: str
    subject: str
    end: datetime


def verify(token: str, identities: Identities, keys: Mapping[str, KeySet], now: datetime) -> Bearer:
    """Verify a token and return its bearer.

    Args:
        token: from the client.
        identities: issuers, and users by claims.
        keys: the keys of each issuer, by its URL.
        now: the time.

    Raises:
        Refused: the token is malformed, of another issuer, for another audience, expired, or of no
            user.
        Unavailable: the issuer's keys were never fetched.
    """
    header, claimed = _read(token)
    issuer = next(
        (trusted for trusted in identities.oidc if trusted.url == claimed.get("iss")), None
    )
    if issuer is None:
        raise Refused("identities.toml does not have its issuer")
    if issuer.url not in keys:
        raise Unavailable(f"{issuer.url}: its keys have not been fetched yet")
    key = _key(header, keys[issuer.url])
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=ALGORITHMS[str(key.key_type)],
            audience=issuer.audience,
            issuer=issuer.url,
            leeway=SKEW,
            options={"require": ["exp", "iss", "aud"]},
        )
        end = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except _UNREADABLE as error:
        raise Refused(f"{issuer.url}: {error}") from None
    if end <= now:  # the leeway is not for the end
        raise Refused(f"{issuer.url}: it has expired")
    subject = f"{issuer.url} {claims.get('sub', '')}"
    user = issuer.user(claims)
    if user is None:
        raise Refused(f"{subject}: no entry of identities.toml has its claims")
    return Bearer(user, subject, end)


def usable_keys(document: object) -> int:
    """Return how many keys of a document can verify a token."""
    return len(_keys(document)) if isinstance(document, dict) else 0


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a token, unverified."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except _UNREADABLE as error:
        raise Refused(f"it is no token ({error})") from None
    if "crit" in header:
        raise Refused("its header has `crit`: no extension is known here")
    return header, claims


def _key(header: Mapping[str, Any], document: KeySet) -> jwt.PyJWK:
    """Return the key that a token names; the issuer's only key if the token names none."""
    keys = _keys(document)
    name = header.get("kid")
    found = keys if name is None else [key for key in keys if key.key_id == name]
    if len(found) != 1:
        raise Refused("the issuer's keys do not have its `kid`")
    return found[0]


def _keys(document: KeySet) -> list[jwt.PyJWK]:
    listed = document.get("keys")
    found = []
    for entry in listed if isinstance(listed, list) else []:
        try:
            key = jwt.PyJWK(entry)
        except (*_UNREADABLE, AttributeError, KeyError):  # of another type, or broken
            continue
        is_large = key.key_type != "RSA" or key.key.key_size >= SMALLEST_RSA
        if key.key_type in ALGORITHMS and entry.get("use", "sig") == "sig" and is_large:
            found.append(key)
    return found
