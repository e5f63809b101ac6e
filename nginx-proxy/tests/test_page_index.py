"""The index of the page: made of listings alone, as S3 keeps what distribution writes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from wharf_proxy import page_index
from wharf_proxy.page_index import Figures, measure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = "docker/registry/v2"
SHARED, OWN, MANIFEST = "a" * 64, "ab" * 32, "c" * 64


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="images")
        yield client


def put(s3: "S3Client", key: str, size: int = 1) -> datetime:
    s3.put_object(Bucket="images", Key=f"{ROOT}/{key}", Body=b"x" * size)
    return s3.head_object(Bucket="images", Key=f"{ROOT}/{key}")["LastModified"]


def blob(s3: "S3Client", digest: str, size: int) -> None:
    put(s3, f"blobs/sha256/{digest[:2]}/{digest}/data", size)


def image(s3: "S3Client", name: str, tag: str, *layers: str) -> datetime:
    """Write the objects of an image as distribution does; return the time of its push."""
    below = f"repositories/{name}"
    for layer in layers:
        put(s3, f"{below}/_layers/sha256/{layer}/link")
    put(s3, f"{below}/_manifests/revisions/sha256/{MANIFEST}/link")
    put(s3, f"{below}/_manifests/tags/{tag}/index/sha256/{MANIFEST}/link")
    return put(s3, f"{below}/_manifests/tags/{tag}/current/link")


def test_each_repository_has_tags_size_and_last_push(s3: "S3Client") -> None:
    blob(s3, SHARED, 100)
    blob(s3, OWN, 20)
    blob(s3, MANIFEST, 3)
    image(s3, "team/app", "1", SHARED, OWN)
    pushed = image(s3, "team/app", "2", SHARED)
    # Its key is between those of the repository that its name begins.
    other = image(s3, "team/app-base", "1", SHARED)
    below = image(s3, "team/app/cli", "1")
    assert sorted(measure(s3, "images"), key=lambda repository: repository.name) == [
        Figures("team/app", 2, 123, pushed.timestamp()),
        Figures("team/app-base", 1, 103, other.timestamp()),
        Figures("team/app/cli", 1, 3, below.timestamp()),
    ]


def test_a_repository_without_tags_was_never_pushed(s3: "S3Client") -> None:
    put(s3, "repositories/begun/_uploads/1/startedat")
    # A link whose blob is gone has no size.
    put(s3, f"repositories/emptied/_layers/sha256/{OWN}/link")
    # What a signed link leaves, and what is no object of the registry.
    put(s3, "repositories/noise")
    put(s3, "blobs/sha256/noise")
    assert list(measure(s3, "images")) == [
        Figures("begun", 0, 0, None),
        Figures("emptied", 0, 0, None),
    ]


def test_no_object_is_read(s3: "S3Client") -> None:
    image(s3, "app", "1", SHARED)
    calls: list[str] = []
    s3.meta.events.register("before-call.s3", lambda model, **_: calls.append(model.name))
    page_index.write(s3, "images")
    assert calls == ["ListObjectsV2", "ListObjectsV2", "PutObject"]


def test_the_age_is_that_of_the_object(s3: "S3Client") -> None:
    assert page_index.age(s3, "images") is None
    page_index.write(s3, "images")
    age = page_index.age(s3, "images")
    assert age is not None
    assert 0 <= age < 60


def test_one_host_claims_the_index_for_a_time(s3: "S3Client") -> None:
    assert page_index.claim(s3, "images", 60)
    assert not page_index.claim(s3, "images", 60)
    assert page_index.claim(s3, "images", 0)


@pytest.mark.parametrize(
    ("grants", "shown"),
    [
        ("*", ["a", "team/app", "team/app-base", "teams"]),
        ("team/*", ["team/app", "team/app-base"]),
        ("team/app", ["team/app"]),
        ("team", []),
        ("team/app/*", []),
        ("", []),
        ("a teams", ["a", "teams"]),
    ],
)
def test_a_user_sees_the_repositories_of_the_own_grants(grants: str, shown: list[str]) -> None:
    names = ["a", "team/app", "team/app-base", "teams"]
    index = {"written": datetime.now(UTC).timestamp(), "repositories": [{"name": n} for n in names]}
    found = page_index.shown_to(index, grants.split())
    assert [repository["name"] for repository in found["repositories"]] == shown
