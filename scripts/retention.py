"""Remove tags by rules.

python -m scripts.retention --bucket IMAGE_BUCKET --rules retention.toml --dry-run
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click

from scripts.errors import one_line_errors
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    dry_run,
    print_json,
    region,
    working,
)
from scripts.registry_storage.retention import Rules, Verdict, carry_out, idle_patterns, judge
from scripts.registry_storage.snapshot import read_links, require_registry
from scripts.registry_storage.store import S3Store


@dataclass
class Retained:
    """Numbers of tags, and names; those of which it is planned are among them.

    ``tags_given_back`` are those of which a removal or a push had been cut off, and that stay.
    """

    kept: int = 0
    removed: int = 0
    pushed_meanwhile: int = 0
    tags_removed: list[str] = field(default_factory=list)
    tags_given_back: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count one that was, or would be, carried out."""
        name = f"{verdict.repository}:{verdict.tag}"
        if verdict.fate == "remove":
            self.removed += 1
            self.tags_removed.append(name)
        else:
            self.tags_given_back.append(name)


@click.command()
@bucket
@region
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file with the rules, TOML.",
)
@dry_run
@as_json
@concurrency
@one_line_errors()
def retention(
    bucket: str, region: str | None, rules: Path, dry_run: bool, as_json: bool, concurrency: int
) -> None:
    """Remove the tags that no rule keeps.

    What only they name goes with the next `collect_garbage --untagged`.
    """
    wanted = Rules.from_file(rules)
    store = S3Store(bucket, region=region, connections=concurrency)
    require_registry(store, bucket)
    with working(concurrency) as work:
        now = store.now()
        repositories = read_links(store, work)
        verdicts = list(judge(repositories, wanted, now))
        changes = [verdict for verdict in verdicts if verdict.fate != "keep"]
        done = Retained(kept=len(verdicts) - len(changes))

        def change(verdict: Verdict) -> bool:
            return dry_run or carry_out(store, verdict)

        for verdict, carried_out in work.map(change, changes, "Removing tags"):
            if carried_out:
                done.add(verdict)
            else:
                done.pushed_meanwhile += 1
    for line in idle_patterns(repositories, wanted):
        click.echo(f"Warning: {rules}: {line}", err=True)
    if as_json:
        print_json(done, dry_run=dry_run)
    else:
        _tell(done, verdicts, dry_run)


def _tell(done: Retained, verdicts: Iterable[Verdict], dry_run: bool) -> None:
    for tag in done.tags_removed:
        click.echo(f"{'Would remove' if dry_run else 'Removed'} {tag}")
    for tag in done.tags_given_back:
        click.echo(
            f"{'Would give' if dry_run else 'Gave'} {tag} back: its removal or its push was cut off"
        )
    kept = Counter(verdict.reason for verdict in verdicts if verdict.fate == "keep")
    for reason, number in kept.most_common():
        click.echo(f"Kept {count(number, 'tag')} ({reason})")
    if done.pushed_meanwhile:
        click.echo(f"Kept {count(done.pushed_meanwhile, 'tag')} (pushed meanwhile)")
    click.echo(f"{'Would remove' if dry_run else 'Removed'} {count(done.removed, 'tag')}")


if __name__ == "__main__":
    retention(prog_name="python -m scripts.retention")
