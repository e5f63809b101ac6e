"""The registry's certificate from an ACME authority, renewed before it expires.

ACME_DOMAIN=registry.example.com ACME_EMAIL=a@example.com NGINX_CONFIG_BUCKET=my-configuration
    python3 -m wharf_proxy.renewal

The pair is in force as domain.crt and domain.key. Before that, the pair is stored in one object, so
that the next run can complete what an interrupted one has begun.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cryptography import x509

from wharf_proxy import log
from wharf_proxy.attempts import LONGEST, USELESS, Attempts
from wharf_proxy.authority import Authority, Pair, account_of
from wharf_proxy.bucket import Bucket, Stored
from wharf_proxy.certificate import check_certificate, valid_from, valid_until
from wharf_proxy.certificate_files import domains
from wharf_proxy.errors import AuthorityError, ConfigurationError
from wharf_proxy.files import CERTIFICATE, KEY
from wharf_proxy.settings import required

DIRECTORY = Path("/var/lib/wharf")
"""For certbot's files, which hold keys: it is in memory."""

SECONDS = 60.0
"""Between two looks at the bucket."""

PAIR, ACCOUNT, ATTEMPTS = "acme/domain.json", "acme/account.json", "acme/attempts.json"
"""Objects of this program, which hosts may not read."""

MARK = "acme-directory"
"""Metadata of an object that comes from an authority: the URL of its directory."""

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

DAY = timedelta(days=1)


class Renewal:
    """The certificate in the configuration bucket, kept valid.

    Args:
        bucket: the configuration bucket.
        domain: the name of the registry.
        authority: whom to ask for certificates.
        folder: in memory.
        clock: returns the time.
    """

    def __init__(
        self,
        bucket: Bucket,
        domain: str,
        authority: Authority,
        folder: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._bucket = bucket
        self._domain = domain
        self._authority = authority
        self._folder = folder
        self._told = datetime.min.replace(tzinfo=UTC)

    def look(self) -> None:
        """Put the certificate into force that is needed, and ask the authority if there is none.

        Raises:
            ConfigurationError: the bucket cannot be read or written to; what is in force stays.
            AuthorityError: the authority gave no certificate; what is in force stays.
        """
        published = {name: self._bucket.read(name) for name in (CERTIFICATE, KEY)}
        if foreign := _foreign(published):
            self._keep(foreign)
            return
        pair = self._stored_pair()
        if pair is not None:
            if not _is_published(pair, published):
                self._publish(pair)
            if not _is_due(self._check(pair), self._clock()):
                return
        self._renew()

    def _renew(self) -> None:
        now = self._clock()
        attempts = Attempts.of(
            self._bucket.download_optional(ATTEMPTS), [self._authority.directory, self._domain]
        )
        if now < attempts.next:
            return
        # Before the attempt: whoever ends it must not make the next one come at once.
        self._save(attempts.failed(now))
        account = account_of(self._bucket.download_optional(ACCOUNT))
        try:
            issued = self._authority.issue(self._domain, account, self._folder)
        except AuthorityError as error:
            self._save_account(account, error.account)
            limited = "rate limit is reached" in str(error)
            told = self._save(attempts.failed(now, LONGEST if limited else None))
            raise AuthorityError(f"{error}; {told}", error.account) from None
        self._save_account(account, issued.account)
        try:
            server = self._check(issued.pair)
        except ConfigurationError as error:
            told = self._save(attempts.failed(now, USELESS))
            raise ConfigurationError(
                f"the authority issued a certificate that hosts refuse: {error}; {told}"
            ) from None
        self._bucket.upload({PAIR: _packed(issued.pair)}, self._mark)
        self._save(attempts.succeeded(now))
        published = {name: self._bucket.read(name) for name in (CERTIFICATE, KEY)}
        if foreign := _foreign(published):
            self._keep(foreign)
            return
        self._publish(issued.pair)
        log.report(
            "certificate_issued",
            f"{self._domain}: {self._authority.directory} issued a certificate that expires on "
            f"{valid_until(server):%Y-%m-%d %H:%M} UTC",
        )

    @property
    def _mark(self) -> dict[str, str]:
        return {MARK: self._authority.directory}

    def _stored_pair(self) -> Pair | None:
        """Return the newest pair of this authority and domain, if hosts can use it."""
        stored = self._bucket.read(PAIR)
        if stored is None or stored.metadata.get(MARK) != self._authority.directory:
            return None
        try:
            parts = json.loads(stored.content)
            pair = Pair(parts[CERTIFICATE].encode(), parts[KEY].encode())
            self._check(pair)
        except (ValueError, KeyError, TypeError, AttributeError, ConfigurationError):
            return None
        return pair

    def _check(self, pair: Pair) -> x509.Certificate:
        """Check a pair as `wharf publish` and each host do, and its domain.

        Raises:
            ConfigurationError: hosts would refuse the pair.
        """
        server = check_certificate(pair.certificate, pair.key, now=self._clock())
        if self._domain not in domains(server):
            raise ConfigurationError(
                f"{CERTIFICATE}: is for {', '.join(domains(server))}, not for {self._domain}: "
                "check the setting domain"
            )
        return server

    def _publish(self, pair: Pair) -> None:
        # Hosts refuse two that do not fit, and look again a minute later.
        self._bucket.upload({KEY: pair.key, CERTIFICATE: pair.certificate}, self._mark)

    def _keep(self, foreign: str) -> None:
        now = self._clock()
        if now - self._told >= DAY:
            self._told = now
            place = f"s3://{self._bucket.name}/{CERTIFICATE}"
            log.report(
                "certificate_kept",
                f"s3://{self._bucket.name}/{foreign} was not made here, and is not replaced: to "
                f"get a certificate from {self._authority.directory}, run `aws s3 cp {place} "
                f"{place} --metadata-directive REPLACE --metadata {MARK}=own`, and the same for "
                f"{KEY}; otherwise empty the setting acme_email",
            )

    def _save(self, attempts: Attempts) -> str:
        """Store the attempts; return when the next one is."""
        self._bucket.upload({ATTEMPTS: attempts.packed()})
        when = f"{attempts.next:%Y-%m-%d %H:%M} UTC"
        return f"the next attempt is at {when}, or at once when {ATTEMPTS} is deleted"

    def _save_account(self, old: dict[str, str], new: object) -> None:
        if new != old:
            self._bucket.upload({ACCOUNT: json.dumps(new).encode()})


def _foreign(published: dict[str, Stored | None]) -> str | None:
    """Return the name of an object that an operator has published, if there is one."""
    return next(
        (
            name
            for name, item in published.items()
            if item is not None and MARK not in item.metadata
        ),
        None,
    )


def _is_published(pair: Pair, published: dict[str, Stored | None]) -> bool:
    there = [item.content if item else None for item in published.values()]
    return there == [pair.certificate, pair.key]


def _packed(pair: Pair) -> bytes:
    parts = {CERTIFICATE: pair.certificate.decode(), KEY: pair.key.decode()}
    return json.dumps(parts).encode()


def _is_due(certificate: x509.Certificate, now: datetime) -> bool:
    """Return whether a third of the certificate's life is left, or less."""
    end = valid_until(certificate)
    return now >= end - (end - valid_from(certificate)) / 3


def main() -> NoReturn:
    """Look each minute until told to stop, or report one line and end with status 1."""
    log.configure("renewal")
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=DIRECTORY, help="for tests")
    arguments.add_argument("--once", action="store_true", help="look once, for tests")
    parsed = arguments.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    try:
        renewal = _renewal(parsed.directory)
    except ConfigurationError as error:
        log.report("start_failed", str(error))
        sys.exit(1)
    while True:
        good = _look(renewal)
        if parsed.once:
            sys.exit(not good)
        time.sleep(SECONDS)


def _renewal(directory: Path) -> Renewal:
    given = {name: text for name, text in os.environ.items() if text}
    authority = Authority(
        given.get("ACME_DIRECTORY", LETS_ENCRYPT),
        required(given, "ACME_EMAIL", "the mail address of the account"),
        given.get("ACME_TRUST", ""),
    )
    name = required(given, "NGINX_CONFIG_BUCKET", "the configuration bucket")
    bucket = Bucket(name, region=given.get("AWS_REGION"))
    domain = required(given, "ACME_DOMAIN", "the name of the registry")
    return Renewal(bucket, domain, authority, directory)


def _look(renewal: Renewal) -> bool:
    """Look once; whatever goes wrong is reported, and the next look comes."""
    try:
        renewal.look()
    except (ConfigurationError, AuthorityError) as error:
        log.report("certificate_failed", str(error))
    except Exception as error:
        log.report("certificate_failed", f"{type(error).__name__}: {error}")
    else:
        return True
    return False


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End certbot, if it runs, by the exception."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
