"""Certificates and keys of TLS, read from PEM; those that no client would read are refused."""

import re
from ipaddress import ip_address
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.openssl import ServerKey
from wharf_proxy.pem import Block, blocks

Kind = TypeVar("Kind", bound=x509.ExtensionType)

MIN_RSA_BITS = 2048
"""Debian's OpenSSL (security level 2) refuses less, and nginx with it."""
MAX_RSA_BITS = 8192
"""Go's crypto/tls refuses more, and with it docker, podman and containerd."""

CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""Elliptic curves that Go's crypto/x509 knows."""

_LABEL = r"[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
_DNS_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def load_chain(content: bytes, file: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM file in its order.

    Raises:
        ConfigurationError: a certificate that clients could not read, or none.
    """
    found = blocks(content, file)
    for block in found:
        if block.label != "CERTIFICATE" and "CERTIFICATE" in block.label:
            raise ConfigurationError(
                f"{file}: line {block.line} begins a {block.label}, which TLS does not use: "
                "put the certificate there that the issuer returned"
            )
    pems = [block for block in found if block.label == "CERTIFICATE"]
    if not pems:
        raise ConfigurationError(
            f"{file}: holds no PEM certificate (-----BEGIN CERTIFICATE-----): "
            "put the server's certificate there, then its intermediates"
        )
    return [_load_one(block, f"{file}: certificate {n}") for n, block in enumerate(pems, start=1)]


def _load_one(block: Block, place: str) -> x509.Certificate:
    # Each version of cryptography raises errors of its own, some when a part is looked at.
    try:
        certificate = x509.load_der_x509_certificate(block.content)
        certificate.subject.rfc4514_string()
        certificate.issuer.rfc4514_string()
        names = domains(certificate)
        key = certificate.public_key()
        encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        serial = certificate.serial_number
    except Exception as error:
        raise ConfigurationError(
            f"{place} cannot be read ({_line(error)}): copy it again from its issuer, or have it "
            "issued again"
        ) from None
    wrong = [name for name in names if not _is_name(name)]
    if wrong:
        raise ConfigurationError(
            f"{place} is for {wrong[0]!r}, which is no DNS name: clients refuse the whole "
            "certificate; have it issued again (xn--... for names beyond ASCII)"
        )
    if serial <= 0:
        raise ConfigurationError(f"{place} has a serial number below 1: have it issued again")
    # cryptography reads an RSASSA-PSS key as an RSA key; Go reads neither it nor other variants.
    if not _is_for_clients(key) or encoded not in certificate.tbs_certificate_bytes:
        raise ConfigurationError(
            f"{place} ({name_of(certificate)}) has {_kind(key)}, which clients refuse: make a key "
            f"on P-256, P-384 or P-521, or one of RSA with {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, "
            "and a certificate for it"
        )
    return certificate


def _is_name(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return len(name) <= 253 and bool(_DNS_NAME.fullmatch(name))
    return True


def _is_for_clients(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, CURVES)
    # Of an issuer: `load_key` does not let a server have one.
    return isinstance(key, ed25519.Ed25519PublicKey)


def _kind(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"a key of RSA or RSASSA-PSS with {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"a key on the curve {key.curve.name}"
    return f"a key of the kind {type(key).__name__.strip('_').split('P')[0]}"


def load_key(content: bytes, file: str) -> ServerKey:
    """Return the private key of a PEM file, the first one.

    Raises:
        ConfigurationError: nginx could not read the key, or no server could use it.
    """
    found = [block for block in blocks(content, file) if block.label.endswith("PRIVATE KEY")]
    if not found:
        raise ConfigurationError(
            f"{file}: is not a PEM private key (-----BEGIN PRIVATE KEY-----): "
            "put the key there that the certificate was made with"
        )
    block = found[0]
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        raise ConfigurationError(
            f"{file}: is encrypted and nobody is there to type its password: "
            "decrypt it with `openssl pkey -in FILE -out FILE`"
        )
    _check_label(block, file)
    try:
        key = load_der_private_key(block.content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{file}: is not a PEM private key (-----BEGIN PRIVATE KEY-----) that OpenSSL reads: "
            "put the key there that the certificate was made with"
        ) from None
    # AWS names RSA and ECDSA only, and its network load balancer checks with TLS 1.2 at most:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
    if not isinstance(key, ServerKey):
        raise ConfigurationError(
            f"{file}: is {_kind(key)}, and some clients and AWS's load balancers take EC and RSA "
            "only: make a key on P-256, and a certificate for it"
        )
    return key


def _check_label(block: Block, file: str) -> None:
    """Refuse a key under the label of another form, which only some programs read."""
    # SEQUENCE, the version, then the algorithm in PKCS#8, a number in RSA's, bytes in EC's form.
    start = 2 + (block.content[1] & 0x7F if block.content[1:2] >= b"\x80" else 0)
    form = {0x30: "PRIVATE KEY", 0x02: "RSA PRIVATE KEY", 0x04: "EC PRIVATE KEY"}
    right = form.get((block.content[start + 3 : start + 4] or b"\0")[0])
    if right and block.label in form.values() and block.label != right:
        raise ConfigurationError(
            f"{file}: what is under -----BEGIN {block.label}----- is a key in the form of a "
            f"{right}: write {right} into the first and the last line"
        )


def domains(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names, then the IP addresses, that the certificate is for."""
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """Return the value of an extension, None if the certificate does not have it."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def name_of(certificate: x509.Certificate) -> str:
    """Return the subject for a message."""
    return certificate.subject.rfc4514_string()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
