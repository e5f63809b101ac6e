"""Proofs of AWS identities: a presigned ``sts:GetCallerIdentity`` request, which STS answers.

The proof is the URL in base64url. The request carries the registry's name in a signed header, which
is not in the proof: this module writes it, so the signature of a proof for another registry is
wrong. STS checks signature and credentials. It ignores ``X-Amz-Expires`` and accepts a request for
15 minutes (https://github.com/aws/aws-sdk-go/issues/2167), so the end is checked here.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import unquote

from wharf_proxy import https
from wharf_proxy.errors import Refused, Unavailable

HEADER = "x-wharf-registry"
"""The signed header with the registry's name; ``docker-credential-wharf`` signs it."""

LONGEST_LIFE = 900
"""Seconds of the life of a proof."""

SKEW = timedelta(seconds=60)
"""By how much a client's clock may be ahead of this one."""

_DATE = "%Y%m%dT%H%M%SZ"
_PARAMETERS = {
    "Action": "GetCallerIdentity",
    "Version": "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": r"[A-Z0-9]{16,128}/[0-9]{8}/(?P<region>[a-z0-9-]{1,32})/sts/aws4_request",
    "X-Amz-Date": "[0-9]{8}T[0-9]{6}Z",
    "X-Amz-Expires": "[1-9][0-9]{0,2}",
    "X-Amz-SignedHeaders": f"host;{HEADER}",
    "X-Amz-Security-Token": "[A-Za-z0-9+/=_-]+",
    "X-Amz-Signature": "[0-9a-f]{64}",
}
"""The parameters of the query, and what each of them may be. Each is there once, spelled like this:
STS also reads other spellings, so ``action`` beside ``Action`` would be another request to STS than
to these checks (CVE-2022-2385 of aws-iam-authenticator)."""
_OPTIONAL = {"X-Amz-Security-Token"}

_ASSUMED = re.compile(r"arn:([a-z-]+):sts::([0-9]{12}):assumed-role/([^/]+)/[^/]+")
_IAM = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:user/.+")


@dataclass(frozen=True)
class Caller:
    """An AWS identity.

    Attributes:
        arn: of the IAM role or user.
        session: the ARN that STS gives: of the role's session, or of the user.
        end: when the proof ends.
    """

    arn: str
    session: str
    end: datetime


def verify(proof: str, registry: str, sts: str, now: datetime) -> Caller:
    """Verify a proof and return its signer.

    Args:
        proof: from the client.
        registry: the name of this registry.
        sts: ``https://HOST`` of the region's STS.
        now: the time.

    Raises:
        Refused: the proof is malformed, for another registry or action, expired, or STS refuses it.
        Unavailable: STS does not respond.
    """
    url = _decode(proof)
    end = _check(url, sts, now)
    try:
        status, body = https.get(url, {HEADER: registry, "Accept": "application/json"})
    except https.FetchError as error:
        raise Unavailable(str(error)) from None
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"STS responds with status {status}")
    if status != HTTPStatus.OK:
        raise Refused(f"STS refuses the request with status {status}{_code(body)}")
    session = _arn(body)
    return Caller(_role(session), session, end)


def _decode(proof: str) -> str:
    try:
        padded = proof + "=" * (-len(proof) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise Refused("it is not base64url") from None


def _check(url: str, sts: str, now: datetime) -> datetime:
    """Check the URL as text, so that no two parsers can differ; return the end of the proof."""
    start = f"{sts}/?"
    if not url.startswith(start):
        raise Refused(f"its URL does not begin with {start}")
    found = {}
    for parameter in url.removeprefix(start).split("&"):
        name, _, text = parameter.partition("=")
        if name not in _PARAMETERS:
            raise Refused("its URL has another parameter than GetCallerIdentity needs")
        if name in found:
            raise Refused(f"its URL has {name} twice")
        if not re.fullmatch("([A-Za-z0-9._~-]|%[0-9A-F]{2})+", text):
            raise Refused(f"its {name} is not percent-encoded")
        found[name] = unquote(text)
        if not re.fullmatch(_PARAMETERS[name], found[name]):
            raise Refused(f"its {name} is not that of a presigned GetCallerIdentity request")
    if missing := sorted(_PARAMETERS.keys() - found.keys() - _OPTIONAL):
        raise Refused(f"its URL lacks {', '.join(missing)}")
    return _end(found["X-Amz-Date"], int(found["X-Amz-Expires"]), now)


def _end(date: str, seconds: int, now: datetime) -> datetime:
    try:
        start = datetime.strptime(date, _DATE).replace(tzinfo=UTC)
    except ValueError:
        raise Refused("its X-Amz-Date is no time") from None
    if seconds > LONGEST_LIFE:
        raise Refused(f"it is good for more than {LONGEST_LIFE} s")
    if start > now + SKEW:
        raise Refused("it is of the future: check the client's clock")
    if start + timedelta(seconds=seconds) <= now:
        raise Refused("it has expired")
    return start + timedelta(seconds=seconds)


def _arn(body: bytes) -> str:
    try:
        result = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        return str(result["Arn"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unavailable("STS responds with something else than an identity") from None


def _role(session: str) -> str:
    """Return the ARN of the role of a session, without the path that the role may have."""
    if found := _ASSUMED.fullmatch(session):
        partition, account, role = found.groups()
        return f"arn:{partition}:iam::{account}:role/{role}"
    if _IAM.fullmatch(session):
        return session
    raise Refused(f"{session} is neither a role nor a user")


def _code(body: bytes) -> str:
    """Return the code of an error of STS, which names what is wrong, if the body has one."""
    try:
        return f" ({re.sub('[^A-Za-z]', '', str(json.loads(body)['Error']['Code']))[:60]})"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
