"""An ACME authority, asked for a certificate by certbot with DNS-01 in Route 53."""

import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from wharf_proxy.errors import AuthorityError, ConfigurationError

TIMEOUT = 1200.0
"""Seconds of a run of certbot. Its plugin waits up to 600 until Route 53 has the record."""

STOP_TIMEOUT = 60.0
"""Seconds that certbot has to delete its record, when the run is ended."""

CERTBOT = "certbot"
LOG = "letsencrypt.log"
ACCOUNTS = "accounts"
"""The folder of certbot's account: what the authority knows the client by."""

DELEGATION = (
    "the authority does not see the record: let the parent of the zone name the name servers that "
    "`aws route53 get-hosted-zone` lists for dns_zone_id"
)

REMEDIES = (
    (
        "ratelimited",
        "the authority's rate limit is reached: wait; the next attempt is the latest possible",
    ),
    (
        "unable to find a route53 hosted zone",
        "Route 53 has no public zone for the domain: check the settings domain and dns_zone_id",
    ),
    (
        "accessdenied",
        "the role may change the record _acme-challenge of domain in dns_zone_id only: check that "
        "no other zone of the account is nearer to the domain, or has the same name, and apply "
        "the stack again",
    ),
    (
        # Authorities look for a CAA record first, and at that see that nothing is delegated.
        r"(servfail|nxdomain|dns problem)[^.]*looking up caa",
        DELEGATION,
    ),
    (
        r"\bcaa\b",
        "a CAA record forbids this authority: allow it in the zone, or choose another one",
    ),
    (
        "accountdoesnotexist",
        "the authority does not know the account any more: delete acme/account.json in the bucket",
    ),
    (
        "certificate_verify_failed",
        "the authority shows a certificate that is not trusted: give its root in acme_trust",
    ),
    (
        r"nxdomain|no txt record|incorrect txt|servfail|dns problem|type: +(dns|unauthorized)"
        r"|some challenges have failed",
        DELEGATION,
    ),
    (
        r"urlopen|connectionerror|connection refused|timed out|timeout|max retries|resolve"
        r"|connectionpool|requests\.exceptions|unable to connect",
        "the authority does not respond: check acme_directory, its status, and the hosts' way out",
    ),
)
"""What to do about what certbot prints; the first pattern that is found counts."""

_KIND = re.compile(r"urn:ietf:params:acme:error:(\w+)")
"""The kinds of errors: https://www.rfc-editor.org/rfc/rfc8555#section-6.7"""


@dataclass(frozen=True)
class Pair:
    """A certificate chain and its key, in PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class Authority:
    """An ACME authority and the account there.

    Attributes:
        directory: URL of the ACME directory.
        email: the account's mail address.
        trust: certificates in PEM that the authority's own may be signed with, beside the
            system's.
    """

    directory: str
    email: str
    trust: str = ""

    def issue(self, domain: str, account: Mapping[str, str], folder: Path) -> "Issued":
        """Return a new certificate for a domain, with an account that is new if none is given.

        Args:
            domain: the only name of the certificate.
            account: certbot's files of it.
            folder: in memory, because it holds keys for a while.

        Raises:
            AuthorityError: no certificate; the text says why, the account may be a new one.
        """
        with TemporaryDirectory(prefix="acme-", dir=folder) as name:
            work = Path(name)
            _write(account, work / "config" / ACCOUNTS)
            text = _run(self._command(domain, work), self._environment(work))
            accounts = _read(work / "config" / ACCOUNTS)
            live = work / "config" / "live" / domain
            if text is not None or not live.is_dir():
                log = work / "logs" / LOG
                said = log.read_text(errors="replace") if log.exists() else ""
                raise AuthorityError(_explain(text or "no certificate", said), accounts)
            pair = Pair((live / "fullchain.pem").read_bytes(), (live / "privkey.pem").read_bytes())
            return Issued(pair, accounts)

    def _command(self, domain: str, work: Path) -> list[str]:
        folders = [f"--{part}-dir={work / part}" for part in ("config", "work", "logs")]
        return [
            *(CERTBOT, "certonly", "--non-interactive", "--agree-tos", "--no-eff-email"),
            *(f"--email={self.email}", f"--server={self.directory}", *folders),
            *("--dns-route53", f"--domains={domain}", f"--cert-name={domain}"),
            *("--key-type=ecdsa", "--elliptic-curve=secp256r1", "--no-directory-hooks"),
        ]

    def _environment(self, work: Path) -> dict[str, str]:
        """Return the environment of certbot, in which the trust is added to the system's."""
        environment = {**os.environ, "HOME": str(work)}
        # China has a Route 53 of its own, which boto3 finds by the region; certbot names none.
        if region := environment.get("AWS_REGION"):
            environment["AWS_DEFAULT_REGION"] = region
        if self.trust:
            system = environment.get("AWS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile
            bundle = work / "trust.pem"
            bundle.write_text(f"{Path(system).read_text() if system else ''}\n{self.trust}\n")
            environment["REQUESTS_CA_BUNDLE"] = str(bundle)
        return environment


@dataclass(frozen=True)
class Issued:
    """A new certificate, and the files of the account that got it."""

    pair: Pair
    account: Mapping[str, str]


def _run(command: list[str], environment: Mapping[str, str]) -> str | None:
    """Run certbot; return None if it succeeds, or else what it printed.

    However the run ends, certbot gets the time to delete its record.
    """
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise ConfigurationError(f"{command[0]} is not installed: build the image again")
    with subprocess.Popen(
        [program, *command[1:]],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            printed, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"certbot timed out after {TIMEOUT:g} s"
        finally:
            _end(process)
    return printed if process.returncode else None


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT)
        process.kill()


def _explain(printed: str, log: str) -> str:
    """Return one line: the remedy, and what certbot printed without its advertisements.

    certbot prints the words of the authority, and the kind of the error only to its log.
    """
    text = " ".join(printed.split())
    kinds = _KIND.findall(log)
    known = f"{' '.join(kinds[-1:])} {text}".lower()
    remedy = next(
        (remedy for pattern, remedy in REMEDIES if re.search(pattern, known)),
        "read what certbot says",
    )
    return f"{remedy} (certbot: {_shorter(text)})"


def _shorter(text: str) -> str:
    # The first half tells who the account is, the second half what happened.
    text = re.sub(r"Saving debug log to \S+|Ask for help .*|Account registered\.", "", text)
    return text.strip()[-1200:]


def _write(account: Mapping[str, str], folder: Path) -> None:
    for name, content in account.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(f"acme/account.json names {name}: delete the object")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(content)


def _read(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


def account_of(content: bytes | None) -> dict[str, str]:
    """Return the files of an account from its object; none if there is no object.

    Raises:
        ConfigurationError: the object is no account.
    """
    try:
        found = json.loads(content or b"{}")
        return {str(name): str(text) for name, text in found.items()}
    except (ValueError, AttributeError):
        raise ConfigurationError(
            "acme/account.json is no account: delete the object; the next run makes a new account"
        ) from None
