"""Storage of a registry's objects: the operations that the programs need, and S3."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from wharf_proxy.bucket import NETWORK, connect, one_line_errors
from wharf_proxy.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

#: Maximum number of keys in a request of S3 that deletes objects.
PER_DELETION = 1000
MEGABYTE = 1_000_000
#: Bytes from which on an object is copied in parts. S3 copies up to 5 GB in one request, which can
#: take longer than the client's timeout.
IN_PARTS = 256 * MEGABYTE
#: Bytes of a blob that are read at once.
CHUNK = MEGABYTE
#: S3's error codes for a GET or copy of an object in the storage class GLACIER or DEEP_ARCHIVE.
ARCHIVED = ("InvalidObjectState", "ObjectNotInActiveTierError")


class ArchivedError(ConfigurationError):
    """An object is in an archive of S3, and cannot be read before it is restored."""

    def __init__(self, place: str) -> None:
        super().__init__(f"s3://{place}: it is in an archive of S3: restore the object")


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its size in bytes, and the time of its last write by S3's clock."""

    key: str
    size: int
    modified: datetime
    etag: str = ""


class Store(Protocol):
    """Objects by key, with S3's consistency: each request sees all earlier writes and deletions.

    Raises:
        ArchivedError: from methods that read or copy an object: the object is in an archive.
    """

    def now(self) -> datetime:
        """Return the time of the clock that dates the objects."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects under ``prefix``, in key order."""

    def read(self, key: str) -> bytes | None:
        """Return the content of a small object, or None if the object does not exist."""

    def stream(self, key: str) -> Iterator[bytes] | None:
        """Return the content of an object in pieces, or None if the object does not exist."""

    def write(self, key: str, content: bytes) -> None:
        """Write a small object."""

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object and return True; return False if the object exists, unchanged."""

    def copy(self, source: Entry, target: str, bucket: str | None = None) -> bool:
        """Copy an object of ``bucket`` or this bucket within S3; return False if it is absent."""

    def delete(self, keys: Collection[str]) -> None:
        """Delete objects; an absent object is no error."""


class S3Store:
    """A bucket, with the credentials and the endpoint of the AWS environment variables.

    Safe to use from several threads.

    Raises:
        ConfigurationError: from each method, with bucket, object and remedy.

    Usage:
        S3Store("wharf-images-123456789012-eu-west-1").entries(layout.BLOBS)
    """

    def __init__(self, name: str, *, region: str | None = None, connections: int = 16) -> None:
        self.name = name
        with one_line_errors(name, "s3:ListBucket"):
            config = Config(
                max_pool_connections=connections,
                # S3 assembles a copy while the client waits.
                read_timeout=120,
                # Adaptive retries slow down when S3 throttles requests.
                retries={"total_max_attempts": 8, "mode": "adaptive"},
            )
            self._client: S3Client = connect(region, NETWORK.merge(config))

    def now(self) -> datetime:  # noqa: D102
        with one_line_errors(self.name, "s3:ListBucket"):
            response = self._client.list_objects_v2(Bucket=self.name, MaxKeys=1)
        date = response["ResponseMetadata"]["HTTPHeaders"].get("date")
        # S3 always sends a date; not all compatible servers do.
        return parsedate_to_datetime(date) if date else datetime.now(UTC)

    def entries(self, prefix: str) -> Iterator[Entry]:  # noqa: D102
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        with one_line_errors(self.name, "s3:ListBucket"):
            for page in pages:
                for item in page.get("Contents", []):
                    yield Entry(item["Key"], item["Size"], item["LastModified"], item["ETag"])

    def read(self, key: str) -> bytes | None:  # noqa: D102
        pieces = self.stream(key)
        return None if pieces is None else b"".join(pieces)

    def stream(self, key: str) -> Iterator[bytes] | None:  # noqa: D102
        with one_line_errors(f"{self.name}/{key}", "s3:GetObject"):
            try:
                body = self._client.get_object(Bucket=self.name, Key=key)["Body"]
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                if _code(error) in ARCHIVED:
                    raise ArchivedError(f"{self.name}/{key}") from None
                raise
        return self._pieces(key, body.iter_chunks(CHUNK))

    def _pieces(self, key: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
        with one_line_errors(f"{self.name}/{key}", "s3:GetObject"):
            yield from chunks

    def write(self, key: str, content: bytes) -> None:  # noqa: D102
        with one_line_errors(f"{self.name}/{key}", "s3:PutObject"):
            self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def create(self, key: str, content: bytes) -> bool:  # noqa: D102
        with one_line_errors(f"{self.name}/{key}", "s3:PutObject"):
            try:
                self._client.put_object(Bucket=self.name, Key=key, Body=content, IfNoneMatch="*")
            except ClientError as error:
                # S3's second code stands for a concurrent write of the same key.
                if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
                    return False
                raise
        return True

    def copy(self, source: Entry, target: str, bucket: str | None = None) -> bool:  # noqa: D102
        origin: CopySourceTypeDef = {"Bucket": bucket or self.name, "Key": source.key}
        place = f"{self.name}/{target}"
        with one_line_errors(place, f"s3:PutObject, and s3:GetObject in {origin['Bucket']}"):
            try:
                if source.size < IN_PARTS:
                    self._client.copy_object(Bucket=self.name, Key=target, CopySource=origin)
                else:
                    self._client.copy(origin, self.name, target, Config=self._parts)
            except ClientError as error:
                if _code(error) in ("NoSuchKey", "404"):
                    return False
                if _code(error) in ARCHIVED:
                    raise ArchivedError(f"{origin['Bucket']}/{source.key}") from None
                raise
        return True

    @cached_property
    def _parts(self) -> TransferConfig:
        return TransferConfig(multipart_threshold=IN_PARTS, multipart_chunksize=IN_PARTS)

    def delete(self, keys: Collection[str]) -> None:  # noqa: D102
        ordered = list(keys)
        for start in range(0, len(ordered), PER_DELETION):
            batch = ordered[start : start + PER_DELETION]
            with one_line_errors(self.name, "s3:DeleteObject"):
                response = self._client.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
                )
            for problem in response.get("Errors", []):
                raise ConfigurationError(
                    f"s3://{self.name}/{problem['Key']}: S3 refuses the deletion "
                    f"({problem['Code']}): allow s3:DeleteObject, and run this again"
                )


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
