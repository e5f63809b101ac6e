"""A registry in buckets of moto, and the programs run on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import click
import pytest
from botocore.client import BaseClient
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from scripts.check_integrity import check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.registry_storage import layout
from tests.support.go_registry import Served
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, image, named, push, registry

TODAY = datetime.now(UTC).replace(microsecond=0)
REPOSITORIES = 4
IMAGES = 6
MANY_REPOSITORIES, MANY_IMAGES = 15, 20
ONE = image("config", "layer")
#: What a collection is told, so that a test does not wait.
COLLECT = ("--wait", "0s", "--grace", "1h")


@contextmanager
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Yield buckets called images and copy, in moto."""
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
    """Return all objects of a bucket; a program may be at work in another thread."""
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
    found = {key: stored.get(key) for key in list(stored)}
    return {key: object_.value for key, object_ in found.items() if object_}


def run(program: click.Command, *options: str, bucket: str = "images") -> Result:
    """Run one of the programs on a bucket."""
    return CliRunner().invoke(program, ["--bucket", bucket, *options], catch_exceptions=False)


def summary(program: click.Command, *options: str, bucket: str = "images") -> Any:
    """Return the JSON output of a program that succeeds."""
    result = run(program, *options, "--json", bucket=bucket)
    if result.exit_code != 0:
        pytest.fail(result.output)
    return json.loads(result.stdout)


def needed(repository: int, number: int) -> list[str]:
    """Return the objects without which an image cannot be pulled."""
    image = named(repository, number)
    name = f"team/r{repository}"
    digests = [digest_of(blob) for blob in image.blobs]
    return [
        layout.current(name, f"1.{number}"),
        layout.revision(name, image.digest),
        *map(layout.blob, [image.digest, *digests]),
        *(layout.layer(name, digest) for digest in digests),
    ]


def small() -> MemoryStore:
    """Return a registry of some repositories with some images each."""
    return registry(REPOSITORIES, IMAGES, TODAY)


def good() -> MemoryStore:
    """Return a registry of one image, two days old."""
    store = MemoryStore()
    store.time = TODAY - timedelta(days=2)
    push(store, "good", ONE, "1")
    return store


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Raise what Ctrl-C raises at one request of a kind, by its number."""
    seen: list[str] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, name: str, arguments: Any) -> Any:
        if name == operation:
            seen.append(name)
            if len(seen) == number:
                raise KeyboardInterrupt
        return original(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def problems(bucket: str = "images") -> list[tuple[str, str]]:
    """Return the problems that the check finds."""
    found = json.loads(run(check_integrity, "--json", bucket=bucket).stdout)
    return [(problem["kind"], problem["place"]) for problem in found["problems"]]


def served(bucket: str = "images") -> dict[Any, Any]:
    """Return what clients get for each tag."""
    store = MemoryStore()
    store.objects = {key: (content, TODAY) for key, content in keys(bucket).items()}
    registry = Served(store)
    found = {}
    for key in store.objects:
        parts = layout.in_repository(key)
        if parts and parts["current"]:
            name = parts["repository"], parts["tag"]
            digest = registry.tag(*name)
            found[name] = digest and registry.pull(name[0], digest)
    return found


def collect(*options: str) -> str:
    """Collect garbage; return what the program printed."""
    done = run(collect_garbage, *COLLECT, *options)
    if done.exit_code != 0:
        pytest.fail(done.output)
    return done.stdout
