"""The programs on a bucket, in moto; the first test on thousands of objects."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from scripts.check_integrity import check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.copy_registry import copy_registry
from scripts.registry_storage import layout
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import read_repositories
from scripts.registry_storage.work import Work
from scripts.retention import retention
from scripts.usage import usage
from tests.support.bucket_registry import (
    COLLECT,
    IMAGES,
    MANY_IMAGES,
    MANY_REPOSITORIES,
    TODAY,
    fill,
    interrupt_at,
    keys,
    needed,
    run,
    summary,
)
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, image, index, named, push, registry

pytestmark = [pytest.mark.usefixtures("buckets"), pytest.mark.slow]


def rules(folder: Path, text: str) -> tuple[str, str]:
    file = folder / "retention.toml"
    file.write_text(text)
    return "--rules", str(file)


def test_of_thousands_of_objects_what_the_rules_keep_is_left(tmp_path: Path) -> None:
    fill(registry(MANY_REPOSITORIES, MANY_IMAGES, TODAY))
    before = keys()
    assert len(before) > 2000
    policy = rules(
        tmp_path,
        'protected = ["1.0"]\n[[rule]]\nrepositories = ["team/*"]\nkeep_newest = 5\n'
        'keep_younger_than = "8d"\n',
    )
    planned = summary(retention, *policy, "--dry-run")
    assert keys() == before
    done = summary(retention, *policy, "--concurrency", "1")  # moto bears no more
    assert done["tags_removed"] == planned["tags_removed"]
    assert done["removed"] == MANY_REPOSITORIES * (MANY_IMAGES - 8 - 1)
    planned = summary(collect_garbage, *COLLECT, "--untagged", "--dry-run")
    collected = summary(collect_garbage, *COLLECT, "--untagged")
    assert {**collected, "dry_run": True} == planned
    # Of each image its configuration, its own layer and its manifest.
    assert collected["blobs"] == 3 * done["removed"]
    left = keys()
    for repository in range(MANY_REPOSITORIES):
        for number in (0, *range(MANY_IMAGES - 8, MANY_IMAGES)):
            assert not [key for key in needed(repository, number) if key not in left]
    assert run(check_integrity).exit_code == 0


def test_tags_whose_removal_or_push_was_cut_off_are_told_of(tmp_path: Path) -> None:
    store = registry(1, 2, TODAY)
    for tag in ("1.0", "1.1"):
        del store.objects[layout.current("team/r0", tag)]
    fill(store)
    policy = rules(tmp_path, '[[rule]]\nrepositories = ["*"]\nkeep_newest = 1\n')
    before = keys()
    planned = run(retention, *policy, "--dry-run").stdout
    assert keys() == before
    told = "{0} team/r0:1.0\n{1} team/r0:1.1 (removal or push was interrupted)\n{0} 1 tag\n"
    assert planned == told.format("Would remove", "Would restore")
    assert run(retention, *policy).stdout == told.format("Removed", "Restored")
    assert [key for key in keys() if "/tags/1.0/" in key] == []
    assert keys()[layout.current("team/r0", "1.1")].decode() == named(0, 1).digest


def test_a_pattern_that_matches_nothing_is_told_of(good: MemoryStore, tmp_path: Path) -> None:
    fill(good)
    idle = rules(tmp_path, 'protected = ["v1"]\n[[rule]]\nrepositories = ["*"]\nkeep_newest = 1\n')
    warning = f"Warning: {idle[1]}: protected = 'v1': matches no tag\n"
    assert run(retention, *idle, "--dry-run").stderr == warning


def test_usage_says_what_each_repository_takes_alone_and_with_others(store: MemoryStore) -> None:
    store.put(layout.blob(digest_of(b"nobody's")), b"nobody's")
    fill(store)
    found = summary(usage)
    blobs = [content for key, content in keys().items() if key.startswith(layout.BLOBS)]
    assert found["bytes"] == sum(map(len, blobs))
    assert found["blobs"] == len(blobs)
    assert found["unneeded_bytes"] == len(b"nobody's")
    # The layer that all have is empty.
    first = next(entry for entry in found["repositories"] if entry["repository"] == "team/r0")
    assert first["own_bytes"] == first["bytes"]
    assert first["bytes"] == sum(
        len(content)
        for content in {
            content for number in range(IMAGES) for content in (*named(0, number).blobs,)
        }
        | {named(0, number).manifest for number in range(IMAGES)}
    )
    assert (first["tags"], first["manifests"]) == (IMAGES, IMAGES)
    assert first["newest_push"].startswith(f"{TODAY - timedelta(hours=2):%Y-%m-%d %H}")


def test_a_tag_costs_no_request_of_its_own() -> None:
    requests: list[None] = []
    store = MemoryStore(lambda: requests.append(None), page=1000)
    for number in range(1500):
        push(store, "one", named(0, number % 5), f"t{number}")
    requests.clear()
    repositories = read_repositories(store, Work())
    Manifests(store, Work()).read(manifests_of(repositories))
    assert len(repositories["one"].tags) == 1500
    listed = sum(key.startswith(layout.REPOSITORIES) for key in store.objects)
    # S3 lists 1,000 keys in a request; each image is read once.
    assert len(requests) == -(-listed // 1000) + 5


def test_usage_writes_the_index_of_the_page(good: MemoryStore) -> None:
    fill(good)
    assert run(usage, "--index").output == ""
    index = json.loads(keys()["page/index.json"])
    found = {entry["repository"]: entry["tags"] for entry in summary(usage)["repositories"]}
    assert {entry["name"]: entry["tags"] for entry in index["repositories"]} == found
    refused = run(usage, "--index", "--json")
    assert (refused.exit_code, "leave --json out" in refused.output) == (2, True)


def test_usage_as_csv_and_as_a_table() -> None:
    store = MemoryStore()
    shared = image("config", "x" * 1500)
    for repository in ("one", "two"):
        push(store, repository, shared, "1")
    fill(store)
    rows = list(csv.DictReader(io.StringIO(run(usage, "--csv").stdout)))
    assert [row["repository"] for row in rows] == ["one", "two"]
    assert rows[0]["own_bytes"] == "0"
    table = run(usage).stdout
    assert "1.7 kB" in table
    assert "no image needs 0 bytes" in table


def test_a_copy_has_everything_and_is_made_only_once(store: MemoryStore) -> None:
    push(store, "multi", index(image("a"), image("b")), "1")
    fill(store)
    planned = summary(copy_registry, "--to", "copy", "--dry-run")
    assert not keys("copy")
    done = summary(copy_registry, "--to", "copy")
    assert {**done, "dry_run": True} == planned
    assert keys("copy") == keys()
    again = summary(copy_registry, "--to", "copy")
    assert (again["blobs"], again["links"], again["tags"]) == (0, 0, 0)
    assert run(check_integrity, bucket="copy").exit_code == 0


def test_a_copy_that_was_interrupted_goes_on(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    total = summary(copy_registry, "--to", "copy", "--dry-run")
    interrupt_at(60, monkeypatch, "CopyObject")
    assert run(copy_registry, "--to", "copy").exit_code == 1
    assert 0 < len(keys("copy")) < len(keys())
    assert run(check_integrity, bucket="copy").exit_code == 0
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    rest = summary(copy_registry, "--to", "copy")
    assert 0 < rest["blobs"] < total["blobs"]
    assert keys("copy") == keys()


def test_a_tag_that_cannot_be_copied_is_told_of(store: MemoryStore) -> None:
    del store.objects[layout.blob(digest_of(b"own 0 0"))]
    fill(store)
    result = run(copy_registry, "--to", "copy")
    assert result.exit_code == 1
    digest = named(0, 0).digest
    assert f"Not copied: team/r0@{digest}\nNot copied: team/r0:1.0\n" in result.stdout
    assert result.stderr == (
        "Error: images: 2 tags and manifests not copied, because objects that they need are "
        "absent: run this again; if the message comes again, see "
        "`wharf check --bucket images`\n"
    )
    assert layout.current("team/r0", "1.0") not in keys("copy")
    assert run(check_integrity, bucket="copy").exit_code == 0
