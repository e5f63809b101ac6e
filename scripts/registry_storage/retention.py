"""Which tags may go, by the rules of a file; and their removal while clients push."""

import re
import tomllib
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
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from wharf_proxy.errors import ConfigurationError

from scripts.registry_storage import layout
from scripts.registry_storage.durations import duration
from scripts.registry_storage.snapshot import Repositories, Repository, Tag, sort_links
from scripts.registry_storage.store import Store

#: A tag that names nothing and was not pushed since then is not being pushed now: nginx gives up on
#: a request after 15 minutes.
CUT_OFF_AFTER = timedelta(hours=1)
#: Tags that say something about a manifest, which their name begins with: signatures of cosign,
#: and what stands in for the API of referrers in the OCI distribution specification.
_ABOUT = re.compile(r"(sha256)-([0-9a-f]{64})(\..+)?")


def _span(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


def _pattern(allowed: str, of: str) -> AfterValidator:
    """Return a check of a pattern: no name has another letter, so such a pattern matches none."""

    def check(pattern: str) -> str:
        if odd := sorted({letter for letter in pattern if not re.fullmatch(allowed, letter)}):
            raise ValueError(
                f"no {of} has {' '.join(odd)!r}: write a pattern of shells with * ? [...] only, "
                "such as v*, and one entry of the list for each"
            )
        return pattern

    return AfterValidator(check)


#: Letters of names, by the OCI distribution specification, and of shells' patterns.
TagPattern = Annotated[str, Field(min_length=1), _pattern(r"[A-Za-z0-9_.*?\[\]!-]", "tag")]
RepositoryPattern = Annotated[
    str, Field(min_length=1), _pattern(r"[a-z0-9_./*?\[\]!-]", "repository")
]


class Rule(BaseModel):
    """Decides on the tags that match it and none before it.

    Attributes:
        repositories: patterns of shells, such as ``team/*``; ``*`` stands for slashes, too.
        tags: patterns of the tags that it decides on.
        keep_newest: how many of them stay in each repository, the last pushed.
        keep_younger_than: those pushed since stay.
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
                "give one (keep_newest = 0 removes all that match)"
            )
        return self


class Rules(BaseModel):
    """A file of rules.

    Attributes:
        protected: patterns of tags that never go.
        rule: in their order; a tag that none matches stays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    protected: list[TagPattern] = []
    rule: Annotated[list[Rule], Field(min_length=1)]

    @classmethod
    def from_file(cls, file: Path) -> "Rules":
        """Read rules from TOML.

        Raises:
            ConfigurationError: all that is wrong, a line each.
            OSError: the file cannot be read.
        """
        try:
            return cls.model_validate(tomllib.loads(file.read_bytes().decode("utf-8-sig")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: it cannot be read as TOML: {error}") from None
        except ValidationError as error:
            lines = [f"{file}: {_line(one)}" for one in error.errors()]
            raise ConfigurationError("\n".join(lines)) from None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a tag, and why."""

    repository: str
    tag: str
    pushed: datetime
    fate: Literal["remove", "keep", "give back"]
    reason: str


def judge(repositories: Repositories, rules: Rules, now: datetime) -> Iterator[Verdict]:
    """Decide on each tag.

    One that names nothing is what a removal or a push has left that was cut off. The rules decide
    on it as on all others: its removal is ended, or it is given back what was pushed last.
    """
    for _, repository in sorted(repositories.items()):
        for verdict in _judge(repository, rules, now):
            cut_off = repository.tags[verdict.tag].pushed is None
            if cut_off and verdict.fate == "keep":
                yield replace(verdict, fate="give back")
            else:
                yield verdict


def idle_patterns(repositories: Repositories, rules: Rules) -> Iterator[str]:
    """Tell of each pattern that matches nothing there is, a line each."""
    names = repositories.keys()
    tags = {tag for repository in repositories.values() for tag in repository.tags}
    for pattern in rules.protected:
        if not any(_matches(tag, [pattern]) for tag in tags):
            yield f"protected = {pattern!r}: it matches no tag"
    for number, rule in enumerate(rules.rule, 1):
        matched = [name for name in names if _matches(name, rule.repositories)]
        for pattern in rule.repositories:
            if not any(_matches(name, [pattern]) for name in names):
                yield f"rule.{number}.repositories = {pattern!r}: it matches no repository"
        found = {tag for name in matched for tag in repositories[name].tags}
        for pattern in rule.tags:
            if matched and not any(_matches(tag, [pattern]) for tag in found):
                yield f"rule.{number}.tags = {pattern!r}: it matches no tag of these repositories"


def _judge(repository: Repository, rules: Rules, now: datetime) -> Iterator[Verdict]:
    name = repository.name
    matched: dict[int, list[tuple[str, datetime]]] = {}
    for tag, pushed in _pushed(repository, now):
        number = _first_match(name, tag, rules.rule)
        if _is_lost(repository, repository.tags[tag]):
            yield Verdict(name, tag, pushed, "remove", "its manifest is gone")
        elif reason := _spared(repository, tag, rules):
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


def _spared(repository: Repository, tag: str, rules: Rules) -> str | None:
    if _matches(tag, rules.protected):
        return "protected"
    about = _ABOUT.fullmatch(tag)
    if about and f"{about[1]}:{about[2]}" in repository.revisions:
        return "belongs to a manifest that is there"
    return None


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _by_rule(
    repository: str, tags: list[tuple[str, datetime]], rule: Rule, number: int, now: datetime
) -> Iterator[Verdict]:
    newest_first = sorted((pushed for _, pushed in tags), reverse=True)
    newest = rule.keep_newest or 0
    # S3 dates to the second: who is as new as the last that stays, stays.
    limit = newest_first[min(newest, len(tags)) - 1] if newest else None
    for tag, pushed in sorted(tags):
        if limit and pushed >= limit:
            yield Verdict(repository, tag, pushed, "keep", f"rule {number + 1}: newest {newest}")
        elif rule.keep_younger_than is not None and pushed > now - rule.keep_younger_than:
            yield Verdict(repository, tag, pushed, "keep", f"rule {number + 1}: young")
        else:
            yield Verdict(repository, tag, pushed, "remove", f"rule {number + 1}")


def carry_out(store: Store, verdict: Verdict) -> bool:
    """Do what a verdict says; False if the tag was pushed meanwhile, and names that."""
    if verdict.fate == "remove":
        return _remove(store, verdict)
    return verdict.fate == "keep" or _give_back(store, verdict)


def _remove(store: Store, verdict: Verdict) -> bool:
    """Remove a tag.

    A push writes the tag's index first and then what it names now, so that a push which comes
    between the look and the deletion is seen in the index, and what it wrote is written again: by
    the next run, if this one is cut off before. So the index goes last.
    """
    before = _look(store, verdict)
    pushed = _last_push(before)
    if pushed is None or pushed > verdict.pushed:
        return False
    store.delete([layout.current(verdict.repository, verdict.tag)])
    after = _look(store, verdict)
    digest = _newest(after)
    if digest and after.named[digest] > verdict.pushed:
        store.create(layout.current(verdict.repository, verdict.tag), digest.encode())
        return False
    names = [layout.index(verdict.repository, verdict.tag, one) for one in before.named]
    store.delete(names)
    return True


def _give_back(store: Store, verdict: Verdict) -> bool:
    """Let a tag name what was pushed last."""
    digest = _newest(_look(store, verdict))
    current = layout.current(verdict.repository, verdict.tag)
    return digest is not None and store.create(current, digest.encode())


def _look(store: Store, verdict: Verdict) -> Tag:
    entries = store.entries(layout.tag(verdict.repository, verdict.tag))
    found: Mapping[str, Repository] = sort_links(entries)
    repository = found.get(verdict.repository)
    return repository.tags[verdict.tag] if repository else Tag()


def _line(error: ErrorDetails) -> str:
    """One error as one line: field, value, remedy."""
    place = ".".join(
        str(part + 1) if isinstance(part, int) else str(part)
        for part in error["loc"]
        if part not in ("int", "timedelta")
    )
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it must")
    if error["type"] == "missing":
        return f"{place}: it is missing: add it"
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown; known are {', '.join(_fields(error['loc']))}"
    if isinstance(error["input"], dict):
        return f"{place}: {message}"
    return f"{place} = {error['input']!r}: {message}"


def _fields(place: tuple[int | str, ...]) -> list[str]:
    return list(Rules.model_fields if len(place) == 1 else Rule.model_fields)
