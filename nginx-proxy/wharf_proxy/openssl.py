"""Trials of a certificate and its key with OpenSSL: loaded as nginx loads them, and by a client."""

import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import Certificate

from wharf_proxy.errors import ConfigurationError

ServerKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_LEVEL = "DEFAULT:@SECLEVEL=2"
"""Debian's security level, so that other systems refuse the same certificates as a host."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: the dates were checked before, with words of our own."""

_REASONS = {
    "CA_MD_TOO_WEAK": "it is signed with SHA-1 or MD5: have it issued again with SHA-256",
    "EE_KEY_TOO_SMALL": "its key is too short: make one of 2048 bits or more",
    "CA_KEY_TOO_SMALL": "the key of an intermediate is too short: get the issuer's current one",
}
"""The meaning of `ssl.SSLError.reason` for an operator who publishes."""

_SIGNATURE = (
    "a certificate is not signed by the one after it, which has its issuer's name and another key: "
    "take the chain that the issuer gave with this certificate"
)
# OpenSSL's x509_vfy.h has the numbers.
_UNKNOWN_ISSUER = {2, 18, 19, 20, 21}
_VERDICTS = {
    7: _SIGNATURE,
    20: _SIGNATURE,
    25: "an issuer may not issue to another issuer (path length): take the issuer's own chain",
    30: _SIGNATURE,
    47: "an issuer may not issue for this domain (name constraints): ask another issuer",
    48: "an issuer may not issue for this domain (name constraints): ask another issuer",
}
"""The meaning of `ssl.SSLCertVerificationError.verify_code` for an operator who publishes."""


def check_files(
    certificate: bytes,
    key: bytes,
    chain: Sequence[Certificate],
    server_key: ServerKey,
    certificate_file: str,
    key_file: str,
) -> None:
    """Load the parsed content of both files, then each file unchanged, as nginx loads it.

    Raises:
        ConfigurationError: OpenSSL refuses a file; the error names it.
    """
    clean = b"".join(link.public_bytes(Encoding.PEM) for link in chain)
    clean_key = _pem(server_key)
    try:
        _server(clean, clean_key)
    except ssl.SSLError as error:
        why = _REASONS.get(error.reason or "", f"{error.reason}: have it issued again")
        raise ConfigurationError(f"{certificate_file}: OpenSSL refuses it: {why}") from None
    for file, files in ((certificate_file, (certificate, clean_key)), (key_file, (clean, key))):
        try:
            _server(*files)
        except ssl.SSLError:
            raise ConfigurationError(
                f"{file}: OpenSSL does not read its lines, though other programs do: write it "
                "again with lines of 64 characters (`openssl x509` or `openssl pkey` does)"
            ) from None


def check_chain(
    chain: Sequence[Certificate],
    key: ServerKey,
    trusted: Sequence[Certificate],
    file: str,
    trusted_file: str | None = None,
) -> None:
    """Let a client that trusts some certificates, of a file, connect to a server with the chain.

    Raises:
        ConfigurationError: the client does not trust the server.
    """
    server = _server(
        b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain), _pem(key)
    )
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.set_ciphers(_LEVEL)
    client.check_hostname = False  # the caller knows which names there are
    client.verify_flags = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(
        _NO_CHECK_TIME
    )
    client.load_verify_locations(
        cadata=b"".join(certificate.public_bytes(Encoding.DER) for certificate in trusted)
    )
    try:
        _handshake(client, server)
    except ssl.SSLCertVerificationError as error:
        if trusted_file and error.verify_code in _UNKNOWN_ISSUER:
            raise ConfigurationError(
                f"{file}: does not lead to a certificate in {trusted_file}: add the intermediates "
                "that are between the two, or name another CA"
            ) from None
        said = _VERDICTS.get(error.verify_code, f"{error.verify_message}: have it issued again")
        raise ConfigurationError(f"{file}: clients refuse it: {said}") from None
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"{file}: no client can connect with it ({error.reason}): have it issued again"
        ) from None


def _server(certificate: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(_LEVEL)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "certificate"), Path(folder, "key")
        for path, content in zip(paths, (certificate, key), strict=True):
            path.touch(mode=0o600)
            path.write_bytes(content)
        context.load_cert_chain(*paths, password=_no_password)
    return context


def _no_password() -> str:
    # Without it OpenSSL would ask on the terminal.
    raise ssl.SSLError("encrypted")


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    # Each side waits for the other's flight; TLS needs no more than three of each.
    for _ in range(4):
        waiting = 0
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
        if not waiting:
            return
    raise ssl.SSLError("the handshake did not end")


def _pem(key: ServerKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
