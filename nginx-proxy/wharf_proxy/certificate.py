"""The check of domain.crt and domain.key: would nginx and its clients accept them?"""

import re
import ssl
import tempfile
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from wharf_proxy.errors import ConfigurationError

ServerKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

MIN_RSA_BITS = 2048
"""Debian's OpenSSL (security level 2) refuses less, and nginx with it."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def check_certificate(
    certificate: bytes,
    key: bytes,
    *,
    now: datetime | None = None,
    certificate_file: str = "domain.crt",
    key_file: str = "domain.key",
) -> x509.Certificate:
    """Check a PEM certificate chain and its PEM key, and return the server's certificate.

    The chain's order is checked by names, not by signatures: a client does that better.

    Raises:
        ConfigurationError: the first thing wrong, with its remedy.
    """
    chain = _load_chain(certificate, certificate_file)
    server_key = _load_key(key, key_file)
    _check_fit(chain, server_key, certificate_file, key_file)
    _check_order(chain, certificate_file)
    for link in chain:
        _check_dates(link, now or datetime.now(UTC), certificate_file)
    if not domains(chain[0]):
        raise ConfigurationError(
            f"{certificate_file}: names no domain as subject alternative name, which clients "
            "require: have it issued again with its domain"
        )
    _check_with_openssl(certificate, key, certificate_file)
    return chain[0]


def domains(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names, then the IP addresses, that the certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def valid_from(certificate: x509.Certificate) -> datetime:
    """Return when the certificate becomes valid, in UTC."""
    # cryptography 38 (Debian 12) knows only the naive property, which newer versions deprecate.
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=UTC)


def valid_until(certificate: x509.Certificate) -> datetime:
    """Return when the certificate expires, in UTC."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=UTC)


def _load_chain(content: bytes, file: str) -> list[x509.Certificate]:
    # load_pem_x509_certificates, which reads a whole chain, came with cryptography 39.
    pems = _PEM.findall(content)
    if not pems:
        raise ConfigurationError(
            f"{file}: holds no PEM certificate (-----BEGIN CERTIFICATE-----): "
            "put the server's certificate there, then its intermediates"
        )
    try:
        return [x509.load_pem_x509_certificate(pem) for pem in pems]
    except ValueError:
        raise ConfigurationError(
            f"{file}: holds a certificate that cannot be read: copy it again from its issuer"
        ) from None


def _load_key(content: bytes, file: str) -> ServerKey:
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise ConfigurationError(
            f"{file}: is encrypted and nobody is there to type its password: "
            "decrypt it with `openssl pkey -in FILE -out FILE`"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{file}: is not a PEM private key (-----BEGIN PRIVATE KEY-----): "
            "put the key there that the certificate was made with"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise ConfigurationError(
            f"{file}: is an RSA key of {key.key_size} bits, fewer than nginx accepts: "
            f"make one of {MIN_RSA_BITS} bits or more, and a certificate for it"
        )
    if not isinstance(key, ServerKey):
        raise ConfigurationError(
            f"{file}: is a key of a kind that TLS clients do not use: make an EC or RSA key"
        )
    return key


def _check_fit(chain: list[x509.Certificate], key: ServerKey, file: str, key_file: str) -> None:
    fits = [_public_bytes(link) == _public_bytes(key) for link in chain]
    if fits[0]:
        return
    if any(fits):
        raise ConfigurationError(
            f"{file}: certificate {fits.index(True) + 1} of {len(chain)} is the server's, "
            "it must be the first: put the intermediates after it"
        )
    raise ConfigurationError(
        f"{key_file}: does not fit {file} ({chain[0].subject.rfc4514_string()}): "
        "put the key there that the certificate was made with"
    )


def _check_order(chain: list[x509.Certificate], file: str) -> None:
    for number, (link, issuer) in enumerate(pairwise(chain), start=2):
        if link.issuer != issuer.subject:
            raise ConfigurationError(
                f"{file}: certificate {number} ({issuer.subject.rfc4514_string()}) did not issue "
                f"the one before it ({link.issuer.rfc4514_string()} did): "
                "put each certificate directly after the one that it issued"
            )


def _check_dates(certificate: x509.Certificate, now: datetime, file: str) -> None:
    name = certificate.subject.rfc4514_string()
    if now >= valid_until(certificate):
        raise ConfigurationError(
            f"{file}: {name} expired on {valid_until(certificate):%Y-%m-%d %H:%M} UTC: renew it"
        )
    if now < valid_from(certificate):
        raise ConfigurationError(
            f"{file}: {name} is not valid before {valid_from(certificate):%Y-%m-%d %H:%M} UTC: "
            "wait until then, or set this machine's clock"
        )


def _check_with_openssl(certificate: bytes, key: bytes, file: str) -> None:
    """What nginx will do: OpenSSL refuses weak signatures and keys anywhere in the chain."""
    with tempfile.NamedTemporaryFile() as both:
        both.write(certificate + b"\n" + key)
        both.flush()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both.name)
        except ssl.SSLError as error:
            raise ConfigurationError(
                f"{file}: OpenSSL refuses it ({error.reason}): have it issued again, or the "
                "intermediate that is too weak"
            ) from None


def _public_bytes(holder: x509.Certificate | ServerKey) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
