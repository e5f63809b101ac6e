"""Retention of tags by the rules of a file, and their removal while clients push."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from scripts.options import duration
from scripts.registry_storage import layout
from scripts.registry_storage.snapshot import Repositories, Repository, Tag, sort_links
from scripts.registry_storage.store import Store
from scripts.toml_file import read_toml

#: Age of a broken tag whose push has ended: nginx ends requests after 15 minutes.
CUT_OFF_AFTER = timedelta(hours=1)
#: Tags that refer to a manifest by its digest in their name: signatures of cosign, and the
#: referrers tag schema of the OCI distribution specification.
_ABOUT = re.compile(r"(sha256)-([0-9a-f]{64})(\..+)?")


def _span(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


def _pattern(allowed: str, of: str) -> AfterValidator:
    """Return a check of patterns: a pattern with a letter that no name has matches no name."""

    def check(pattern: str) -> str:
        if odd := sorted({letter for letter in pattern if not re.fullmatch(allowed, letter)}):
            raise ValueError(
                f"no {of} has {' '.join(odd)!r}: write a shell pattern with * ? [...] only, "
                "such as v*, and one entry of the list for each"
            )
        return pattern

    return AfterValidator(check)


#: Letters of names, by the OCI distribution specification, and of shell patterns.
TagPattern = Annotated[str, Field(min_length=1), _pattern(r"[A-Za-z0-9_.*?\[\]!-]", "tag")]
RepositoryPattern = Annotated[
    str, Field(min_length=1), _pattern(r"[a-z0-9_./*?\[\]!-]", "repository")
]


class Rule(BaseModel):
    """A rule for the tags that it matches and no earlier rule matches.

    Attributes:
        repositories: shell patterns, such as ``team/*``; ``*`` matches slashes, too.
        tags: shell patterns of tags.
        keep_newest: number of newest tags that stay in each repository.
        keep_younger_than: age since the last push below which tags stay.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    repositories: Annotated[list[RepositoryPattern], Field(min_length=1)]
    tags: Annotated[list[TagPattern], Field(min_length=1)] = ["*"]
    keep_newest: Annotated[int | None, Field(ge=0)] = None
    keep_younger_than: Annotated[timedelta | None, BeforeValidator(_span)] = None

    @model_validator(mode="after")
    def _keeps_something(self) -> "Rule":
        if self.keep_newest is None and self.keep_younger_than is None:
            raise ValueError(
                "keep_newest or keep_younger_than is missing: "
                "set either (keep_newest = 0 removes all matching tags)"
            )
        return self


class Rules(BaseModel):
    """A file of rules.

    Attributes:
        protected: shell patterns of tags that always stay.
        rule: rules in order; a tag without a matching rule stays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    protected: list[TagPattern] = []
    rule: Annotated[list[Rule], Field(min_length=1)]

    @classmethod
    def from_file(cls, file: Path) -> "Rules":
        """Return the rules of a TOML file.

        Raises:
            ConfigurationError: the file is invalid; the text has a line for each error.
        """
        return read_toml(file, cls)


@dataclass(frozen=True)
class Verdict:
    """Decision on a tag, and its reason."""

    repository: str
    tag: str
    pushed: datetime
    action: Literal["remove", "keep", "restore"]
    reason: str


def judge(repositories: Repositories, rules: Rules, now: datetime) -> Iterator[Verdict]:
    """Decide on each tag.

    An interrupted removal or push leaves a tag that names no manifest. The rules apply to such a
    tag,
    too: its removal is completed, or it is restored to the last pushed manifest.
    """
    for _, repository in sorted(repositories.items()):
        for verdict in _judge(repository, rules, now):
            broken = repository.tags[verdict.tag].pushed is None
            if broken and verdict.action == "keep":
                yield replace(verdict, action="restore")
            else:
                yield verdict


def idle_patterns(repositories: Repositories, rules: Rules) -> Iterator[str]:
    """Yield a line for each pattern without a match."""
    names = repositories.keys()
    tags = {tag for repository in repositories.values() for tag in repository.tags}
    for pattern in rules.protected:
        if not any(_matches(tag, [pattern]) for tag in tags):
            yield f"protected = {pattern!r}: matches no tag"
    for number, rule in enumerate(rules.rule, 1):
        matched = [name for name in names if _matches(name, rule.repositories)]
        for pattern in rule.repositories:
            if not any(_matches(name, [pattern]) for name in names):
                yield f"rule.{number}.repositories = {pattern!r}: matches no repository"
        found = {tag for name in matched for tag in repositories[name].tags}
        for pattern in rule.tags:
            if matched and not any(_matches(tag, [pattern]) for tag in found):
                yield f"rule.{number}.tags = {pattern!r}: matches no tag of these repositories"


def _judge(repository: Repository, rules: Rules, now: datetime) -> Iterator[Verdict]:
    name = repository.name
    matched: dict[int, list[tuple[str, datetime]]] = {}
    for tag, pushed in _pushed(repository, now):
        number = _first_match(name, tag, rules.rule)
        if _is_lost(repository, repository.tags[tag]):
            yield Verdict(name, tag, pushed, "remove", "its manifest is absent")
        elif reason := _protected(repository, tag, rules):
            yield Verdict(name, tag, pushed, "keep", reason)
        elif number is None:
            yield Verdict(name, tag, pushed, "keep", "no rule")
        else:
            matched.setdefault(number, []).append((tag, pushed))
    for number, tags in sorted(matched.items()):
        yield from _by_rule(name, tags, rules.rule[number], number, now)


def _pushed(repository: Repository, now: datetime) -> Iterator[tuple[str, datetime]]:
    for name, tag in repository.tags.items():
        pushed = _last_push(tag)
        if pushed and (tag.pushed or pushed <= now - CUT_OFF_AFTER):
            yield name, pushed


def _last_push(tag: Tag) -> datetime | None:
    return tag.pushed or max(tag.named.values(), default=None)


def _newest(tag: Tag) -> str | None:
    return max(tag.named, key=tag.named.__getitem__, default=None)


def _is_lost(repository: Repository, tag: Tag) -> bool:
    return tag.pushed is None and _newest(tag) not in repository.revisions


def _first_match(repository: str, tag: str, rules: Iterable[Rule]) -> int | None:
    for number, rule in enumerate(rules):
        if _matches(repository, rule.repositories) and _matches(tag, rule.tags):
            return number
    return None


def _protected(repository: Repository, tag: str, rules: Rules) -> str | None:
    if _matches(tag, rules.protected):
        return "protected"
    about = _ABOUT.fullmatch(tag)
    if about and f"{about[1]}:{about[2]}" in repository.revisions:
        return "belongs to an existing manifest"
    return None


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _by_rule(
    repository: str, tags: list[tuple[str, datetime]], rule: Rule, number: int, now: datetime
) -> Iterator[Verdict]:
    newest_first = sorted((pushed for _, pushed in tags), reverse=True)
    newest = rule.keep_newest or 0
    # S3's times are in seconds: tags as new as the last of the newest stay, too.
    limit = newest_first[min(newest, len(tags)) - 1] if newest else None
    for tag, pushed in sorted(tags):
        if limit and pushed >= limit:
            yield Verdict(repository, tag, pushed, "keep", f"rule {number + 1}: newest {newest}")
        elif rule.keep_younger_than is not None and pushed > now - rule.keep_younger_than:
            yield Verdict(repository, tag, pushed, "keep", f"rule {number + 1}: young")
        else:
            yield Verdict(repository, tag, pushed, "remove", f"rule {number + 1}")


def carry_out(store: Store, verdict: Verdict) -> bool:
    """Carry out a verdict; return False if the tag was pushed meanwhile and stays."""
    if verdict.action == "remove":
        return _remove(store, verdict)
    return verdict.action == "keep" or _restore(store, verdict)


def _remove(store: Store, verdict: Verdict) -> bool:
    """Remove a tag.

    A push writes the tag's index first, and then its current link. So a push between the reading
    and the deletion is found in the index, and its current link is written again, by the next run
    if this run is interrupted. The index is deleted last.
    """
    before = _read(store, verdict)
    pushed = _last_push(before)
    if pushed is None or pushed > verdict.pushed:
        return False
    store.delete([layout.current(verdict.repository, verdict.tag)])
    after = _read(store, verdict)
    digest = _newest(after)
    if digest and after.named[digest] > verdict.pushed:
        store.create(layout.current(verdict.repository, verdict.tag), digest.encode())
        return False
    names = [layout.index(verdict.repository, verdict.tag, digest) for digest in before.named]
    store.delete(names)
    return True


def _restore(store: Store, verdict: Verdict) -> bool:
    """Restore a tag to the manifest that was pushed last."""
    digest = _newest(_read(store, verdict))
    current = layout.current(verdict.repository, verdict.tag)
    return digest is not None and store.create(current, digest.encode())


def _read(store: Store, verdict: Verdict) -> Tag:
    entries = store.entries(layout.tag(verdict.repository, verdict.tag))
    found: Mapping[str, Repository] = sort_links(entries)
    repository = found.get(verdict.repository)
    return repository.tags[verdict.tag] if repository else Tag()
