"""Corrections of moto 5.2.5 for STS: presigned requests, as proofs of identity are made of them.

See moto_corrections.py, which applies them with the others.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from flask import request
from moto.iam.access_control import CreateAccessKeyFailure, create_access_key
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse

from integration.local.emulator.replacing import instead

#: STS accepts a request for so long after its date, whatever it says of its end:
#: https://github.com/aws/aws-sdk-go/issues/2167
LIFE = timedelta(minutes=15)
SIGNATURE = "X-Amz-Signature"
_SIGNER = re.compile(
    r"X-Amz-Credential=\w+(?:%2F|/)\d{8}(?:%2F|/)([a-z0-9-]+)(?:%2F|/)sts(?:%2F|/)"
)


class Refusal(Exception):
    """An error of STS.

    https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    """

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"Error": {"Type": "Sender", "Code": code, "Message": code}}


def apply_sts_corrections() -> None:
    """Correct moto in this process. To be called once, before the first request."""
    presigned_requests_find_sts()
    presigned_requests_say_who_signed_them()


def presigned_requests_find_sts() -> None:
    """moto takes every request without an ``Authorization`` header for one to S3."""

    def make(original: Any) -> Callable[..., Any]:
        def infer(self: Any, environ: Mapping[str, str], path: str) -> Any:
            signer = _SIGNER.search(environ.get("QUERY_STRING", ""))
            if signer and "HTTP_AUTHORIZATION" not in environ:
                return f"sts.{signer[1]}.amazonaws.com"
            return original(self, environ, path)

        return infer

    instead(DomainDispatcherApplication, "infer_service_region_host", make)


def presigned_requests_say_who_signed_them() -> None:
    """moto refuses requests that are signed in their query, and has no response in JSON."""

    def make(original: Any) -> Callable[..., Any]:
        def call_action(self: Any) -> Any:
            if SIGNATURE not in self.querystring:
                return original(self)
            try:
                status, body = 200, _caller(self)
            except Refusal as refusal:
                status, body = refusal.status, refusal.body
            return status, {"Content-Type": "application/json"}, json.dumps(body)

        return call_action

    instead(TokenResponse, "call_action", make)


def _caller(response: Any) -> dict[str, Any]:
    query = {name: values[0] for name, values in response.querystring.items()}
    try:
        if query["Action"] != "GetCallerIdentity" or query["Version"] != "2011-06-15":
            raise Refusal("InvalidAction", 400)
        key, _, region, service, _ = query["X-Amz-Credential"].split("/")
        date = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        signed = query["X-Amz-SignedHeaders"].split(";")
    except (KeyError, ValueError):
        raise Refusal("IncompleteSignature", 400) from None
    # The host of a region takes signatures for this region only.
    if "host" not in signed or service != "sts" or region != response.region:
        raise Refusal("SignatureDoesNotMatch")
    if abs(datetime.now(UTC) - date) > LIFE:
        raise Refusal("SignatureDoesNotMatch")
    _check_signature(response, query, signed, key, region)
    user, arn, account = response.backend.get_caller_identity(key, region)
    result = {"UserId": user, "Arn": arn, "Account": account}
    return {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}


def _check_signature(
    response: Any, query: Mapping[str, str], signed: list[str], key: str, region: str
) -> None:
    token = query.get("X-Amz-Security-Token")
    headers = {"X-Amz-Security-Token": token} if token else {}
    account, partition = response.current_account, response.partition
    try:
        found = create_access_key(account, partition, key, headers)
    except CreateAccessKeyFailure:
        raise Refusal("InvalidClientTokenId") from None
    for role in sts_backends[account][partition].assumed_roles:
        end = role.expiration.replace(tzinfo=UTC)
        if role.access_key_id == key and end < datetime.now(UTC):
            raise Refusal("ExpiredToken")
    auth = SigV4QueryAuth(found.create_credentials(), "sts", region)
    parts = request.query_string.decode().split("&")
    target = "&".join(part for part in parts if not part.startswith(f"{SIGNATURE}="))
    made = AWSRequest(
        method=request.method,
        url=f"https://{request.host}{request.path}?{target}",
        headers={name: request.headers.get(name, "") for name in signed},
    )
    made.context["timestamp"] = query["X-Amz-Date"]
    text = auth.string_to_sign(made, auth.canonical_request(made))
    if auth.signature(text, made) != query[SIGNATURE]:
        raise Refusal("SignatureDoesNotMatch")
