"""What the service of mirrors responds to nginx."""

import json
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Result:
    """What has become of a request.

    Attributes:
        status: 204, or that of the client's error.
        state: a word for the header, the log and the metrics.
        seconds: for which nginx remembers a tag, or until another try of the client.
        seen: when a tag was looked up last, if what it names may be out of date.
        message: of the error.
    """

    status: HTTPStatus
    state: str
    seconds: int = 0
    seen: str = ""
    message: str = ""


def error_body(kind: str, result: Result) -> bytes:
    """Return the body of an error, as the registry's own have it."""
    code = {
        HTTPStatus.FORBIDDEN: "DENIED",
        HTTPStatus.NOT_FOUND: "BLOB_UNKNOWN" if kind == "layer" else "MANIFEST_UNKNOWN",
        HTTPStatus.TOO_MANY_REQUESTS: "TOOMANYREQUESTS",
    }.get(result.status, "UNAVAILABLE")
    error = {"code": code, "message": result.message, "detail": None}
    return json.dumps({"errors": [error]}).encode() + b"\n"
