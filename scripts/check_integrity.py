"""Integrity of the image bucket, digests and references: ``wharf check --bucket IMAGE_BUCKET``."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click
from wharf_proxy.errors import ConfigurationError

from scripts.errors import one_line_errors
from scripts.options import region
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    opened,
    print_json,
    size,
)
from scripts.registry_storage.integrity import (
    Passed,
    Problem,
    check_digests,
    check_references,
)
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.snapshot import (
    Blobs,
    Repositories,
    read_blobs,
    read_repositories,
)
from scripts.registry_storage.store import S3Store
from scripts.registry_storage.work import Work

#: Exit status if a pull would fail; other errors have 1.
BROKEN = 3


@dataclass
class Checked:
    """Result of a check: numbers of checked objects, bytes that were read, and problems."""

    repositories: int = 0
    manifests: int = 0
    blobs: int = 0
    blobs_read: int = 0
    bytes_read: int = 0
    problems: list[Problem] = field(default_factory=list)


@click.command()
@bucket
@region
@click.option("--no-digests", is_flag=True, help="Check manifests and links only, which is quick.")
@click.option(
    "--passed",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that records the blobs with a correct digest; the next check with the same file "
    "reads only the other blobs. A missing file is created.",
)
@as_json
@concurrency
@one_line_errors()
def check_integrity(
    bucket: str,
    region: str | None,
    no_digests: bool,
    passed: Path | None,
    as_json: bool,
    concurrency: int,
) -> None:
    """Recompute digests and find missing objects.

    Changes nothing. The exit status is 3 if a pull would fail.
    """
    with opened(bucket, region, concurrency) as (store, work):
        # Links are read first: the objects that they name existed before.
        repositories = read_repositories(store, work)
        manifests = manifests_of(repositories)
        needs = Manifests(store, work).read(manifests)
        blobs = read_blobs(store, work)
        problems = set(check_references(blobs.keys(), repositories, needs))
        found = Checked(len(repositories), len(manifests & needs.keys()), len(blobs))
        if not no_digests:
            problems |= _read(found, store, work, blobs, repositories, passed)
    found.problems = sorted(problems)
    if as_json:
        print_json(found)
    else:
        _tell(found)
    if any(problem.harms for problem in found.problems):
        raise SystemExit(BROKEN)


def _read(
    found: Checked,
    store: S3Store,
    work: Work,
    blobs: Blobs,
    repositories: Repositories,
    passed: Path | None,
) -> set[Problem]:
    with ExitStack() as stack:
        left = blobs
        remember = None
        if passed:
            try:
                memory = Passed(stack.enter_context(passed.open("a+", encoding="utf-8")), blobs)
            except UnicodeDecodeError:
                raise ConfigurationError(
                    f"--passed {passed}: not a file of this program: give another file, or a new "
                    "name"
                ) from None
            left, remember = memory.left, memory.add

        def right(digest: str) -> None:
            found.blobs_read += 1
            found.bytes_read += blobs[digest].size
            if remember:
                remember(digest)

        problems = set(check_digests(store, work, left, repositories, right))
    for problem in problems:
        if problem.kind == "digest differs":
            found.blobs_read += 1
            found.bytes_read += blobs[problem.digest].size
    return problems


def _tell(found: Checked) -> None:
    for problem in found.problems:
        click.echo(problem)
    click.echo(
        f"{count(found.repositories, 'repository', 'repositories')}, "
        f"{count(found.manifests, 'manifest')}, {count(found.blobs, 'blob')}; "
        f"computed {count(found.blobs_read, 'digest')} of {size(found.bytes_read)}; "
        f"{count(len(found.problems), 'problem')}"
    )
