"""The index of the page: number of tags, size and last push of each repository, in one object.

It is made of the listing of the bucket alone, at 1,000 objects a request, and no object is read:
the registry links each layer and manifest to the repositories that have it, and the size of a blob
is in the listing. So a size includes what no image needs any more, until garbage is collected.
"""

import json
import math
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from wharf_proxy.listing import END_OF_REPOSITORY, REPOSITORIES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "page/index.json"
"""In the bucket of the images, outside of what belongs to the registry."""

CLAIM = "page/claim"
"""Written by the host that begins to make the index."""

BLOBS = "docker/registry/v2/blobs/sha256/"
"""Where distribution keeps all layers and manifests, also those pushed with another digest."""

_DIGITS = 16
"""Hexadecimal digits of a digest that fit into 64 bits. Two blobs of a billion have the same with a
probability of 3 %, and would have the size of one of them here."""


@dataclass(frozen=True)
class Figures:
    """What the index has of a repository.

    Attributes:
        name: of the repository.
        tags: number of tags.
        bytes: bytes of all linked blobs, each counted once.
        pushed: time of the last push of a tag, in seconds since 1970; None without tags.
    """

    name: str
    tags: int
    bytes: int
    pushed: float | None


class Sizes:
    """Sizes of blobs by digest, at 16 bytes for each: a bucket may have millions.

    Args:
        client: a client of S3.
        bucket: the bucket of the images.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._digests = array("Q")
        self._sizes = array("Q")
        for item in _objects(client, bucket, BLOBS):
            # ab/abcd…/data, in order
            parts = item["Key"].removeprefix(BLOBS).split("/")
            if len(parts) == 3 and parts[2] == "data":
                self._digests.append(_number(parts[1]))
                self._sizes.append(item["Size"])

    def of(self, digest: int) -> int:
        """Return the size of a blob, 0 if it is absent."""
        place = bisect_left(self._digests, digest)
        found = place < len(self._digests) and self._digests[place] == digest
        return self._sizes[place] if found else 0


def write(client: "S3Client", bucket: str) -> None:
    """Make the index and write it to the bucket.

    Raises:
        BotoCoreError, ClientError: S3 did not list the objects, or not take the index.
    """
    start = time.monotonic()
    repositories = [asdict(repository) for repository in measure(client, bucket)]
    index = {
        "written": time.time(),
        "seconds": time.monotonic() - start,
        "repositories": repositories,
    }
    body = json.dumps(index, separators=(",", ":")).encode()
    client.put_object(Bucket=bucket, Key=KEY, Body=body, ContentType="application/json")


def measure(client: "S3Client", bucket: str) -> Iterator[Figures]:
    """Yield the figures of each repository.

    Raises:
        BotoCoreError, ClientError: S3 did not list the objects.
    """
    sizes = Sizes(client, bucket)
    current, digests, tags, pushed = "", set[int](), 0, None

    def figures() -> Figures:
        return Figures(
            current, tags, sum(map(sizes.of, digests)), pushed.timestamp() if pushed else None
        )

    # All objects of a repository are next to each other.
    for item in _objects(client, bucket, REPOSITORIES):
        name, end, rest = item["Key"].removeprefix(REPOSITORIES).partition(END_OF_REPOSITORY)
        if not end:
            continue
        if name != current:
            if current:
                yield figures()
            current, digests, tags, pushed = name, set(), 0, None
        parts = rest.split("/")
        if parts[-1] != "link":
            continue
        if parts[:2] == ["manifests", "tags"] and parts[-2] == "current":
            tags += 1
            pushed = max(pushed or item["LastModified"], item["LastModified"])
        elif parts[:2] == ["layers", "sha256"] or parts[:3] == ["manifests", "revisions", "sha256"]:
            digests.add(_number(parts[-2]))
    if current:
        yield figures()


def parse(text: bytes) -> dict[str, Any]:
    """Return the index that an object has.

    Raises:
        ValueError: the object is no index.
    """
    try:
        index = json.loads(text)
        found = [Figures(**repository) for repository in index["repositories"]]
        numbers = [index["written"], index["seconds"]]
        for figures in found:
            numbers += [figures.tags, figures.bytes, figures.pushed or 0]
        flawless = all(map(math.isfinite, numbers)) and all(
            isinstance(figures.name, str) for figures in found
        )
    except (KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"no index: {type(error).__name__}: {error}") from None
    if not flawless:
        raise ValueError("no index: a name or a number is none")
    return {**index}


def covers(grants: Sequence[str], name: str) -> bool:
    """Return whether one of the grants of the permissions file is for this repository."""
    return any(
        grant in ("*", name) or (grant.endswith("/*") and name.startswith(grant[:-1]))
        for grant in grants
    )


def shown_to(index: Mapping[str, Any], grants: Sequence[str]) -> dict[str, Any]:
    """Return the index with the repositories that these grants cover."""
    found = [
        repository for repository in index["repositories"] if covers(grants, repository["name"])
    ]
    return {"written": index["written"], "repositories": found}


def age(client: "S3Client", bucket: str, key: str = KEY) -> float | None:
    """Return the seconds since the index, or another object, was written; None if it is absent.

    Raises:
        BotoCoreError, ClientError: S3 did not say.
    """
    try:
        written = client.head_object(Bucket=bucket, Key=key)["LastModified"]
    except ClientError as error:
        # A response to HEAD has no body, so its only code is the status.
        if error.response["Error"]["Code"] != "404":
            raise
        return None
    return (datetime.now(UTC) - written).total_seconds()


def claim(client: "S3Client", bucket: str, seconds: float) -> bool:
    """Return whether this host may make the index: no other has said so for some seconds.

    Raises:
        BotoCoreError, ClientError: S3 did not say, or did not take the claim.
    """
    claimed = age(client, bucket, CLAIM)
    if claimed is not None and claimed < seconds:
        return False
    client.put_object(Bucket=bucket, Key=CLAIM, Body=b"")
    return True


def _number(digest: str) -> int:
    return int(digest[:_DIGITS], 16)


def _objects(client: "S3Client", bucket: str, prefix: str) -> Iterator[Any]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from page.get("Contents", [])
