"""Removal of tags by rules: ``wharf retention --bucket IMAGE_BUCKET --rules retention.toml``."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click

from scripts.errors import one_line_errors
from scripts.options import region
from scripts.registry_storage.command import (
    as_json,
    bucket,
    concurrency,
    count,
    dry_run,
    opened,
    print_json,
)
from scripts.registry_storage.retention import Rules, Verdict, carry_out, idle_patterns, judge
from scripts.registry_storage.snapshot import read_links


@dataclass
class Retained:
    """Result of a retention, or its plan: numbers and names of tags.

    ``tags_restored`` are tags that stay after an interrupted removal or push.
    """

    kept: int = 0
    removed: int = 0
    pushed_meanwhile: int = 0
    tags_removed: list[str] = field(default_factory=list)
    tags_restored: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count a verdict that was, or would be, carried out."""
        name = f"{verdict.repository}:{verdict.tag}"
        if verdict.action == "remove":
            self.removed += 1
            self.tags_removed.append(name)
        else:
            self.tags_restored.append(name)


@click.command()
@bucket
@region
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="TOML file with the rules.",
)
@dry_run
@as_json
@concurrency
@one_line_errors()
def retention(
    bucket: str, region: str | None, rules: Path, dry_run: bool, as_json: bool, concurrency: int
) -> None:
    """Remove the tags that no rule keeps.

    The next `wharf gc --untagged` removes the manifests and layers that only these tags needed.
    """
    wanted = Rules.from_file(rules)
    with opened(bucket, region, concurrency) as (store, work):
        now = store.now()
        repositories = read_links(store, work)
        verdicts = list(judge(repositories, wanted, now))
        changes = [verdict for verdict in verdicts if verdict.action != "keep"]
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
    for tag in done.tags_restored:
        click.echo(
            f"{'Would restore' if dry_run else 'Restored'} {tag} (removal or push was interrupted)"
        )
    kept = Counter(verdict.reason for verdict in verdicts if verdict.action == "keep")
    for reason, number in kept.most_common():
        click.echo(f"Kept {count(number, 'tag')} ({reason})")
    if done.pushed_meanwhile:
        click.echo(f"Kept {count(done.pushed_meanwhile, 'tag')} (pushed meanwhile)")
    click.echo(f"{'Would remove' if dry_run else 'Removed'} {count(done.removed, 'tag')}")
