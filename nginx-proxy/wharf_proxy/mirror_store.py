"""What a mirror keeps, in the bucket of the images, in the registry's own layout.

The registry would refuse an index whose images are not there yet. So the objects are written here,
in the order in which the registry writes them: bytes first, then the link objects that make them
part of a repository. Nothing is linked whose bytes do not have their digest, and two hosts that
write at the same time write the same.
https://github.com/distribution/distribution/blob/v3.1.1/registry/storage/paths.go
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from wharf_proxy.upstream_responses import Body, Failed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = "docker/registry/v2/"

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

PART = 8 * 1024 * 1024
"""Bytes of a part of a layer. S3 takes 10,000 parts, so a layer has 80 GB at most."""

CONFIG = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"total_max_attempts": 4, "mode": "standard"},
    max_pool_connections=32,
)


def _transfer() -> TransferConfig:
    """Return how layers are sent: of each, two parts are in memory, and one that is being read."""
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
    config.max_in_memory_upload_chunks = 2
    return config


class Verified:
    """The bytes of a layer. Reading fails at their end if they do not have the digest.

    Args:
        response: the upstream's.
        digest: that the bytes must have.
    """

    def __init__(self, response: Any, digest: str) -> None:
        self._body = Body(response)
        self._digest = digest
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = PART) -> bytes:
        """Return as many bytes, fewer at the end only.

        Raises:
            Failed: the response broke off or is too slow, or the bytes are wrong.
        """
        content = self._body.read(size)
        self._hash.update(content)
        self.size += len(content)
        if len(content) < size:
            self._check()
        return content

    def _check(self) -> None:
        if f"sha256:{self._hash.hexdigest()}" != self._digest:
            raise Failed(f"the bytes of {self._digest} have another digest: nothing was kept")


@dataclass(frozen=True)
class MirrorStore:
    """The objects of mirrors.

    Attributes:
        client: a client of S3.
        bucket: the bucket of the images.
    """

    client: "S3Client"
    bucket: str

    def has(self, repository: str, kind: str, digest: str) -> bool:
        """Return whether the registry would serve a manifest or layer, by ``kind`` of its link."""
        link = self._read(_link(repository, kind, digest))
        return link is not None and link[0] == digest and self._exists(_data(digest))

    def tag(self, repository: str, tag: str) -> tuple[str, datetime] | None:
        """Return the digest that a tag named when it was last looked up, and the time."""
        return self._read(f"{_tag(repository, tag)}current/link")

    def put_manifest(self, repository: str, content: bytes) -> str:
        """Keep a manifest; return its digest."""
        digest = digest_of(content)
        self._write(_data(digest), content)
        # The operator's programs know by it that what is missing can be fetched.
        self._write(f"{_repository(repository)}_mirror/link", repository.encode())
        self._write(_link(repository, "_manifests/revisions", digest), digest.encode())
        return digest

    def put_tag(self, repository: str, tag: str, digest: str) -> None:
        """Let a tag name a manifest, or say that it was looked up: retention reads the time."""
        named = digest.replace(":", "/")
        self._write(f"{_tag(repository, tag)}index/{named}/link", digest.encode())
        self._write(f"{_tag(repository, tag)}current/link", digest.encode())

    def put_layer(self, repository: str, digest: str, response: Any) -> int:
        """Keep a layer while it arrives; return its size in bytes.

        Raises:
            Failed: it broke off, or has another digest; nothing is kept then.
        """
        bytes_of_layer: Any = Verified(response, digest)
        try:
            self.client.upload_fileobj(
                bytes_of_layer, self.bucket, _data(digest), Config=_transfer()
            )
        finally:
            response.close()
        self._write(_link(repository, "_layers", digest), digest.encode())
        return int(bytes_of_layer.size)

    def _read(self, key: str) -> tuple[str, datetime] | None:
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _is_absent(error):
                return None
            raise
        return found["Body"].read().decode(errors="replace"), found["LastModified"]

    def _exists(self, key: str) -> bool:
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _is_absent(error):
                return False
            raise
        return True

    def _write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)


def digest_of(content: bytes) -> str:
    """Return the digest of a manifest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _is_absent(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("NoSuchKey", "404")


def _repository(name: str) -> str:
    return f"{ROOT}repositories/{name}/"


def _tag(repository: str, tag: str) -> str:
    return f"{_repository(repository)}_manifests/tags/{tag}/"


def _link(repository: str, kind: str, digest: str) -> str:
    return f"{_repository(repository)}{kind}/{digest.replace(':', '/')}/link"


def _data(digest: str) -> str:
    encoded = digest.partition(":")[2]
    return f"{ROOT}blobs/sha256/{encoded[:2]}/{encoded}/data"
