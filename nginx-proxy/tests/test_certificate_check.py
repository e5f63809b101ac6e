from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wharf_proxy.certificate import check_certificate, domains
from wharf_proxy.errors import ConfigurationError


def test_a_good_pair_is_returned_with_its_domains(issue: Any, now: datetime) -> None:
    server = issue("registry.example.com")
    certificate = check_certificate(server.certificate, server.key, now=now)
    assert domains(certificate) == ["registry.example.com"]


def test_a_chain_from_server_to_root_is_good(issue: Any, now: datetime) -> None:
    root = issue("Root")
    middle = issue("Middle", issuer=root)
    server = issue("registry.example.com", issuer=middle)
    chain = server.certificate + middle.certificate + root.certificate
    assert domains(check_certificate(chain, server.key, now=now)) == ["registry.example.com"]


@pytest.mark.parametrize("kind", ["rsa", "p384", "ed25519"])
def test_keys_that_nginx_takes_are_good(kind: str, issue: Any, now: datetime) -> None:
    key = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    server = issue(key=key, issuer=issue("Root"))
    check_certificate(server.certificate, server.key, now=now)


def problem(certificate: bytes, key: bytes, now: datetime) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_certificate(certificate, key, now=now)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_refused(content: bytes, issue: Any, now: datetime) -> None:
    assert problem(content, issue().key, now).startswith("domain.crt: holds no PEM certificate")


def test_a_damaged_certificate_is_refused(issue: Any, now: datetime) -> None:
    server = issue()
    damaged = server.certificate[:60] + server.certificate[90:]
    assert "domain.crt: holds a certificate that cannot be read" in problem(
        damaged, server.key, now
    )


def test_a_certificate_of_another_key_is_refused(issue: Any, now: datetime) -> None:
    line = problem(issue("a.example.com").certificate, issue().key, now)
    assert line.startswith("domain.key: does not fit domain.crt (CN=a.example.com)")


def test_the_servers_certificate_must_come_first(issue: Any, now: datetime) -> None:
    root = issue("Root")
    server = issue(issuer=root)
    line = problem(root.certificate + server.certificate, server.key, now)
    assert line.startswith("domain.crt: certificate 2 of 2 is the server's, it must be the first")


def test_each_certificate_must_have_issued_the_one_before_it(issue: Any, now: datetime) -> None:
    root = issue("Root")
    middle = issue("Middle", issuer=root)
    server = issue(issuer=middle)
    chain = server.certificate + root.certificate + middle.certificate
    line = problem(chain, server.key, now)
    assert line.startswith(
        "domain.crt: certificate 2 (CN=Root) did not issue the one before it (CN=Middle did)"
    )


def test_an_expired_certificate_is_refused_from_its_last_second_on(
    issue: Any, now: datetime
) -> None:
    server = issue(end=now)
    assert problem(server.certificate, server.key, now) == (
        "domain.crt: CN=registry.example.com expired on 2026-06-01 00:00 UTC: renew it"
    )
    check_certificate(server.certificate, server.key, now=now - timedelta(seconds=1))


def test_an_expired_intermediate_is_refused(issue: Any, now: datetime) -> None:
    middle = issue("Middle", end=now)
    server = issue(issuer=middle)
    assert "CN=Middle expired" in problem(server.certificate + middle.certificate, server.key, now)


def test_a_certificate_of_the_future_is_refused(issue: Any, now: datetime) -> None:
    server = issue(start=now + timedelta(seconds=1))
    line = problem(server.certificate, server.key, now)
    assert "is not valid before 2026-06-01 00:00 UTC" in line


def test_a_certificate_without_a_domain_is_refused(issue: Any, now: datetime) -> None:
    server = issue(alternative_name=False)
    assert "names no domain" in problem(server.certificate, server.key, now)


def test_an_encrypted_key_is_refused(issue: Any, now: datetime) -> None:
    server = issue()
    line = problem(server.certificate, server.encrypted_key(b"secret"), now)
    assert line.startswith("domain.key: is encrypted")


def test_a_certificate_in_place_of_the_key_is_refused(issue: Any, now: datetime) -> None:
    server = issue()
    line = problem(server.certificate, server.certificate, now)
    assert line.startswith("domain.key: is not a PEM private key")


def test_a_short_rsa_key_is_refused(issue: Any, now: datetime) -> None:
    server = issue(key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - that is the point
    line = problem(server.certificate, server.key, now)
    assert line.startswith("domain.key: is an RSA key of 1024 bits")


def test_a_key_of_a_kind_that_tls_does_not_use_is_refused(issue: Any, now: datetime) -> None:
    key = dsa.generate_private_key(2048)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert "a kind that TLS clients do not use" in problem(issue().certificate, content, now)


def test_an_intermediate_that_is_too_weak_for_nginx_is_refused(issue: Any, now: datetime) -> None:
    weak = issue("Old authority", key=rsa.generate_private_key(65537, 1024))  # noqa: S505
    server = issue(issuer=weak)
    told = problem(server.certificate + weak.certificate, server.key, now)
    assert told.startswith("domain.crt: OpenSSL refuses it (CA_KEY_TOO_SMALL)")
