"""Certificates that are accepted although some clients may refuse them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID
from wharf_proxy.certificate import check_certificate, warnings
from wharf_proxy.errors import ConfigurationError


def cross_signed(issue: Any, now: datetime) -> tuple[Any, bytes]:
    """Return a server and its chain; its root is also signed by an expired root."""
    old = issue("Old root", ca=True, end=now)
    key = ec.generate_private_key(ec.SECP256R1())
    middle = issue("Middle", ca=True, issuer=issue("Root", ca=True, key=key))
    root = issue("Root", ca=True, key=key, issuer=old, end=now)
    server = issue(issuer=middle)
    return server, server.certificate + middle.certificate + root.certificate + old.certificate


def test_an_expired_root_behind_a_good_chain_is_accepted_with_a_warning(
    issue: Any, now: datetime
) -> None:
    server, chain = cross_signed(issue, now)
    check_certificate(chain, server.key, now=now)
    (line,) = warnings(chain, now=now)
    assert line.startswith("domain.crt: CN=Root expired on 2026-06-01")
    assert line.endswith("remove the last 2 from the file")
    assert not warnings(chain, now=now - timedelta(seconds=1))


def aia() -> x509.AuthorityInformationAccess:
    address = x509.UniformResourceIdentifier("http://ca.example.com/ca.der")
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    return x509.AuthorityInformationAccess([x509.AccessDescription(issuers, address)])


def test_a_certificate_without_its_issuer_is_accepted_with_a_warning(
    issue: Any, now: datetime
) -> None:
    root = issue("Root", ca=True)
    server = issue(issuer=root, more=[aia()])
    check_certificate(server.certificate, server.key, now=now)
    (line,) = warnings(server.certificate, now=now)
    assert line.startswith("domain.crt: holds the server's certificate alone")
    assert "fullchain.pem" in line
    assert "CN=Root" in line
    assert not warnings(server.certificate + root.certificate, now=now)
    assert not warnings(issue(issuer=root).certificate, now=now), "its issuer publishes nothing"


def test_a_ca_that_is_given_is_checked_and_quiet(issue: Any, now: datetime) -> None:
    root, other = issue("Root", ca=True), issue("Other", ca=True)
    server = issue(issuer=root, more=[aia()])
    both = other.certificate + root.certificate
    check_certificate(server.certificate, server.key, ca=both, now=now)
    assert not warnings(server.certificate, ca=both, now=now)
    with pytest.raises(ConfigurationError, match=r"to a certificate in ca\.pem: add"):
        check_certificate(
            server.certificate,
            server.key,
            ca=issue("B", ca=True).certificate,
            ca_file="ca.pem",
            now=now,
        )
