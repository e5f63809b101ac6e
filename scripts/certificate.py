"""Certificate of the registry: ``wharf certificate create --domain registry.example.com``."""

import json
import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from wharf_proxy.atomic_file import AtomicFile, write
from wharf_proxy.certificate import check_certificate, valid_until, warnings
from wharf_proxy.certificate_files import domains
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import CERTIFICATE, KEY

from scripts.errors import one_line_errors

CLOCK_SKEW = timedelta(hours=1)
"""Maximum lag of a client's clock for which a new certificate is valid."""

_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_path = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def certificate() -> None:
    """Create or check the certificate and its key."""


@certificate.command()
@click.option(
    "--domain",
    "names",
    multiple=True,
    required=True,
    help="DNS name or IP address that clients use; repeat the option for more.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=365,
    show_default=True,
    help="Number of days for which the certificate is valid.",
)
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="this folder",
    help=f"Folder for {CERTIFICATE} and {KEY}.",
)
@click.option("--force", is_flag=True, help="Replace existing files.")
@one_line_errors()
def create(names: tuple[str, ...], days: int, directory: Path, force: bool) -> None:
    """Create a key (EC P-256) and a self-signed certificate.

    Clients trust the certificate as a CA, for Docker in /etc/docker/certs.d/DOMAIN/ca.crt.
    The certificate is valid for these domains only, and cannot sign other certificates.
    """
    paths = directory / CERTIFICATE, directory / KEY
    existing = [str(path) for path in paths if path.exists()]
    if existing and not force:
        raise ConfigurationError(
            f"{', '.join(existing)}: exists: use --force to replace existing files"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    pem = _self_signed(key, [general_name(name) for name in names], timedelta(days=days))
    write(
        AtomicFile(path=paths[0], content=pem, mode=0o644),
        AtomicFile(path=paths[1], content=_pem(key)),
    )
    click.echo(f"Wrote {paths[0]} and {paths[1]} for {', '.join(names)}, valid for {days} days")


@certificate.command()
@click.argument("certificate", type=_path)
@click.argument("key", type=_path)
@click.option("--ca", type=_path, help="PEM file with the authorities that clients trust.")
@click.option("--json", "as_json", is_flag=True, help="Print domains and expiry as JSON.")
@one_line_errors()
def check(certificate: Path, key: Path, ca: Path | None, as_json: bool) -> None:
    """Check that a host can start with CERTIFICATE and KEY, and show domains and expiry."""
    content = certificate.read_bytes()
    trusted = ca.read_bytes() if ca else None
    server = check_certificate(
        content,
        key.read_bytes(),
        ca=trusted,
        certificate_file=str(certificate),
        key_file=str(key),
        ca_file=str(ca),
    )
    for line in warnings(content, ca=trusted, certificate_file=str(certificate)):
        click.echo(f"Warning: {line}", err=True)
    end = valid_until(server)
    if as_json:
        result = {"domains": domains(server), "expires": end.isoformat(timespec="seconds")}
        click.echo(json.dumps(result, indent=2))
        return
    click.echo(f"Domains: {', '.join(domains(server))}")
    click.echo(f"Expires: {end:%Y-%m-%d %H:%M} UTC, {(end - datetime.now(UTC)).days} days left")


def general_name(name: str) -> x509.GeneralName:
    """Return the name for a certificate.

    Raises:
        ConfigurationError: it is neither a DNS name nor an IP address.
    """
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    if len(name) > 253 or not _DNS_NAME.fullmatch(name):
        raise ConfigurationError(
            f"--domain {name!r}: neither a DNS name nor an IP address: "
            "give the name alone, without https:// and port, in ASCII (xn--... for others)"
        )
    return x509.DNSName(name)


def _self_signed(
    key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], validity: timedelta
) -> bytes:
    # Clients check the alternative names. The issuer must not be empty, and a common name has at
    # most 64 characters, so it is constant.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wharf registry")])
    now = datetime.now(UTC)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + validity)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_digital_signature_only(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(key_id, critical=False)
        .add_extension(authority, critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _digital_signature_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
