import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from wharf_proxy.certificate import check_certificate
from wharf_proxy.certificate_files import domains
from wharf_proxy.errors import ConfigurationError


def test_a_good_pair_is_returned_with_its_domains(issue: Any, now: datetime) -> None:
    server = issue("registry.example.com")
    certificate = check_certificate(server.certificate, server.key, now=now)
    assert domains(certificate) == ["registry.example.com"]


def test_a_chain_from_server_to_root_is_good(issue: Any, now: datetime) -> None:
    root = issue("Root", ca=True)
    middle = issue("Middle", issuer=root, ca=True)
    server = issue("registry.example.com", issuer=middle)
    chain = server.certificate + middle.certificate + root.certificate
    assert domains(check_certificate(chain, server.key, now=now)) == ["registry.example.com"]


@pytest.mark.parametrize("kind", ["rsa", "p384", "p521"])
def test_keys_that_nginx_takes_are_good(kind: str, issue: Any, now: datetime) -> None:
    keys: dict[str, Callable[[], object]] = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    }
    server = issue(key=keys[kind](), issuer=issue("Root", ca=True))
    check_certificate(server.certificate, server.key, now=now)


def problem(certificate: bytes, key: bytes, now: datetime) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_certificate(certificate, key, now=now)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("content", [b"", b"hello", b"\x30\x82\x01\x00"])
def test_a_file_without_a_certificate_is_refused(content: bytes, issue: Any, now: datetime) -> None:
    assert problem(content, issue().key, now).startswith("domain.crt: holds no PEM certificate")


def test_a_damaged_certificate_is_refused(issue: Any, now: datetime) -> None:
    server = issue()
    damaged = server.certificate[:60] + server.certificate[90:]
    told = problem(damaged, server.key, now)
    assert told.startswith(("domain.crt: certificate 1 cannot be read", "domain.crt: the CERTIFI"))


def test_a_certificate_of_another_key_is_refused(issue: Any, now: datetime) -> None:
    line = problem(issue("a.example.com").certificate, issue().key, now)
    assert line.startswith("domain.key: does not fit domain.crt (CN=a.example.com)")


def test_the_servers_certificate_must_come_first(issue: Any, now: datetime) -> None:
    root = issue("Root", ca=True)
    server = issue(issuer=root)
    line = problem(root.certificate + server.certificate, server.key, now)
    assert line.startswith("domain.crt: certificate 2 of 2 is the server's, it must be the first")


def test_each_certificate_must_have_issued_the_one_before_it(issue: Any, now: datetime) -> None:
    root = issue("Root", ca=True)
    middle = issue("Middle", issuer=root, ca=True)
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
    middle = issue("Middle", end=now, ca=True)
    server = issue(issuer=middle)
    told = problem(server.certificate + middle.certificate, server.key, now)
    assert told.startswith("domain.crt: CN=Middle expired on 2026-06-01 00:00 UTC: get the current")


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


PUBLIC = rsa.RSAPublicNumbers(65537, (1 << 8199) + 1).public_key()


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ({"key": rsa.generate_private_key(65537, 1024)}, "RSA or RSASSA-PSS with 1024 bits"),  # noqa: S505
        ({"public_key": PUBLIC}, "a key of RSA or RSASSA-PSS with 8200 bits"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "a key on the curve secp256k1"),
        ({"key": ec.generate_private_key(ec.SECP224R1())}, "a key on the curve secp224r1"),
        ({"key": ec.generate_private_key(ec.BrainpoolP256R1())}, "a key on the curve brainpool"),
    ],
    ids=["rsa-1024", "rsa-8200", "secp256k1", "p224", "brainpool"],
)
def test_a_key_that_clients_refuse_is_refused(
    server: dict[str, Any], told: str, issue: Any, now: datetime
) -> None:
    issued = issue(**server)
    line = problem(issued.certificate, issued.key, now)
    assert line.startswith("domain.crt: certificate 1 (CN=registry.example.com) has ")
    assert told in line


def test_an_ed25519_key_is_refused_for_the_balancer_and_allowed_for_an_issuer(
    issue: Any, now: datetime
) -> None:
    root = issue("Root", ca=True, key=ed25519.Ed25519PrivateKey.generate())
    good = issue(issuer=root)
    check_certificate(good.certificate + root.certificate, good.key, now=now)
    server = issue(issuer=root, key=ed25519.Ed25519PrivateKey.generate())
    told = problem(server.certificate, server.key, now)
    assert told.startswith("domain.key: is a key of the kind Ed25519, and some clients and AWS")


def test_an_issuer_of_the_same_name_with_another_key_is_refused(issue: Any, now: datetime) -> None:
    server = issue(issuer=issue("Middle", ca=True))
    other = issue("Middle", ca=True)
    told = problem(server.certificate + other.certificate, server.key, now)
    assert told.startswith("domain.crt: clients refuse it: a certificate is not signed by the one")


def test_so_is_one_at_the_end_of_the_chain(issue: Any, now: datetime) -> None:
    middle = issue("Middle", issuer=issue("Root", ca=True), ca=True)
    server = issue(issuer=middle)
    chain = server.certificate + middle.certificate + issue("Root", ca=True).certificate
    assert "a certificate is not signed by the one after it" in problem(chain, server.key, now)


def test_an_issuer_that_is_no_ca_is_refused(issue: Any, now: datetime) -> None:
    may_not_sign = x509.KeyUsage(*[True, *[False] * 8])
    for issuer in (issue("Middle"), issue("Middle", ca=True, more=[may_not_sign])):
        server = issue(issuer=issuer)
        told = problem(server.certificate + issuer.certificate, server.key, now)
        assert told.startswith("domain.crt: certificate 2 (CN=Middle) may not issue certificates")


@pytest.mark.parametrize(
    "use", [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
)
def test_a_certificate_for_something_else_than_servers_is_refused(
    use: x509.ObjectIdentifier, issue: Any, now: datetime
) -> None:
    uses = x509.ExtendedKeyUsage([use])
    server = issue(more=[uses])
    told = problem(server.certificate, server.key, now)
    assert told.startswith("domain.crt: CN=registry.example.com is not for servers")
    middle = issue("Middle", ca=True, more=[uses])
    server = issue(issuer=middle, more=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])])
    told = problem(server.certificate + middle.certificate, server.key, now)
    assert told.startswith("domain.crt: certificate 2 (CN=Middle) is not for servers")


def test_a_certificate_that_may_not_sign_a_handshake_is_refused(issue: Any, now: datetime) -> None:
    encipher_only = x509.KeyUsage(False, False, True, *[False] * 6)
    server = issue(more=[encipher_only])
    assert "may not sign (key usage)" in problem(server.certificate, server.key, now)


def test_an_issuer_that_may_not_issue_for_the_domain_is_refused(issue: Any, now: datetime) -> None:
    others = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName("other.com")], excluded_subtrees=None
    )
    middle = issue("Middle", ca=True, more=[others])
    server = issue(issuer=middle)
    told = problem(server.certificate + middle.certificate, server.key, now)
    assert "an issuer may not issue for this domain" in told


SAN = x509.ObjectIdentifier("2.5.29.17")
#: As long as the one above in DER.
OTHER = x509.ObjectIdentifier("2.5.29.99")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"\x05\x00", "domain.crt: certificate 1 cannot be read ("),
        (b"\x30\x05\x82\x03a\xc3\xa9", "domain.crt: certificate 1 "),
        (b"\x30\x05\x82\x03a b", "domain.crt: certificate 1 is for 'a b', which is no DNS name"),
        (b"\x30\x05\x82\x03a..", "domain.crt: certificate 1 is for 'a..', which is no DNS name"),
        (b"\x30\x05\x87\x03\x7f\x00\x00", "domain.crt: certificate 1 cannot be read ("),
        (b"\x30\x00", "domain.crt: "),
    ],
    ids=["no-sequence", "no-ascii", "blank", "dots", "three-bytes", "empty"],
)
def test_an_alternative_name_that_clients_cannot_read_is_refused(
    name: bytes, told: str, issue: Any, now: datetime
) -> None:
    server = issue(alternative_name=False, more=[x509.UnrecognizedExtension(SAN, name)])
    assert problem(server.certificate, server.key, now).startswith(told)


def test_a_second_list_of_alternative_names_is_refused(issue: Any, now: datetime) -> None:
    again = x509.UnrecognizedExtension(OTHER, b"\x30\x05\x82\x03a.b")
    server = issue(more=[again])
    der = ssl.PEM_cert_to_DER_cert(server.certificate.decode()).replace(
        b"\x55\x1d\x63", b"\x55\x1d\x11"
    )
    told = problem(ssl.DER_cert_to_PEM_cert(der).encode(), server.key, now)
    assert told.startswith("domain.crt: certificate 1 cannot be read (")


def test_a_key_of_a_kind_that_tls_does_not_use_is_refused(issue: Any, now: datetime) -> None:
    key = dsa.generate_private_key(2048)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert "is a key of the kind DSA, and some" in problem(issue().certificate, content, now)


def test_an_intermediate_that_is_too_weak_for_nginx_is_refused(issue: Any, now: datetime) -> None:
    weak = issue("Old authority", ca=True, key=rsa.generate_private_key(65537, 1024))  # noqa: S505
    server = issue(issuer=weak)
    told = problem(server.certificate + weak.certificate, server.key, now)
    assert told.startswith("domain.crt: certificate 2 (CN=Old authority) has a key of RSA")
