from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BCRYPT = "$2y$05$bgWDv0Kb/hic//tQkvc95u54tanbwTU5RCpprHuZyotZr2t7hx5ie"  # of "secret"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, from which others can be issued."""

    name: x509.Name
    certificate: bytes
    private_key: Key

    @property
    def key(self) -> bytes:
        return pem(self.private_key)

    def encrypted_key(self, password: bytes) -> bytes:
        return self.private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
        )


Issue = Callable[..., Identity]


def pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issue(
    name: str = "registry.example.com",
    *,
    issuer: Identity | None = None,
    key: Key | None = None,
    start: datetime = NOW - timedelta(days=10),
    end: datetime = NOW + timedelta(days=10),
    alternative_name: bool = True,
) -> Identity:
    own_key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name if issuer else subject)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if alternative_name:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(issuer.private_key if issuer else own_key, hashes.SHA256())
    return Identity(subject, signed.public_bytes(Encoding.PEM), own_key)


@pytest.fixture(name="issue")
def _issue() -> Issue:
    """Make identities that are valid around `now`, signed by themselves unless told otherwise."""
    return issue


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def user_line() -> str:
    return f"alice:{BCRYPT}\n"


@pytest.fixture
def good_files() -> dict[str, bytes]:
    """Three files with which a proxy starts today."""
    today = datetime.now(UTC)
    server = issue(start=today - timedelta(days=1), end=today + timedelta(days=1))
    return {
        "nginx.htpasswd": f"alice:{BCRYPT}\n".encode(),
        "domain.crt": server.certificate,
        "domain.key": server.key,
    }
