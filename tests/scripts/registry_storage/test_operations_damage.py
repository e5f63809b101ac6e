"""The programs on a bucket when something is wrong: interruptions, a second run, damage."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from integration.console.waiting import wait_until
from scripts.check_integrity import BROKEN, check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.registry_storage import layout
from tests.support.bucket_registry import (
    COLLECT,
    REPOSITORIES,
    fill,
    interrupt_at,
    keys,
    needed,
    run,
    summary,
)
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import Image, digest_of, named, push, remove_tag

pytestmark = [pytest.mark.usefixtures("buckets"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("operation", "number"), [("GetObject", 20), ("CopyObject", 5), ("DeleteObjects", 2)]
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
    assert "a collection of alice@host since noon is running" in refused.stderr
    assert "--break-lock" in refused.stderr
    assert keys() == before
    assert run(collect_garbage, *COLLECT, "--break-lock").exit_code == 0
    assert layout.LOCK not in keys()


def test_a_damaged_manifest_keeps_all_of_its_repository_and_stops_nothing(
    store: MemoryStore,
) -> None:
    damaged = named(0, 0)
    store.put(layout.blob(damaged.digest), b"not JSON")
    for repository in ("team/r0", "team/r1"):
        remove_tag(store, repository, "1.3")
    fill(store)
    done = run(collect_garbage, *COLLECT, "--untagged")
    assert done.exit_code == 0
    assert (
        f"In doubt: team/r0@{damaged.digest} is damaged: all objects of team/r0 stay\n"
        in done.stdout
    )
    left = keys().keys()
    assert {layout.revision("team/r0", named(0, 3).digest), *needed(0, 4)} <= left
    assert layout.layer("team/r0", digest_of(damaged.blobs[1])) in left
    assert layout.revision("team/r1", named(1, 3).digest) not in left


DAMAGE: dict[str, Callable[[MemoryStore, Image], str]] = {
    "digest differs": lambda store, damaged: spoil(store, layout.blob(digest_of(damaged.blobs[1]))),
    "no manifest": lambda store, _: linked(store, b'{"schemaVersion": 1, "fsLayers": []}'),
    "broken link": lambda store, damaged: spoil(store, layout.revision("team/r0", damaged.digest)),
    "tag names nothing": lambda store, _: spoil(store, layout.current("team/r0", "1.0")),
    "blob missing": lambda store, damaged: lose(store, layout.blob(digest_of(damaged.blobs[1]))),
    "link missing": lambda store, damaged: lose(
        store, layout.layer("team/r0", digest_of(damaged.blobs[1]))
    ),
    "manifest missing": lambda store, damaged: lose(store, layout.blob(damaged.digest)),
}


def spoil(store: MemoryStore, key: str) -> str:
    store.put(key, b"!")
    return key


def linked(store: MemoryStore, manifest: bytes) -> str:
    key = layout.revision("team/r0", digest_of(manifest))
    store.put(layout.blob(digest_of(manifest)), manifest)
    store.put(key, digest_of(manifest).encode())
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
    digest = digest_of(b"nothing")
    store.put(layout.layer("team/r0", digest), digest.encode())
    fill(store)
    result = run(check_integrity)
    assert result.exit_code == 0
    assert f"link to nothing: team/r0 {digest_of(b'nothing')}" in result.stdout


def test_layers_that_are_elsewhere_may_be_missing() -> None:
    store = MemoryStore()
    layer = {"digest": digest_of(b"far away"), "urls": ["https://example.com"]}
    manifest = {"schemaVersion": 2, "layers": [layer]}
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


def test_a_file_that_no_check_has_written_is_told(store: MemoryStore, tmp_path: Path) -> None:
    fill(store)
    file = tmp_path / "image.png"
    file.write_bytes(b"\x89PNG")
    refused = run(check_integrity, "--passed", str(file))
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"Error: --passed {file}: not a file of this program: give another file, or a new name\n"
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
        with subprocess.Popen(
            [sys.executable, "-m", "scripts.cli", "gc", "--bucket", "one", "--wait", "1h"],
            env={**os.environ, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                wait_until("the lock", lambda: layout.LOCK in keys("one"), True, 60)
            finally:
                process.terminate()
            assert process.communicate()[1].strip() == "Interrupted"
        assert process.returncode == 130
        assert layout.LOCK not in keys("one")
    finally:
        server.stop()
