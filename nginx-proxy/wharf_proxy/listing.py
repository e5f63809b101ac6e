"""Names of repositories and tags, read from S3 in lexical order and page by page.

distribution keeps a tag below ``REPOSITORY/_manifests/tags/TAG/`` and a repository below
``REPOSITORY/_``. S3 groups keys up to a delimiter, so one request returns 1,000 names, however many
objects are below each of them. The delimiter of repositories is a string of two characters: S3
accepts that (https://github.com/cockroachdb/cockroach/issues/100123).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

REPOSITORIES = "docker/registry/v2/repositories/"
"""https://github.com/distribution/distribution/blob/v3.1.1/registry/storage/paths.go"""

END_OF_REPOSITORY = "/_"
END_OF_TAG = "/"

MOST_KEYS = 1000
"""The maximum number of entries in one response of S3."""

_PRINTABLE = re.compile(r"[!-~]{0,512}")


@dataclass(frozen=True)
class Names:
    """Names in a bucket: a name is the part of a key between ``prefix`` and ``end``.

    Attributes:
        client: a client of S3.
        bucket: the bucket of the images.
        prefix: the beginning of all keys.
        end: the delimiter after a name.

    Usage:
        repositories(client, "images").after("team-a/app", 100)
    """

    client: "S3Client"
    bucket: str
    prefix: str
    end: str

    def after(self, last: str, count: int | None = None) -> list[str]:
        """Return the first ``count`` names that come after ``last``, all of them with None.

        The order is that of the names' bytes. S3 orders keys, where a name is followed by ``end``:
        ``a-b/`` comes before ``a/``, but the name ``a`` before ``a-b``. A name that S3 has yet to
        list can only precede one that it has listed if the first begins the second. So these few
        names are requested one by one, and the rest of the list is not needed.

        Raises:
            BotoCoreError, ClientError: S3 did not list the names.
        """
        names: set[str] = set()
        for name in self._in_order_of_keys(last, count):
            if name > last:
                names.add(name)
            if count is not None and len(names) >= count:
                names.update(self._beginnings(name, last))
                break
        return sorted(names)[:count]

    def exists(self, name: str) -> bool:
        """Return whether a key with this name exists.

        Raises:
            BotoCoreError, ClientError: S3 did not list the name.
        """
        prefix = self.prefix + name + self.end
        response = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=1)
        return response["KeyCount"] > 0

    def _beginnings(self, name: str, last: str) -> Iterator[str]:
        """Yield the names after ``last`` that begin ``name`` and whose keys come after its key."""
        for length in range(1, len(name)):
            beginning, rest = name[:length], name[length:]
            if rest < self.end and beginning > last and self.exists(beginning):
                yield beginning

    def _in_order_of_keys(self, last: str, count: int | None) -> Iterator[str]:
        """Yield names in the order of their keys, from the first key that may be after ``last``."""
        # S3 refuses control characters. All names after `last` come after its printable part, too.
        printable = _PRINTABLE.match(last)
        where = {"StartAfter": self.prefix + (printable[0] if printable else "")}
        # `last` itself may be listed, too.
        size = MOST_KEYS if count is None else min(count + 1, MOST_KEYS)
        while where:
            response = self.client.list_objects_v2(
                Bucket=self.bucket,
                Prefix=self.prefix,
                Delimiter=self.end,
                MaxKeys=size,
                **where,  # type: ignore[arg-type]
            )
            for group in response.get("CommonPrefixes", []):
                yield group["Prefix"].removeprefix(self.prefix).removesuffix(self.end)
            where = self._next(response)

    def _next(self, response: "ListObjectsV2OutputTypeDef") -> dict[str, str]:
        """Return where the list goes on after ``response``, nothing at its end."""
        if not response["IsTruncated"]:
            return {}
        keys = [item["Key"] for item in response.get("Contents", [])]
        if self.end == END_OF_REPOSITORY and keys and keys[-1].startswith(f"{self.prefix}_"):
            # Objects of the repository that the prefix names: "`" is the character after "_".
            return {"StartAfter": f"{self.prefix}`"}
        return {"ContinuationToken": response["NextContinuationToken"]}


def repositories(client: "S3Client", bucket: str, below: str = "") -> Names:
    """Return the names of all repositories, or the rest of those that begin with ``below``.

    A repository exists from the beginning of its first upload until its last object is deleted.

    Args:
        client: a client of S3.
        bucket: the bucket of the images.
        below: empty, or a path that ends with a slash.
    """
    return Names(client, bucket, REPOSITORIES + below, END_OF_REPOSITORY)


def tags(client: "S3Client", bucket: str, repository: str) -> Names:
    """Return the names of a repository's tags."""
    return Names(client, bucket, f"{REPOSITORIES}{repository}/_manifests/tags/", END_OF_TAG)


def readable(client: "S3Client", bucket: str, grants: str, last: str, count: int) -> list[str]:
    """Return the first ``count`` repositories after ``last`` that ``grants`` cover.

    Args:
        client: a client of S3.
        bucket: the bucket of the images.
        grants: repositories of the permissions file (``*``, ``team-a/*``, ``base/debian``),
            separated by spaces.
        last: the name after which the list begins.
        count: the maximum number of names.

    Raises:
        BotoCoreError, ClientError: S3 did not list the names.
    """
    found: list[str] = []
    # Repositories of one grant are next to each other, so sorted grants give sorted names.
    for grant in _without_covered(sorted(set(grants.split()))):
        if len(found) == count:
            break
        below = grant.removesuffix("*")
        if below == grant:
            if grant > last and repositories(client, bucket).exists(grant):
                found.append(grant)
        elif last < below or last.startswith(below):
            names = repositories(client, bucket, below)
            rest = last.removeprefix(below) if last.startswith(below) else ""
            found += [below + name for name in names.after(rest, count - len(found))]
    return found


def _without_covered(grants: list[str]) -> list[str]:
    prefixes = [grant.removesuffix("*") for grant in grants if grant.endswith("*")]
    return [
        grant
        for grant in grants
        if not any(grant.startswith(prefix) and grant != f"{prefix}*" for prefix in prefixes)
    ]
