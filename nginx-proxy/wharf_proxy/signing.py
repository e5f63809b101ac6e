"""Signed requests to S3 for nginx: a small HTTP service on a Unix socket.

nginx reads S3 by itself: it looks whether a layer may be delivered, and fetches layers. This
service signs these requests with the credentials of the task, and names the addresses of S3. It
sends no request to S3 and decides nothing: only nginx reaches the socket.
"""

import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from wharf_proxy.log import report

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOCKET = "signing.sock"
"""In the folder of the proxy; nginx.conf has its path."""

THREADS = 2
"""Concurrent requests; others wait. A signature takes less than a millisecond. The network is used
to renew the credentials and the addresses only."""

RESOLVED = 5
"""Seconds for which addresses of S3 are used, as long as its name servers say. When there are none
to be had, the last ones are used on."""

VALID = 1200
"""Seconds for which a signature is valid: as long as distribution's redirects are. Credentials of a
task are renewed 10 minutes before their end, and nginx keeps a signature for one minute only."""

CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)
"""Without the style, boto3 signs for ``BUCKET.s3.amazonaws.com``: S3 knows a new bucket outside
us-east-1 by that name only after hours, and sends 307 until then
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html). In us-east-1 it also needs
the second setting."""

_OPERATIONS = {"GET": "get_object", "HEAD": "head_object"}
_PORTS = {"http": 80, "https": 443}

Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass
class Signer:
    """The service as a WSGI application.

    A request has the header ``X-Wharf-Sign``: ``METHOD KEY`` (``GET`` or ``HEAD``), separated by
    commas. The response has the request targets in the same order, ``X-Wharf-Target-1`` and so on,
    and ``X-Wharf-Scheme``, ``X-Wharf-Host`` and ``X-Wharf-Addresses`` (``ADDRESS:PORT``, separated
    by commas).

    Attributes:
        client: a client of S3 that signs with version 4.
        bucket: the bucket of the images.
    """

    client: "S3Client"
    bucket: str
    _known: list[str] = field(default_factory=list, init=False)
    _end: float = field(default=0, init=False)

    def __call__(self, environment: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Respond to one request."""
        status, headers = HTTPStatus.NO_CONTENT, list[tuple[str, str]]()
        try:
            urls = [self._sign(request) for request in environment["HTTP_X_WHARF_SIGN"].split(",")]
            headers = [
                *(
                    (f"X-Wharf-Target-{number}", f"{url.path}?{url.query}")
                    for number, url in enumerate(urls, 1)
                ),
                ("X-Wharf-Scheme", urls[0].scheme),
                ("X-Wharf-Host", urls[0].netloc),
                ("X-Wharf-Addresses", ",".join(self._addresses(urls[0]))),
            ]
        except (BotoCoreError, OSError) as error:
            report("signing_failed", f"s3://{self.bucket}: {' '.join(str(error).split())}")
            status = HTTPStatus.SERVICE_UNAVAILABLE
        start(f"{status.value} {status.phrase}", headers)
        return []

    def _sign(self, request: str) -> SplitResult:
        method, key = request.split(" ")
        return urlsplit(
            self.client.generate_presigned_url(
                _OPERATIONS[method], Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=VALID
            )
        )

    def _addresses(self, url: SplitResult) -> Sequence[str]:
        """Return the addresses of S3."""
        now = time.monotonic()
        if not self._known or now > self._end:
            # Requests that come while the name is resolved use the known addresses.
            self._end = now + RESOLVED
            try:
                self._known = _resolve(url)
            except OSError:
                if not self._known:
                    raise
        return self._known


def _resolve(url: SplitResult) -> list[str]:
    """Return the addresses of a URL's host. The resolver's order is kept: it balances by itself."""
    port = url.port or _PORTS[url.scheme]
    found = socket.getaddrinfo(url.hostname, port, socket.AF_INET, socket.SOCK_STREAM)
    return [f"{address[0]}:{port}" for *_, address in found]
