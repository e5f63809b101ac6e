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
    read_needs,
)
from scripts.registry_storage.snapshot import Blobs, read_blobs, read_repositories
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
    with working(concurrency) as work:
        # Links first: what they name was there before them.
        repositories = read_repositories(store, work)
        needs, problems = read_needs(store, work, repositories)
        blobs = read_blobs(store, work)
        problems += check_references(blobs, repositories, needs)
        found = Checked(len(repositories), len(needs), len(blobs), problems=problems)
        if not no_digests:
            _read(found, store, work, blobs, passed)
    found.problems.sort()
    if as_json:
        print_json(found)
    else:
        _tell(found)
    if any(problem.harms for problem in found.problems):
        raise SystemExit(BROKEN)


def _read(found: Checked, store: S3Store, work: Work, blobs: Blobs, passed: Path | None) -> None:
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

        for problem in check_digests(store, work, left, right):
            found.blobs_read += 1
            found.bytes_read += blobs[problem.digest].size
            found.problems.append(problem)


def _tell(found: Checked) -> None:
    for problem in found.problems:
        click.echo(f"{problem.kind}: {problem.place} {problem.digest}")
    click.echo(
        f"{count(found.repositories, 'repository', 'repositories')}, "
        f"{count(found.manifests, 'manifest')}, {count(found.blobs, 'blob')}; "
        f"computed {count(found.blobs_read, 'digest')} of {size(found.bytes_read)}; "
        f"{count(len(found.problems), 'problem')}"
    )


if __name__ == "__main__":
    check_integrity(prog_name="python -m scripts.check_integrity")
