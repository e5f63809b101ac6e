"""The operator's programs on a mirror, which has the parts of images that clients wanted."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from wharf_proxy.mirror_store import MirrorStore

from integration.clients.image_builder import INDEX, encode
from integration.local.upstream import Upstream
from scripts.copy_registry import copy_registry
from scripts.retention import retention
from scripts.usage import usage
from tests.support.bucket_registry import (
    TODAY,
    buckets,
    collect,
    keys,
    problems,
    run,
    summary,
)

REPOSITORY = "docker.io/library/app"
UNTAGGED = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})


@pytest.fixture(autouse=True)
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[MirrorStore]:
    """Yield a mirror with an index of two images, of which one was pulled without its layers."""
    with Upstream("127.0.0.1").serving() as upstream, buckets(monkeypatch):
        amd64 = upstream.add("library/app", "amd64", [b"amd64"])
        index = upstream.add_index(
            "library/app",
            "1",
            {"amd64": amd64, "arm64": upstream.add("library/app", "arm64", [b"arm64"])},
        )
        store = MirrorStore(boto3.client("s3"), "images")
        for digest in (index, amd64.manifest):
            found = upstream.find(f"library/app/manifests/{digest}")
            assert found is not None
            store.put_manifest(REPOSITORY, found[1])
        store.put_tag(REPOSITORY, "1", index)
        yield store


def test_missing_parts_of_a_mirror_are_no_problem() -> None:
    assert problems() == []


def test_damage_in_a_mirror_is_a_problem() -> None:
    for key in keys():
        if "/blobs/" in key:
            boto3.client("s3").put_object(Bucket="images", Key=key, Body=b"{}")
    assert {kind for kind, _ in problems()} >= {"digest differs"}


def make_old() -> None:
    """Let every object be two days old: a collection leaves young ones alone."""
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["images"].keys
    for key in list(stored):
        found = stored.get(key)
        assert found
        found.last_modified = (TODAY - timedelta(days=2)).replace(tzinfo=None)


def test_garbage_collection_keeps_what_a_tag_of_a_mirror_needs(mirror: MirrorStore) -> None:
    needed = keys()
    other = mirror.put_manifest(REPOSITORY, UNTAGGED)
    make_old()
    collect("--untagged")
    assert keys() == needed
    assert not mirror.has(REPOSITORY, "_manifests/revisions", other)


def test_usage_names_mirrors() -> None:
    (found,) = summary(usage)["repositories"]
    assert (found["repository"], found["tags"], found["mirrored"]) == (REPOSITORY, 1, True)
    assert "(mirror)" in run(usage).stdout


def test_copy_leaves_out_what_a_mirror_can_fetch_again() -> None:
    assert summary(copy_registry, "--to", "copy")["incomplete"] == []


def test_retention_counts_from_the_last_lookup(mirror: MirrorStore, tmp_path: Path) -> None:
    rules = tmp_path / "retention.toml"
    rules.write_text('[[rule]]\nrepositories = ["docker.io/*"]\nkeep_younger_than = "1d"\n')
    make_old()
    tag = mirror.tag(REPOSITORY, "1")
    assert tag is not None
    mirror.put_tag(REPOSITORY, "1", tag[0])
    assert summary(retention, "--rules", str(rules))["kept"] == 1
    make_old()
    assert summary(retention, "--rules", str(rules))["tags_removed"] == [f"{REPOSITORY}:1"]
