"""The S3 bucket of a registry, read past the registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

#: Where distribution keeps all that it keeps.
ROOT = "docker/registry/v2"


@dataclass(frozen=True)
class ImageBucket:
    """The image bucket in S3.

    Attributes:
        client: of boto3, for S3.
        name: of the bucket.
    """

    client: Any
    name: str

    def keys(self, below: str) -> Iterator[str]:
        """Yield the keys that begin with ``docker/registry/v2/`` and what is given."""
        paginator = self.client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.name, Prefix=f"{ROOT}/{below}"):
            yield from (item["Key"] for item in page.get("Contents", ()))

    def open(self, key: str) -> Any:
        """Return the object at a key, as a stream."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"]


def check_access(registry: str | None) -> None:
    """Check the options for a look into the bucket of a live registry.

    Raises:
        pytest.UsageError: the registry, or AWS credentials, are missing.
    """
    if not registry:
        raise pytest.UsageError("--bucket is of a live registry: give its --registry, too")
    if boto3.Session().get_credentials() is None:
        raise pytest.UsageError(
            "--bucket needs AWS credentials, such as AWS_PROFILE or AWS_ACCESS_KEY_ID"
        )
