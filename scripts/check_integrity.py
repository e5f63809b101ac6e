"""Check the image bucket: recompute digests, and find what is referred to and not there.

python -m scripts.check_integrity --bucket IMAGE_BUCKET
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click
from wharf_proxy.errors import ConfigurationError

from scripts.errors import one_line_errors
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    print_json,
    region,
    size,
    working,
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
    require_registry,
)
from scripts.registry_storage.store import S3Store
from scripts.registry_storage.work import Work

#: The exit status when a pull would fail; other errors have 1.
BROKEN = 3


@dataclass
class Checked:
    """Numbers of what was looked at, bytes that were read, and what is wrong."""

    repositories: int = 0
    manifests: int = 0
    blobs: int = 0
    blobs_read: int = 0
    bytes_read: int = 0
    problems: list[Problem] = field(default_factory=list)


@click.command()
@bucket
@region
@click.option("--no-digests", is_flag=True, help="Read manifests and links only, which is quick.")
@click.option(
    "--passed",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that remembers the blobs whose digest was right: the next check with it reads "
    "only the others. It is made if it is absent.",
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
    """Tell what is wrong with the registry in a bucket, and change nothing.

    Status 3 says that a pull would fail.
    """
    store = S3Store(bucket, region=region, connections=concurrency)
    require_registry(store, bucket)
    with working(concurrency) as work:
        # Links first: what they name was there before them.
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
                    f"--passed {passed}: no check has written this file: name another, or one "
                    "that is not there yet"
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


if __name__ == "__main__":
    check_integrity(prog_name="python -m scripts.check_integrity")
