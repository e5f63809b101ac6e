"""Corrections of moto 5.2.5 for buckets: see ``moto_corrections``."""

from collections.abc import Callable
from typing import Any

from flask import request
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.exceptions import NoSuchUpload, S3ClientError
from moto.s3.models import FakeDeleteMarker, MultipartDict, S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum

from integration.local.emulator.replacing import instead

#: Bytes of the longest key of S3.
LONGEST_KEY = 1024


def apply_bucket_corrections() -> None:
    """Correct moto in this process. To be called once, before the first request."""
    suspended_buckets_can_be_emptied()
    replication_tells_what_it_selects()
    missing_uploads_are_unknown()
    long_keys_are_refused()
    copies_have_a_checksum_of_their_own()
    public_objects_need_no_signature()
    discovery_documents_are_objects()


def suspended_buckets_can_be_emptied() -> None:
    """Let delete markers go from a bucket whose versioning is suspended: moto fails with 500.

    Terraform does so when it destroys a bucket: versioning goes first, then what it kept.
    """
    FakeDeleteMarker.dispose = lambda self: None  # type: ignore[attr-defined]  # noqa: ARG005


def missing_uploads_are_unknown() -> None:
    """UploadPart and CompleteMultipartUpload of an upload that does not exist are a status 500."""

    def missing(_: Any, upload_id: str) -> None:
        raise NoSuchUpload(upload_id)

    def delete(uploads: Any, upload_id: str) -> None:
        uploads.pop(upload_id, uploads[upload_id]).dispose()

    MultipartDict.__missing__ = missing  # type: ignore[attr-defined]
    MultipartDict.__delitem__ = delete  # type: ignore[method-assign]


def long_keys_are_refused() -> None:
    """PutObject accepts keys of any length.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """

    def make(original: Any) -> Callable[..., Any]:
        def put_object(
            backend: Any, bucket_name: str, key_name: str, *more: Any, **named: Any
        ) -> Any:
            if len(key_name.encode()) > LONGEST_KEY:
                raise S3ClientError("KeyTooLongError", "Your key is too long")
            return original(backend, bucket_name, key_name, *more, **named)

        return put_object

    instead(S3Backend, "put_object", make)


def copies_have_a_checksum_of_their_own() -> None:
    """Give the copy of an object that came in parts the checksum of its bytes, as S3 does.

    moto takes over the checksum of the parts' checksums, and SDKs refuse the copy's bytes.
    """

    def make(original: Any) -> Callable[..., None]:
        def copy_object(
            backend: Any, src_key: Any, dest_bucket_name: str, dest_key_name: str, **named: Any
        ) -> None:
            original(backend, src_key, dest_bucket_name, dest_key_name, **named)
            copy = backend.get_object(dest_bucket_name, dest_key_name)
            if src_key.checksum_type == "COMPOSITE":
                checksum = compute_checksum(copy.value, copy.checksum_algorithm)
                copy.checksum_value = checksum.decode()

        return copy_object

    instead(S3Backend, "copy_object", make)


def replication_tells_what_it_selects() -> None:
    """GetBucketReplication leaves out which objects a rule selects: prefix, encrypted ones."""

    def make(original: Any) -> Callable[..., Any]:
        def serialized(response: Any, result: ActionResult) -> Any:
            content = result.result
            if isinstance(content, dict) and "ReplicationConfiguration" in content:
                kept = response.backend.get_bucket_replication(response.bucket_name)["Rule"]
                for rule, given in zip(
                    content["ReplicationConfiguration"]["Rules"], kept, strict=True
                ):
                    if "SourceSelectionCriteria" in given:
                        rule["SourceSelectionCriteria"] = given["SourceSelectionCriteria"]
                    if (given.get("Filter") or {}).get("Prefix"):
                        rule["Filter"] = {"Prefix": given["Filter"]["Prefix"]}
            return original(response, result)

        return serialized

    instead(S3Response, "serialized", make)


def public_objects_need_no_signature() -> None:
    """moto asks everybody for a signature, also for what the bucket's policy allows everybody.

    Issuers of OIDC publish their keys in such buckets.
    """

    def make(original: Any) -> Callable[..., None]:
        def authorize(self: Any, bucket_name: Any = None, key_name: Any = None) -> None:
            signed = "Authorization" in self.headers or "X-Amz-Signature" in request.args
            if signed or request.method != "GET" or not key_name:
                original(self, bucket_name, key_name)
                return
            policy = self.backend.get_bucket(bucket_name).policy
            arn = f"arn:aws:s3:::{bucket_name}/{key_name}"
            allows = policy and IAMPolicy(policy.decode()).is_action_permitted
            if not allows or allows("s3:GetObject", arn, "everybody") != PermissionResult.PERMITTED:
                original(self, bucket_name, key_name)

        return authorize

    instead(S3Response, "_authenticate_and_authorize_s3_action", make)


def discovery_documents_are_objects() -> None:
    """moto takes the path of every OIDC discovery document for one of Cognito."""
    unknown = staticmethod(lambda path_info: (None, None))  # noqa: ARG005
    DomainDispatcherApplication.get_service_from_unsigned_path = unknown  # type: ignore[method-assign]
