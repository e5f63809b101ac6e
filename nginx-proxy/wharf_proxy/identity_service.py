"""Verification of proofs of identity: an HTTP service on Unix sockets, for logins from nginx.

Each kind of proof (``aws`` and ``oidc``) has a socket and threads of its own: while STS does not
respond, tokens wait for nothing. A request has the header ``X-Wharf-Proof``. The response is 204
with ``X-Wharf-User`` and ``X-Wharf-Identity``, percent-encoded, and ``X-Wharf-End``, in seconds
since 1970; 401 for a bad proof, 503 if the proof cannot be verified now.

It is a process of its own with a lower priority: a flood of logins delays no signature of a layer.
It reads identities.toml and the issuers' keys for each request, and keeps no state.
"""

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import waitress

from wharf_proxy import aws_proof, issuer_keys, log, oidc_token
from wharf_proxy.errors import ConfigurationError, Refused, Unavailable
from wharf_proxy.files import IDENTITIES
from wharf_proxy.identities_file import AWS, KINDS, Identities, check_identities
from wharf_proxy.log import report

SOCKET = "identity-{kind}.sock"
"""In the folder of the proxy; nginx's delivery.conf has its path."""

THREADS = 16
"""Concurrent requests of a kind; others wait, as where more than two workers of nginx let AWS
proofs in. Most of the time of a request is that of STS."""

PRIORITY = 10
"""Niceness, as the verifier's."""

CONNECTIONS = 4_000
"""Open connections of nginx; each holds a request that is served or waits."""

# The content decides, and a file of thousands of entries takes longer than a token.
_read = lru_cache(maxsize=1)(check_identities)

Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True)
class Logins:
    """The service of one kind of proof as a WSGI application.

    Attributes:
        kind: of the proofs.
        directory: the proxy's own.
        sts: ``https://HOST`` of the region's STS.
    """

    kind: str
    directory: Path
    sts: str

    def __call__(self, environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Respond to one request."""
        headers: list[tuple[str, str]] = []
        try:
            user, identity, end = self._verify(environment["HTTP_X_WHARF_PROOF"], datetime.now(UTC))
            status = HTTPStatus.NO_CONTENT
            headers = [
                ("X-Wharf-User", quote(user)),
                ("X-Wharf-Identity", quote(identity)),
                ("X-Wharf-End", str(int(end.timestamp()))),
            ]
        except Refused as refusal:
            status = HTTPStatus.UNAUTHORIZED
            report("login_refused", f"{self.kind}: {refusal}")
        except (Unavailable, ConfigurationError, OSError, ValueError) as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            report("login_failed", f"{self.kind}: {error}")
        start(f"{status.value} {status.phrase}", headers)
        return []

    def _verify(self, proof: str, now: datetime) -> tuple[str, str, datetime]:
        """Return user, identity and end of a proof."""
        identities = self._identities()
        if self.kind != AWS:
            bearer = oidc_token.verify(proof, identities, self._keys(), now)
            return bearer.user, bearer.subject, bearer.end
        caller = aws_proof.verify(proof, identities.registry, self.sts, now)
        user = identities.aws_user(caller.arn)
        if user is None:
            raise Refused(f"{caller.session}: no entry of {IDENTITIES} has {caller.arn}")
        return user, caller.session, caller.end

    def _identities(self) -> Identities:
        return _read((self.directory / "files" / IDENTITIES).read_bytes())

    def _keys(self) -> Mapping[str, Mapping[str, object]]:
        file = self.directory / issuer_keys.FILE
        return dict(json.loads(file.read_bytes())) if file.exists() else {}


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, required=True, help="Folder of the socket.")
    arguments.add_argument("--sts", required=True, help="URL of the region's STS.")
    options = arguments.parse_args()
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: sys.exit(0))
    os.nice(PRIORITY)
    log.configure("identity")
    # How many requests wait is no fault.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    channels: dict[int, object] = {}
    servers = [
        waitress.create_server(
            Logins(kind, options.directory, options.sts),
            map=channels,
            unix_socket=str(options.directory / SOCKET.format(kind=kind)),
            unix_socket_perms="600",
            threads=THREADS,
            connection_limit=CONNECTIONS,
        )
        for kind in KINDS
    ]
    servers[0].run()  # all of them: they have one map


if __name__ == "__main__":
    main()
