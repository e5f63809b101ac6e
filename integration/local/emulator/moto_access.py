"""Corrections of how moto 5.2.5 enforces IAM: trust of services, conditions, presigned URLs.

See moto_corrections.py, which applies them with the others.
"""

import datetime
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import xmltodict  # type: ignore[import-untyped]
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from flask import request
from moto.iam import access_control
from moto.iam.access_control import (
    IAMPolicyStatement,
    IAMRequest,
    IAMRequestBase,
    PermissionResult,
    S3IAMRequest,
)
from moto.s3.responses import S3Response
from moto.secretsmanager.responses import SecretsManagerResponse

from integration.local.api.vpc_endpoints import ENDPOINT_HEADER
from integration.local.emulator.replacing import instead

#: An IAM user with a name of this form stands for the AWS service of that name.
SERVICE_USER = re.compile(r":user/([a-z0-9.-]+\.amazonaws\.com)$")


def apply_access_corrections() -> None:
    """Correct moto's enforcement of IAM in this process."""
    services_may_assume_the_roles_that_trust_them()
    roles_that_do_not_exist_cannot_be_assumed()
    statements_that_do_not_apply_decide_nothing()
    tls_only_policies_let_tls_pass()
    policies_know_the_endpoint_of_a_request()
    presigned_urls_carry_credentials()
    deleting_many_objects_asks_for_each()
    secrets_are_asked_for_by_their_arn()
    requests_without_a_body_are_signed_without_one()


def services_may_assume_the_roles_that_trust_them() -> None:
    """Let services assume roles: moto fails with 500 where a trust policy names a service.

    And nobody can be that service, so nothing gets the credentials of a task role. Here the IAM
    user called ``ecs-tasks.amazonaws.com`` is: it may assume what trusts ECS tasks, others are
    refused. A role with the wrong trust policy thereby fails as it would on AWS.
    """

    def make(original: Any) -> Callable[..., bool]:
        def check_principal(self: Any, principal: str) -> bool:
            expected = self._statement.get("Principal")
            if not isinstance(expected, dict):
                return expected in (None, "*")
            service = SERVICE_USER.search(principal)
            if service and service[1] in _listed(expected.get("Service")):
                return True
            return "AWS" in expected and bool(original(self, principal))

        return check_principal

    instead(IAMPolicyStatement, "_check_principal", make)


def roles_that_do_not_exist_cannot_be_assumed() -> None:
    """moto gives credentials for any role name, where STS refuses as it does without trust."""

    def make(original: Any) -> Callable[..., bool]:
        def is_assuming_a_role(self: Any, role_arn: str) -> bool:
            known = bool(original(self, role_arn))
            if self._action == "sts:AssumeRole" and not known:
                self._raise_access_denied()
            return known

        return is_assuming_a_role

    instead(IAMRequestBase, "_is_assuming_role_operation", make)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements_that_do_not_apply_decide_nothing() -> None:
    """Ignore statements for another principal or condition, which deny in moto.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def is_action_permitted(
            self: Any, action: str, resource: str = "*", principal: Any = None, values: Any = None
        ) -> Any:
            if principal and not self._check_principal(principal):
                return PermissionResult.NEUTRAL
            if not self._check_conditions(values):
                return PermissionResult.NEUTRAL
            return original(self, action, resource, principal, values)

        return is_action_permitted

    instead(IAMPolicyStatement, "is_action_permitted", make)


def tls_only_policies_let_tls_pass() -> None:
    """moto takes every ``Bool`` condition as met: a TLS-only bucket then refuses every object.

    The emulator stands for AWS endpoints that speak TLS, so requests count as secure, unless a
    front that ends TLS says otherwise in ``X-Forwarded-Proto``.
    """

    def make(original: Any) -> Callable[..., bool]:
        def check_conditions(self: Any, values: dict[str, str] | None) -> bool:
            booleans = self._statement.get("Condition", {}).get("Bool", {})
            allowed = [str(value).lower() for value in _listed(booleans.get("aws:SecureTransport"))]
            secure = request.headers.get("X-Forwarded-Proto", "https") == "https"
            if allowed and str(secure).lower() not in allowed:
                return False
            return bool(original(self, values))

        return check_conditions

    instead(IAMPolicyStatement, "_check_conditions", make)


def policies_know_the_endpoint_of_a_request() -> None:
    """moto takes a condition as met whose key it does not know, such as ``aws:SourceVpce``.

    A request that came through no endpoint then meets a condition that names one.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html
    """

    def make(original: Any) -> Callable[..., bool]:
        def check_conditions(self: Any, values: dict[str, str] | None) -> bool:
            through = {"aws:SourceVpce": request.headers.get(ENDPOINT_HEADER, "")}
            return bool(original(self, {**(values or {}), **through}))

        return check_conditions

    instead(IAMPolicyStatement, "_check_conditions", make)


class CorrectedS3Request(S3IAMRequest):
    """An S3 request that is signed in its header, in its query (presigned), or not at all."""

    def __init__(self, *, path: str, headers: Any, **others: Any) -> None:
        self._data = others["data"]
        self._query: dict[str, str] = {}
        if "Authorization" not in headers:
            path, headers = self._read_query(path, headers)
        super().__init__(path=path, headers=headers, **others)

    def _read_query(self, path: str, headers: Any) -> tuple[str, dict[str, str]]:
        path, _, query = path.partition("?")
        self._query = dict(parse_qsl(query, keep_blank_values=True))
        try:
            signed = {
                **dict(headers),
                "Authorization": (
                    f"AWS4-HMAC-SHA256 Credential={self._query['X-Amz-Credential']}, "
                    f"SignedHeaders={self._query['X-Amz-SignedHeaders']}, "
                    f"Signature={self._query['X-Amz-Signature']}"
                ),
            }
            self._expires = _moment(self._query["X-Amz-Date"]) + datetime.timedelta(
                seconds=int(self._query["X-Amz-Expires"])
            )
        except (KeyError, ValueError):
            self._raise_access_denied()
            raise
        if "X-Amz-Security-Token" in self._query:
            signed["X-Amz-Security-Token"] = self._query["X-Amz-Security-Token"]
        # Not encoded anew: the signature covers the spelling of the sender.
        unsigned = [part for part in query.split("&") if not part.startswith("X-Amz-Signature=")]
        return f"{path}?{'&'.join(unsigned)}", signed

    def check_signature(self) -> None:
        """Refuse a wrong signature and a presigned URL whose time is over."""
        super().check_signature()
        if self._query and datetime.datetime.now(datetime.UTC) > self._expires:
            self._raise_access_denied()

    def _create_auth(self, credentials: Any) -> Any:
        if self._query:
            return S3SigV4QueryAuth(credentials, self._service, self._region)
        return super()._create_auth(credentials)

    def _create_aws_request(self) -> AWSRequest:
        if not self._query:
            return super()._create_aws_request()
        names = self._query["X-Amz-SignedHeaders"].split(";")
        headers = self._create_headers_for_aws_request(names, self._headers)
        made = AWSRequest(method=self._method, url=self._path, headers=headers)
        made.context["timestamp"] = self._query["X-Amz-Date"]
        return made


def _moment(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)


def presigned_urls_carry_credentials() -> None:
    """moto asks every request for an ``Authorization`` header, so it refuses presigned URLs.

    They are how the registry sends its clients to S3.
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    # moto looks the class up in its module for every request.
    vars(access_control)["S3IAMRequest"] = CorrectedS3Request


def deleting_many_objects_asks_for_each() -> None:
    """DeleteObjects asks moto for permission on the bucket, and S3 for permission on each object.

    A role that may delete the objects of a bucket is therefore refused, and the registry deletes
    with this call. Here all of a call is refused when one of its objects is; S3 deletes the rest.
    """

    def make(original: Any) -> Callable[..., None]:
        def authorize(self: Any, bucket_name: Any = None, key_name: Any = None) -> None:
            keys = {key_name}
            if key_name is None and self.data.get("Action") == "DeleteObject":
                listed = xmltodict.parse(self.body, strip_whitespace=False)["Delete"]
                keys = {item["Key"] for item in _listed(listed.get("Object"))} or keys
            for key in keys:
                original(self, bucket_name, key)

        return authorize

    instead(S3Response, "_authenticate_and_authorize_s3_action", make)


def secrets_are_asked_for_by_their_arn() -> None:
    """Outside S3 moto asks for permission on ``*``, which a policy for one secret does not give.

    ECS's execution role is such a role: it may read the secrets of its service and no other.
    """

    def arn(self: Any) -> str:
        return str(self._get_param("SecretId") or "*")

    # moto calls this method of every response that has it.
    SecretsManagerResponse._determine_resource = arn  # type: ignore[attr-defined]


def requests_without_a_body_are_signed_without_one() -> None:
    """moto takes the parameters in the path of a bodyless request for its signed body.

    Route 53 has such: GetHostedZone and others were refused to everybody (403).
    """

    def make(original: Any) -> Callable[..., AWSRequest]:
        def create(self: Any) -> AWSRequest:
            made: AWSRequest = original(self)
            # Of a form moto has only the parameters left.
            if self._method != "POST":
                made.data = self._body
            return made

        return create

    instead(IAMRequest, "_create_aws_request", make)
