"""The programs on a bucket, in moto; the first test on thousands of objects."""

import csv
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore.client import BaseClient
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from scripts.check_integrity import BROKEN, check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.copy_registry import copy_registry
from scripts.registry_storage import layout
from scripts.retention import retention
from scripts.usage import usage
from tests.memory_store import MemoryStore
from tests.registry_model import Image, digest_of, image, index, named, push, registry

TODAY = datetime.now(UTC).replace(microsecond=0)
REPOSITORIES = 4
IMAGES = 6
MANY_REPOSITORIES, MANY_IMAGES = 15, 20


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        for bucket in ("images", "copy"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield


def fill(store: MemoryStore, bucket: str = "images") -> None:
    """Put everything into a bucket, with its age: S3 would date it now."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for key, (content, modified) in store.objects.items():
        backend.put_object(bucket, key, content).last_modified = modified.replace(tzinfo=None)


def keys(bucket: str = "images") -> dict[str, bytes]:
    """All objects of a bucket."""
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
    return {key: stored[key].value for key in stored}


@pytest.fixture
def store() -> MemoryStore:
    """A small registry."""
    return registry(REPOSITORIES, IMAGES, TODAY)


def run(program: click.Command, *options: str, bucket: str = "images") -> Result:
    return CliRunner().invoke(program, ["--bucket", bucket, *options], catch_exceptions=False)


def summary(program: click.Command, *options: str, bucket: str = "images") -> Any:
    result = run(program, *options, "--json", bucket=bucket)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


COLLECT = ("--wait", "0s", "--grace", "1h")


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
    told = "{} team/r0:1.0\n{} team/r0:1.1 back: its removal or its push was cut off\n{} 1 tag\n"
    assert planned == told.format("Would remove", "Would give", "Would remove")
    assert run(retention, *policy).stdout == told.format("Removed", "Gave", "Removed")
    assert [key for key in keys() if "/tags/1.0/" in key] == []
    assert keys()[layout.current("team/r0", "1.1")].decode() == named(0, 1).digest


def needed(repository: int, number: int) -> list[str]:
    one = named(repository, number)
    name = f"team/r{repository}"
    digests = [digest_of(blob) for blob in one.blobs]
    return [
        layout.current(name, f"1.{number}"),
        layout.revision(name, one.digest),
        *map(layout.blob, [one.digest, *digests]),
        *(layout.layer(name, digest) for digest in digests),
    ]


def test_usage_says_what_each_repository_takes_alone_and_with_others(store: MemoryStore) -> None:
    store.put(layout.blob(digest_of(b"nobody's")), b"nobody's")
    fill(store)
    found = summary(usage)
    blobs = [content for key, content in keys().items() if key.startswith(layout.BLOBS)]
    assert found["bytes"] == sum(map(len, blobs))
    assert found["blobs"] == len(blobs)
    assert found["unneeded_bytes"] == len(b"nobody's")
    # The layer that all have is empty.
    first = next(one for one in found["repositories"] if one["repository"] == "team/r0")
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
        "Error: images: 2 tags and manifests not copied, for something that they need is not "
        "there: run this again; if it says so again, see `python -m scripts.check_integrity "
        "--bucket images`\n"
    )
    assert layout.current("team/r0", "1.0") not in keys("copy")
    assert run(check_integrity, bucket="copy").exit_code == 0


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Raise what Ctrl-C raises at the so-manieth request of a kind."""
    seen: list[str] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            seen.append(name)
            if len(seen) == number:
                raise KeyboardInterrupt
        return original(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


@pytest.mark.parametrize(
    ("operation", "number"), [("GetObject", 30), ("CopyObject", 5), ("DeleteObjects", 2)]
)
def test_a_collection_that_was_interrupted_goes_on(
    store: MemoryStore, operation: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in [key for key in store.objects if "/tags/1.3/" in key]:
        del store.objects[key]
    fill(store)
    interrupt_at(number, monkeypatch, operation)
    assert run(collect_garbage, *COLLECT, "--untagged", "--concurrency", "1").exit_code == 1
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Links to what nobody needs may be gone; whatever has a name is whole.
    assert run(check_integrity).exit_code == 0
    summary(collect_garbage, *COLLECT, "--untagged")
    left = keys()
    assert not [key for key in left if key.startswith(layout.OURS)]
    gone = {layout.blob(named(repository, 3).digest) for repository in range(REPOSITORIES)}
    assert not gone & left.keys()
    lost = [key for repository in range(REPOSITORIES) for key in needed(repository, 4)]
    assert not [key for key in lost if key not in left]


def test_two_collections_do_not_run_at_once(store: MemoryStore) -> None:
    fill(store)
    boto3.client("s3").put_object(Bucket="images", Key=layout.LOCK, Body=b"alice@host since noon")
    before = keys()
    refused = run(collect_garbage, *COLLECT)
    assert refused.exit_code == 1
    assert "a collection of alice@host since noon is under way" in refused.stderr
    assert "--break-lock" in refused.stderr
    assert keys() == before
    assert run(collect_garbage, *COLLECT, "--break-lock").exit_code == 0
    assert layout.LOCK not in keys()


def test_a_manifest_that_is_none_stops_the_collection(store: MemoryStore) -> None:
    one = named(0, 0)
    store.put(layout.blob(one.digest), b"not JSON")
    fill(store)
    refused = run(collect_garbage, *COLLECT)
    assert refused.exit_code == 1
    assert f"{layout.blob(one.digest)}: a repository has it as a manifest" in refused.stderr
    assert layout.LOCK not in keys()


DAMAGE: dict[str, Callable[[MemoryStore, Image], str]] = {
    "digest differs": lambda store, one: spoil(store, layout.blob(digest_of(one.blobs[1]))),
    "no manifest": lambda store, one: spoil(store, layout.blob(one.digest)),
    "blob missing": lambda store, one: lose(store, layout.blob(digest_of(one.blobs[1]))),
    "link missing": lambda store, one: lose(
        store, layout.layer("team/r0", digest_of(one.blobs[1]))
    ),
    "manifest missing": lambda store, one: lose(store, layout.blob(one.digest)),
}


def spoil(store: MemoryStore, key: str) -> str:
    store.put(key, b"!")
    return key


def lose(store: MemoryStore, key: str) -> str:
    del store.objects[key]
    return key


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(store: MemoryStore, kind: str) -> None:
    DAMAGE[kind](store, named(0, 0))
    fill(store)
    result = run(check_integrity, "--json")
    assert result.exit_code == BROKEN
    kinds = {problem["kind"] for problem in json.loads(result.stdout)["problems"]}
    assert kind in kinds
    assert kinds <= {kind, "digest differs", "link to nothing"}


def test_a_link_to_nothing_is_told_of_and_harms_nobody(store: MemoryStore) -> None:
    store.put(layout.layer("team/r0", digest_of(b"nothing")), b"")
    fill(store)
    result = run(check_integrity)
    assert result.exit_code == 0
    assert f"link to nothing: team/r0 {digest_of(b'nothing')}" in result.stdout


def test_layers_that_are_elsewhere_may_be_missing() -> None:
    store = MemoryStore()
    manifest = {"layers": [{"digest": digest_of(b"far away"), "urls": ["https://example.com"]}]}
    push(store, "one", Image((), json.dumps(manifest).encode()), "1")
    fill(store)
    assert run(check_integrity).exit_code == 0


def test_a_check_goes_on_where_the_last_one_was(store: MemoryStore, tmp_path: Path) -> None:
    fill(store)
    memory = str(tmp_path / "passed")
    first = summary(check_integrity, "--passed", memory)
    assert first["blobs_read"] == first["blobs"]
    lines = Path(memory).read_text().splitlines(keepends=True)
    Path(memory).write_text("".join(lines[:-10]) + lines[-10][:20])
    again = summary(check_integrity, "--passed", memory)
    assert again["blobs_read"] == 10
    key = layout.blob(named(0, 0).digest)
    fill_again = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object
    fill_again("images", key, store.objects[key][0])
    assert summary(check_integrity, "--passed", memory)["blobs_read"] == 1, "it was written anew"


def test_a_file_that_no_check_has_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "image.png"
    file.write_bytes(b"\x89PNG")
    refused = run(check_integrity, "--passed", str(file))
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"Error: --passed {file}: no check has written this file: name another, or one that is "
        "not there yet\n"
    )
    assert file.read_bytes() == b"\x89PNG"


def test_a_program_ends_by_sigterm_and_leaves_no_lock() -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        boto3.client("s3").create_bucket(Bucket="one")
        store = MemoryStore()
        store.put(layout.blob(digest_of(b"garbage")), b"garbage")
        fill(store, "one")
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.collect_garbage", "--bucket", "one", "--wait", "1h"],
            env={**os.environ, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"},
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Timer(30, process.kill).start()
        while layout.LOCK not in keys("one") and process.poll() is None:
            pass
        process.terminate()
        assert process.communicate()[1].strip() == "Aborted!"
        assert process.returncode == 1
        assert layout.LOCK not in keys("one")
    finally:
        server.stop()
