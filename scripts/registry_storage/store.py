"""What the programs ask of the place where a registry keeps its objects, and the one in S3."""

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

#: Keys that S3 deletes with one request.
PER_DELETION = 1000
MEGABYTE = 1_000_000
#: Bytes from which on a copy is made in parts; S3 itself takes up to 5 GB in one request, for
#: which it can be silent for longer than a client waits.
IN_PARTS = 256 * MEGABYTE
#: Bytes in memory for each blob that is read.
CHUNK = MEGABYTE
#: S3's words, to a GET and to a copy, for an object in the storage class GLACIER or DEEP_ARCHIVE.
ARCHIVED = ("InvalidObjectState", "ObjectNotInActiveTierError")


class ArchivedError(ConfigurationError):
    """S3 gives the bytes of an object only after somebody has restored it from an archive."""

    def __init__(self, place: str) -> None:
        super().__init__(f"s3://{place}: it is in an archive of S3: restore the object")


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its size in bytes, and when it was last written, by S3's clock."""

    key: str
    size: int
    modified: datetime
    etag: str = ""


class Store(Protocol):
    """Objects by key. As S3 promises it: who asks after a write or a deletion sees it.

    Raises:
        ArchivedError: from a method that reads or copies an object: it is in an archive.
    """

    def now(self) -> datetime:
        """The time by the clock that dates the objects."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """All objects whose key begins so, by key."""

    def read(self, key: str) -> bytes | None:
        """A small object's content, None if there is none."""

    def stream(self, key: str) -> Iterator[bytes] | None:
        """An object's content in pieces, None if there is none."""

    def write(self, key: str, content: bytes) -> None:
        """Write a small object."""

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object; False if there is one already, which then stays as it is."""

    def copy(self, source: Entry, target: str, bucket: str | None = None) -> bool:
        """Copy an object, of ``bucket`` or this one, within S3; False if there is none any more."""

    def delete(self, keys: Collection[str]) -> None:
        """Delete objects; one that is absent is no error."""


class S3Store:
    """A bucket, with the credentials and the endpoint that boto3 finds in the usual variables.

    Safe to use from several threads.

    Raises:
        ConfigurationError: from each method: bucket, object and remedy.

    Usage:
        S3Store("wharf-images-123456789012-eu-west-1").entries(layout.BLOBS)
    """

    def __init__(self, name: str, *, region: str | None = None, connections: int = 16) -> None:
        self.name = name
        with one_line_errors(name, "s3:ListBucket"):
            config = Config(
                max_pool_connections=connections,
                # S3 puts a copy together while the client waits.
                read_timeout=120,
                # Slows down by itself when S3 asks for it.
                retries={"total_max_attempts": 8, "mode": "adaptive"},
            )
            self._client: S3Client = connect(region, NETWORK.merge(config))

    def now(self) -> datetime:  # noqa: D102
        with one_line_errors(self.name, "s3:ListBucket"):
            answer = self._client.list_objects_v2(Bucket=self.name, MaxKeys=1)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        # S3 always says it; not everything that answers like it does.
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
                # The second is S3's word for somebody who writes it at this very moment.
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
            some = ordered[start : start + PER_DELETION]
            with one_line_errors(self.name, "s3:DeleteObject"):
                answer = self._client.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
                )
            for problem in answer.get("Errors", []):
                raise ConfigurationError(
                    f"s3://{self.name}/{problem['Key']}: S3 answers {problem['Code']} to its "
                    "deletion: allow s3:DeleteObject for it, and run this again"
                )


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
