"""PEM files on which programs differ: each is read as nginx reads it, or refused."""

import textwrap
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wharf_proxy.certificate import check_certificate
from wharf_proxy.errors import ConfigurationError

BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@pytest.fixture
def server(issue: Any) -> tuple[bytes, bytes, bytes]:
    """Return a server's certificate, that of its issuer, and the server's key."""
    issuer = issue("Issuer", ca=True)
    issued = issue(issuer=issuer)
    return issued.certificate, issuer.certificate, issued.key


def problem(certificate: bytes, key: bytes, now: datetime) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_certificate(certificate, key, now=now)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_two_certificates_without_a_line_end_between_them(
    server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, issuer, key = server
    line = own.count(b"\n")
    assert problem(own.rstrip() + issuer, key, now).startswith(
        f"domain.crt: line {line} has the end of a block and the beginning of the next"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            BEGIN,
            BEGIN[1:],
            "(----BEGIN CERTIFICATE-----) is not read by OpenSSL: write five dashes",
        ),
        (BEGIN, BEGIN + b"-", "is not read by OpenSSL: write five dashes"),
        (BEGIN, BEGIN.lower(), "is not read by OpenSSL: write five dashes"),
        (BEGIN, b"# " + BEGIN, "is not read by OpenSSL: write five dashes"),
        (BEGIN, b"\xe2\x80\x94BEGIN CERTIFICATE\xe2\x80\x94", "is not read by OpenSSL"),
        (BEGIN, b"    " + BEGIN, "is indented, so OpenSSL does not find it"),
        (END, END[:-1], "is not read by OpenSSL: write five dashes"),
        (END, b"\t" + END, "is indented"),
        (END, b"", "does not follow"),
        (BEGIN, b"", "does not follow"),
    ],
)
def test_a_line_that_is_almost_a_marker(
    old: bytes, new: bytes, told: str, server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, issuer, key = server
    line = problem(own + issuer.replace(old, new) + issuer, key, now)
    assert line.startswith("domain.crt: line ")
    assert told in line


def test_a_file_that_is_cut_off(server: tuple[bytes, bytes, bytes], now: datetime) -> None:
    own, issuer, key = server
    told = problem(own + issuer[:-40], key, now)
    assert "has no -----END CERTIFICATE-----: copy the file again" in told


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_byte_order_mark(mark: bytes, server: tuple[bytes, bytes, bytes], now: datetime) -> None:
    own, _, key = server
    assert problem(mark + own, key, now).startswith("domain.crt: begins with a byte order mark")
    assert problem(own, mark + key, now).startswith("domain.key: begins with a byte order mark")


def test_an_indented_file(server: tuple[bytes, bytes, bytes], now: datetime) -> None:
    own, _, key = server
    indented = textwrap.indent(own.decode(), "    ").encode()
    assert problem(indented, key, now).startswith("domain.crt: line 1 is indented")
    indented = textwrap.indent(key.decode(), "    ").encode()
    assert problem(own, indented, now).startswith("domain.key: line 1 is indented")


@pytest.mark.parametrize(
    "label", ["TRUSTED CERTIFICATE", "X509 CERTIFICATE", "CERTIFICATE REQUEST"]
)
def test_a_block_of_another_kind(
    label: str, server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, _, key = server
    other = own.replace(b"CERTIFICATE", label.encode())
    told = problem(own + other, key, now)
    assert f"begins a {label}, which TLS does not use" in told


def test_a_key_under_the_label_of_another_form(
    server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, _, key = server
    told = problem(own, key.replace(b"PRIVATE KEY", b"EC PRIVATE KEY"), now)
    assert told.startswith(
        "domain.key: what is under -----BEGIN EC PRIVATE KEY----- is a key in the form of a PRIVATE"
    )


def test_a_key_in_its_own_form_is_good(issue: Any, now: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    server = issue(key=private)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    # What `openssl ecparam -genkey` writes.
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    check_certificate(server.certificate, parameters + key, now=now)
    told = problem(server.certificate, key.replace(b"EC PRIVATE", b"PRIVATE"), now)
    assert "is a key in the form of a EC PRIVATE KEY" in told


def test_text_around_blocks_and_other_line_ends_are_good(
    server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, issuer, key = server
    chain = b"subject=CN = M\xfcller\n" + own + b"\nIssuer:\n" + issuer
    check_certificate(chain.replace(b"\n", b"\r\n"), key.replace(b"\n", b"\r\n"), now=now)
    check_certificate(chain.rstrip(), key.rstrip(), now=now)


def test_line_ends_of_old_systems_are_refused(
    server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, _, key = server
    told = problem(own.replace(b"\n", b"\r"), key, now)
    assert told.startswith("domain.crt: line 1 has the end of a block")


def test_an_empty_line_within_a_body_is_refused_since_openssl_stops_there(
    server: tuple[bytes, bytes, bytes], now: datetime
) -> None:
    own, _, key = server
    end = own.index(b"\n", 40)
    told = problem(own[:end] + b"\n" + own[end:], key, now)
    assert told.startswith("domain.crt: OpenSSL does not read its lines")
    end = key.index(b"\n", 40)
    told = problem(own, key[:end] + b"\n" + key[end:], now)
    assert told.startswith("domain.key: OpenSSL does not read its lines")
