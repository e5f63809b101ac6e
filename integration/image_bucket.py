"""The S3 bucket of a registry, read past the registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Where distribution keeps all that it keeps.
ROOT = "docker/registry/v2"


@dataclass(frozen=True)
class ImageBucket:
    """What lies in S3.

    Attributes:
        client: of boto3, for S3.
        name: of the bucket.
    """

    client: Any
    name: str

    def keys(self, below: str) -> Iterator[str]:
        """The keys that begin with ``docker/registry/v2/`` and what is given."""
        paginator = self.client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.name, Prefix=f"{ROOT}/{below}"):
            yield from (item["Key"] for item in page.get("Contents", ()))

    def open(self, key: str) -> Any:
        """The object at a key, as a stream."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"]
