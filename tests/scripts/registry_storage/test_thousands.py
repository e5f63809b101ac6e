"""Each program on thousands of objects in memory, and cut off in the middle of them.

``test_operations.py`` has the programs on the protocol of S3.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from wharf_proxy.errors import ConfigurationError

from scripts.check_integrity import BROKEN, check_integrity
from scripts.collect_garbage import collect_garbage
from scripts.copy_registry import copy_registry
from scripts.registry_storage import layout
from scripts.retention import retention
from scripts.usage import usage
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, missing, named, registry, remove_tag

pytestmark = pytest.mark.slow

REPOSITORIES, IMAGES = 15, 20
#: Of each repository, these have lost their tag.
UNTAGGED = (3, 4, 15)
SPOILT = digest_of(b"own 0 19")
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
RULES = """
protected = ["1.0"]
[[rule]]
repositories = ["*"]
keep_younger_than = "8d"
"""
PROGRAMS: dict[str, tuple[click.Command, list[str]]] = {
    "usage": (usage, []),
    "retention": (retention, ["--rules", "rules.toml"]),
    "collect_garbage": (collect_garbage, ["--untagged", "--wait", "0s", "--grace", "1h"]),
    "check_integrity": (check_integrity, ["--passed", "passed"]),
    "copy_registry": (copy_registry, ["--to", "copy"]),
}
CUTS: dict[str, tuple[BaseException | type[BaseException], str]] = {
    "interrupted": (KeyboardInterrupt, "Aborted!"),
    "refused by S3": (ConfigurationError("images: S3 is down"), "Error: images: S3 is down"),
}


@cache
def large() -> dict[str, tuple[bytes, datetime]]:
    """Return the objects of a registry: some of them are garbage, and one is spoilt."""
    store = registry(REPOSITORIES, IMAGES, TODAY)
    for repository in range(REPOSITORIES):
        for number in UNTAGGED:
            remove_tag(store, f"team/r{repository}", f"1.{number}")
    store.put(layout.blob(SPOILT), b"!")
    assert len(store.objects) > 2000
    return store.objects


class Operator:
    """Runs a program on that registry, in a directory of their own."""

    def __init__(self, program: str, directory: Path, concurrency: int = 1) -> None:
        command, options = PROGRAMS[program]
        self._command = command
        self._options = ["--bucket", "images", *options, "--concurrency", str(concurrency)]
        self.directory = directory
        (directory / "rules.toml").write_text(RULES)
        self._numbers = count(1)
        self.requests = 0
        #: What happens instead of a request, by its number.
        self.cut: tuple[int, BaseException | type[BaseException]] = (0, KeyboardInterrupt)
        self.stores = {name: MemoryStore(self._look, page=1000) for name in ("images", "copy")}
        for store in self.stores.values():
            store.time = TODAY
            store.others = self.stores
        self.stores["images"].objects = dict(large())

    def _look(self) -> None:
        # Of several threads, one gets the number of the cut.
        self.requests = number = next(self._numbers)
        if number == self.cut[0]:
            raise self.cut[1]

    def run(self) -> Result:
        """Run it, to its end or the cut."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.directory)
            store: Callable[..., MemoryStore] = lambda name, **_: self.stores[name]  # noqa: E731
            for module in ("registry_storage.command", "copy_registry"):
                patch.setattr(f"scripts.{module}.S3Store", store)
            return CliRunner().invoke(
                self._command, [*self._options, "--json"], catch_exceptions=False
            )

    def content(self, bucket: str = "images") -> dict[str, bytes]:
        """Return the objects of a bucket."""
        return {key: content for key, (content, _) in self.stores[bucket].objects.items()}

    def passed(self) -> list[str]:
        """Return the objects that the check of integrity remembers."""
        file = self.directory / "passed"
        return file.read_text().splitlines() if file.exists() else []


@contextmanager
def operator(program: str, concurrency: int = 1) -> Iterator[Operator]:
    with TemporaryDirectory() as directory:
        yield Operator(program, Path(directory), concurrency)


@cache
def undisturbed(program: str) -> tuple[Operator, Result]:
    with operator(program) as job:
        return job, job.run()


def summary(program: str) -> Any:
    return json.loads(undisturbed(program)[1].stdout)


def blobs(content: dict[str, bytes]) -> list[bytes]:
    return [content[key] for key in content if key.startswith(layout.BLOBS)]


def test_usage_counts_all() -> None:
    content = undisturbed("usage")[0].content()
    found = summary("usage")
    assert (found["blobs"], found["bytes"]) == (len(blobs(content)), sum(map(len, blobs(content))))
    assert {entry["tags"] for entry in found["repositories"]} == {IMAGES - len(UNTAGGED)}
    assert len(found["repositories"]) == REPOSITORIES


def test_retention_removes_what_no_rule_keeps() -> None:
    kept = {0, *range(IMAGES - 8, IMAGES)} - {*UNTAGGED}
    removed = IMAGES - len(UNTAGGED) - len(kept)
    assert summary("retention")["removed"] == REPOSITORIES * removed
    left = undisturbed("retention")[0].content()
    tags = {key.split("/tags/")[1].split("/")[0] for key in left if "/tags/" in key}
    assert tags == {f"1.{number}" for number in kept}


def test_a_collection_removes_what_has_no_tag() -> None:
    # Of each image its configuration, its own layer and its manifest.
    assert summary("collect_garbage")["blobs"] == 3 * REPOSITORIES * len(UNTAGGED)
    left = undisturbed("collect_garbage")[0].content()
    gone = {
        named(repository, number).digest
        for repository in range(REPOSITORIES)
        for number in UNTAGGED
    }
    assert not [key for key in left if layout.digest_of_blob(key) in gone]
    assert not [key for key in left if key.startswith(layout.OURS)]


def test_a_check_reads_everything_and_finds_what_is_spoilt() -> None:
    found = summary("check_integrity")
    assert found["blobs_read"] == found["blobs"] == len(blobs(undisturbed("usage")[0].content()))
    assert [problem["digest"] for problem in found["problems"]] == [SPOILT]


def test_a_copy_has_everything() -> None:
    job = undisturbed("copy_registry")[0]
    assert job.content("copy") == job.content()


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=3)
@given(percent=st.integers(5, 95))
def test_cut_off_in_the_middle_it_goes_on_when_it_is_run_again(
    program: str, kind: str, concurrency: int, percent: int
) -> None:
    whole, result = undisturbed(program)
    assert result.exit_code == (BROKEN if program == "check_integrity" else 0)
    with operator(program, concurrency) as job:
        error, told = CUTS[kind]
        job.cut = (whole.requests * percent // 100, error)
        cut_off = job.run()
        assert (cut_off.exit_code, cut_off.stderr.strip()) == (1, told)
        assert not broken(job.stores["images"])
        assert not broken(job.stores["copy"])
        remembered = len(job.passed())
        again = job.run()
        assert again.exit_code == result.exit_code
        for bucket in job.stores:
            assert job.content(bucket) == whole.content(bucket)
        if program == "usage":
            assert again.stdout == result.stdout
        if program == "check_integrity":
            found = json.loads(again.stdout)
            assert found["problems"] == summary(program)["problems"]
            assert found["blobs_read"] == found["blobs"] - remembered


def broken(store: MemoryStore) -> list[str]:
    """Return the missing objects that tags name."""
    images = {
        named(repository, number).digest: named(repository, number)
        for repository in range(REPOSITORIES)
        for number in range(IMAGES)
    }
    return [
        lost
        for key, (content, _) in list(store.objects.items())
        if key.endswith("/current/link") and (parts := layout.in_repository(key))
        for lost in missing(store, parts["repository"], images[content.decode()])
    ]
