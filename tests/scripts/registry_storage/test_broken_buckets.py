"""The programs on buckets in which objects are broken, missing or archived."""

from datetime import datetime
from pathlib import Path

import boto3
import click
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from scripts.check_integrity import BROKEN, check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.copy_registry import copy_registry
from scripts.registry_storage import layout
from scripts.retention import retention
from scripts.usage import usage
from tests.support.bucket_registry import COLLECT, ONE, collect, fill, keys, problems, run, served
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, image, index, push, remove_tag

pytestmark = [pytest.mark.usefixtures("buckets"), pytest.mark.slow]

ODD_LINKS = {
    "empty": b"",
    "prefix": b"sha256:",
    "no text": b"\xff",
    "line": b"@\n",
    "large": b"x" * 2000,
}


@pytest.mark.parametrize("kind", ODD_LINKS)
def test_a_tag_whose_link_is_broken_is_named_and_keeps_its_image(
    good: MemoryStore, kind: str
) -> None:
    content = ODD_LINKS[kind].replace(b"@", ONE.digest.encode())
    good.put(layout.current("good", "1"), content)
    fill(good)
    before = keys()
    assert problems() == [("tag names nothing", "good:1")]
    assert run(check_integrity).exit_code == BROKEN
    assert "In doubt: good:1 names no manifest" in collect("--untagged")
    assert keys() == before
    result = run(copy_registry, "--to", "copy")
    assert result.exit_code == 1
    assert "Left out: good:1: it " in result.stdout


def test_a_tag_without_its_link_is_named_and_keeps_its_image(good: MemoryStore) -> None:
    del good.objects[layout.current("good", "1")]
    fill(good)
    before = keys()
    assert problems() == [("tag names nothing", "good:1")]
    collect("--untagged")
    assert keys() == before


@pytest.mark.parametrize(
    "key", [layout.layer("good", digest_of(b"layer")), layout.revision("good", ONE.digest)]
)
def test_a_broken_link_is_named_and_not_copied(good: MemoryStore, key: str) -> None:
    good.put(key, b"")
    fill(good)
    assert problems() == [("broken link", key)]
    assert run(check_integrity).exit_code == BROKEN
    result = run(copy_registry, "--to", "copy")
    assert result.exit_code == 1
    assert f"Left out: {key}: it is empty\n" in result.stdout
    assert not {key, layout.current("good", "1")} & keys("copy").keys()


@pytest.mark.parametrize(
    "key",
    [
        layout.blob(digest_of(b"layer")),
        layout.layer("good", digest_of(b"layer")),
        layout.revision("good", ONE.digest),
    ],
)
@pytest.mark.parametrize("content", [b"", b"lay"])
def test_a_good_object_of_the_copy_is_never_replaced(
    good: MemoryStore, key: str, content: bytes
) -> None:
    fill(good)
    assert run(copy_registry, "--to", "copy").exit_code == 0
    before = keys("copy")
    good.put(key, content)
    fill(good)
    result = run(copy_registry, "--to", "copy")
    assert keys("copy") == before, "an object of the copy was replaced"
    assert result.exit_code == 1
    assert f"Left out: {key}" in result.stdout
    assert "1 object left out, see above: correct them in the registry, or" in result.stderr


def test_an_index_with_a_hole_is_copied_and_the_hole_reported_once(good: MemoryStore) -> None:
    child = image("config 2", "layer 2")
    both = index(ONE, child)
    push(good, "good", both, "both")
    del good.objects[layout.blob(child.digest)]
    fill(good)
    first = run(copy_registry, "--to", "copy")
    hole = f"Copied as the registry serves it: good@{both.digest} lacks good@{child.digest}\n"
    assert hole in first.stdout
    assert served("copy") == served()
    assert hole not in run(copy_registry, "--to", "copy").stdout


ELSEWHERE = {"nginx.htpasswd": b"", f"mine/{layout.blob(ONE.digest)}": b"!", layout.BLOBS: b""}
PROGRAMS = (check_integrity, collect_garbage, copy_registry, retention, usage)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bucket_without_a_registry_is_refused(program: click.Command, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nrepositories = ["*"]\nkeep_newest = 1\n')
    more = {copy_registry: ["--to", "copy"], retention: ["--rules", str(rules)]}
    for objects in ({}, ELSEWHERE):
        for key, content in objects.items():
            boto3.client("s3").put_object(Bucket="images", Key=key, Body=content)
        result = run(program, *more.get(program, []))
        assert result.exit_code == 1
        told = "Error: s3://images: no registry in this bucket at docker/registry/v2/: "
        assert result.stderr.startswith(told)


def archive(*wanted: str) -> None:
    """Move objects into an archive of S3."""
    s3 = boto3.client("s3")
    for key in wanted:
        s3.copy_object(
            Bucket="images",
            Key=key,
            CopySource={"Bucket": "images", "Key": key},
            StorageClass="GLACIER",
        )


@pytest.mark.parametrize("content", [b"layer", ONE.manifest], ids=["layer", "manifest"])
def test_an_archived_object_is_named_and_stops_nothing(good: MemoryStore, content: bytes) -> None:
    other = image("other", "another")
    push(good, "other", other, "1")
    push(good, "good", other, "old")
    remove_tag(good, "good", "old")
    fill(good)
    key = layout.blob(digest_of(content))
    archive(key)
    result = run(check_integrity)
    assert (result.exit_code, result.output.count("restore the object")) == (BROKEN, 1)
    assert f"archived: {key} {digest_of(content)} (restore the object)\n" in result.stdout
    is_manifest = content == ONE.manifest
    assert run(usage).stderr.count("restore the object") == is_manifest
    assert collect("--untagged").count("restore the object") == is_manifest
    assert (layout.revision("good", other.digest) in keys()) == is_manifest
    copied = run(copy_registry, "--to", "copy")
    assert copied.exit_code == 1
    assert (
        f"Left out: s3://images/{key}: it is in an archive of S3: restore the object\n"
        in copied.stdout
    )
    assert served("copy") == {("other", "1"): served()["other", "1"]}


def test_garbage_in_an_archive_stays_and_stops_nothing(good: MemoryStore) -> None:
    for content in (b"archived", b"not archived"):
        good.put(layout.blob(digest_of(content)), content)
    fill(good)
    archive(layout.blob(digest_of(b"archived")))
    # moto dates a copy to now.
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["images"].keys
    stored[layout.blob(digest_of(b"archived"))].last_modified = datetime(2026, 1, 1)
    said = collect()
    assert "Removed 1 blob (12 bytes)" in said
    assert "archive of S3: restore the object, or delete the object: no image needs it\n" in said
    assert layout.blob(digest_of(b"archived")) in keys()


@pytest.mark.parametrize("journal", [b'{"x"', b"{}", b"[1]", b'[["a", "tag", "b"]]', b"\xff"])
def test_a_list_of_removed_links_that_is_none_is_told(good: MemoryStore, journal: bytes) -> None:
    good.put(layout.JOURNAL, journal)
    fill(good)
    result = run(collect_garbage, *COLLECT)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {layout.JOURNAL}: not the list of links ")
    assert result.stderr.count("\n") == 1
    assert layout.LOCK not in keys()
