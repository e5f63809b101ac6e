"""The check of domain.crt and domain.key: would nginx and its clients accept them?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from wharf_proxy import openssl
from wharf_proxy.certificate_files import domains, extension, load_chain, load_key, name_of
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.openssl import ServerKey


def check_certificate(
    certificate: bytes,
    key: bytes,
    *,
    ca: bytes | None = None,
    now: datetime | None = None,
    certificate_file: str = "domain.crt",
    key_file: str = "domain.key",
    ca_file: str = "CA",
) -> x509.Certificate:
    """Check a PEM certificate chain and its PEM key, and return the server's certificate.

    ``ca`` has the PEM certificates of the authorities that the clients trust, if they are known.

    Raises:
        ConfigurationError: the first thing wrong, with its remedy.
    """
    now = now or datetime.now(UTC)
    chain = load_chain(certificate, certificate_file)
    server_key = load_key(key, key_file)
    _check_fit(chain, server_key, certificate_file, key_file)
    _check_order(chain, certificate_file)
    _check_server(chain[0], certificate_file)
    current = _without_expired_tail(chain, now)
    for number, issuer in enumerate(current[1:], start=2):
        _check_issuer(issuer, f"{certificate_file}: certificate {number} ({name_of(issuer)})")
    for link in current:
        remedy = "renew it" if link is chain[0] else "get the current one of the issuer"
        _check_dates(link, now, certificate_file, remedy)
    openssl.check_files(certificate, key, chain, server_key, certificate_file, key_file)
    trusted = current[-1:] if ca is None else load_chain(ca, ca_file)
    openssl.check_chain(current, server_key, trusted, certificate_file, ca_file if ca else None)
    return chain[0]


def warnings(
    certificate: bytes,
    *,
    ca: bytes | None = None,
    now: datetime | None = None,
    certificate_file: str = "domain.crt",
) -> list[str]:
    """Return a line for each thing in a checked chain that works, though not for every client."""
    chain = load_chain(certificate, certificate_file)
    found = []
    expired = chain[len(_without_expired_tail(chain, now or datetime.now(UTC))) :]
    if expired:
        redundant = "the last certificate" if len(expired) == 1 else f"the last {len(expired)}"
        end = valid_until(expired[0])
        found.append(
            f"{certificate_file}: {name_of(expired[0])} expired on {end:%Y-%m-%d}; new clients do "
            f"not need it, old ones refuse it: remove {redundant} from the file"
        )
    if len(chain) == 1 and ca is None and _has_published_issuer(chain[0]):
        issuer = chain[0].issuer.rfc4514_string()
        found.append(
            f"{certificate_file}: holds the server's certificate alone, and clients such as docker "
            f"do not fetch that of its issuer ({issuer}): use the file that has both, which "
            "certbot calls fullchain.pem (cert.pem has the first only); if clients trust the "
            "issuer itself, give its certificate with --ca"
        )
    return found


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


def _check_server(certificate: x509.Certificate, file: str) -> None:
    """Check that clients accept the server's certificate."""
    if not domains(certificate):
        raise ConfigurationError(
            f"{file}: names no domain as subject alternative name, which clients "
            "require: have it issued again with its domain"
        )
    _check_use(certificate, f"{file}: {name_of(certificate)}")
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise ConfigurationError(
            f"{file}: {name_of(certificate)} may not sign (key usage), which TLS needs: "
            "have it issued again for a server"
        )


def _check_issuer(certificate: x509.Certificate, place: str) -> None:
    """Check that a certificate may issue others."""
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    if basic is None or not basic.ca or (usage is not None and not usage.key_cert_sign):
        raise ConfigurationError(
            f"{place} may not issue certificates (it is none of a CA): "
            "put the intermediates there that the issuer gave with the server's certificate"
        )
    _check_use(certificate, place)


def _check_use(certificate: x509.Certificate, place: str) -> None:
    uses = extension(certificate, x509.ExtendedKeyUsage)
    servers = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if uses is not None and not any(use in servers for use in uses):
        raise ConfigurationError(
            f"{place} is not for servers (its extended key usage lacks serverAuth): "
            "have it issued again for a server"
        )


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
        f"{key_file}: does not fit {file} ({name_of(chain[0])}): "
        "put the key there that the certificate was made with"
    )


def _check_order(chain: list[x509.Certificate], file: str) -> None:
    for number, (link, issuer) in enumerate(pairwise(chain), start=2):
        if link.issuer != issuer.subject:
            raise ConfigurationError(
                f"{file}: certificate {number} ({name_of(issuer)}) did not issue "
                f"the one before it ({link.issuer.rfc4514_string()} did): "
                "put each certificate directly after the one that it issued"
            )


def _check_dates(certificate: x509.Certificate, now: datetime, file: str, remedy: str) -> None:
    name = name_of(certificate)
    if now >= valid_until(certificate):
        raise ConfigurationError(
            f"{file}: {name} expired on {valid_until(certificate):%Y-%m-%d %H:%M} UTC: {remedy}"
        )
    if now < valid_from(certificate):
        raise ConfigurationError(
            f"{file}: {name} is not valid before {valid_from(certificate):%Y-%m-%d %H:%M} UTC: "
            "wait until then, or set this machine's clock"
        )


def _without_expired_tail(
    chain: Sequence[x509.Certificate], now: datetime
) -> Sequence[x509.Certificate]:
    """Return the chain without an expired end: a root that an older root signed for old clients.

    Clients of today know the root itself:
    https://letsencrypt.org/docs/dst-root-ca-x3-expiration-september-2021/
    """
    for index, link in enumerate(chain[2:], start=2):
        if now >= valid_until(link):
            return chain[:index]
    return chain


def _has_published_issuer(certificate: x509.Certificate) -> bool:
    access = extension(certificate, x509.AuthorityInformationAccess)
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    return access is not None and any(
        description.access_method == issuers for description in access
    )


def _public_bytes(holder: x509.Certificate | ServerKey) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
