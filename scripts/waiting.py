"""What ``wharf start`` waits for: the certificate of an authority, and a registry that responds."""

import ssl
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import click
import httpx
from cryptography.hazmat.primitives.serialization import Encoding
from wharf_proxy.bucket import Bucket
from wharf_proxy.certificate_files import domains, load_chain
from wharf_proxy.files import CERTIFICATE, KEY

from scripts.deployed import Deployed, Reason

#: Seconds between two looks at AWS.
INTERVAL = 5.0
#: So many tasks that end for the same reason: the next will, too.
ALIKE = 3


@dataclass(frozen=True)
class Login:
    """A user whose password is known, because it was set just now."""

    user: str
    password: str


def await_certificate(deployed: Deployed, bucket: Bucket, domain: str, minutes: float) -> bytes:
    """Wait until the bucket has a pair of an ACME authority, and tell what its task says.

    Return the certificate, which is for the domain.

    Raises:
        click.ClickException: the bucket has none in time, or the stack has no such task.
    """
    end = time.monotonic() + minutes * 60
    said = None
    click.echo(
        f"Waiting for {CERTIFICATE} from the authority, for {minutes:g} minutes at most. "
        "Ctrl-C only ends the waiting: run it again"
    )
    while True:
        reason = deployed.certificate()
        # The key is written first. After a change of the domain the old pair is there.
        found = bucket.download_optional(CERTIFICATE)
        complete = found is not None and bucket.download_optional(KEY) is not None
        if found is not None and complete and is_for(names_of(found), domain):
            return found
        if reason.text != said:
            said = reason.text
            click.echo(f"{datetime.now(UTC):%H:%M:%S} certificate: {said}")
        if time.monotonic() >= end:
            raise failed(f"no certificate for {domain} within {minutes:g} minutes: {said}", reason)
        time.sleep(INTERVAL)


def names_of(certificate: bytes) -> list[str]:
    """Return the names that a certificate is for, in small letters."""
    return [name.lower() for name in domains(load_chain(certificate, CERTIFICATE)[0])]


def is_for(names: list[str], domain: str) -> bool:
    """Return whether a certificate with these names is for a domain."""
    return bool({domain, f"*.{domain.partition('.')[2]}"} & {*names})


def await_response(
    deployed: Deployed, domain: str, certificate: bytes, login: Login | None, minutes: float
) -> None:
    """Wait until the registry responds, and tell what AWS does meanwhile.

    Raises:
        click.ClickException: it does not, in time or ever; the last lines of a log are shown.
    """
    began = datetime.now(UTC)
    end = time.monotonic() + minutes * 60
    told: dict[str, str] = {}
    click.echo(
        f"Waiting for https://{domain}/ on {deployed.host}, for {minutes:g} minutes at most. "
        "Ctrl-C only ends the waiting: run it again"
    )
    while (problem := no_response(deployed.host, domain, certificate, login)) is not None:
        state = {**deployed.state(), "registry": problem}
        news = {part: f"{part}: {said}" for part, said in state.items()}
        for key, line in {**dict(deployed.events(began)), **news}.items():
            if told.get(key) != line:
                told[key] = line
                click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}")
        alike = Counter(each.reason for each in deployed.ended(began)).most_common(1)
        for reason, number in alike:
            if number >= ALIKE:
                raise failed(f"{number} tasks ended: {reason}", deployed.reason(began))
        if time.monotonic() >= end:
            found = deployed.reason(began)
            raise failed(f"no response within {minutes:g} minutes: {found.text}", found)
        time.sleep(INTERVAL)


def failed(text: str, reason: Reason) -> click.ClickException:
    """Show the last lines of the log; return the error that names the log."""
    for line in reason.lines:
        click.echo(f"  {line}", err=True)
    return click.ClickException(f"{' '.join(text.split())} (log: {reason.log})")


def no_response(host: str, domain: str, certificate: bytes, login: Login | None) -> str | None:
    """Return why the registry does not respond at a load balancer, or None if it does."""
    chain = [each.public_bytes(Encoding.DER) for each in load_chain(certificate, CERTIFICATE)]
    context = ssl.create_default_context(cadata=b"".join(chain))
    # What was published is trusted by itself, whoever has issued it.
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    auth = (login.user, login.password) if login else None
    try:
        with httpx.Client(verify=context, auth=auth, timeout=10, trust_env=False) as client:
            response = client.get(
                f"https://{host}/v2/",
                headers={"Host": domain},
                extensions={"sni_hostname": domain},
            )
    except httpx.HTTPError as error:
        return f"no response ({' '.join(str(error).split()) or type(error).__name__})"
    wanted = httpx.codes.OK if login else httpx.codes.UNAUTHORIZED
    if response.status_code != wanted or "Docker-Distribution-Api-Version" not in response.headers:
        return f"status {response.status_code} in place of {wanted:d}"
    return None
