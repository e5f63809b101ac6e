"""The check of identities.toml: which AWS identities and OIDC tokens are which users.

    registry = "registry.example.com"

    [[aws]]
    arn = "arn:aws:iam::123456789012:role/web-*"
    user = "servers"

    [[oidc]]
    issuer = "https://token.actions.githubusercontent.com"
    audience = "registry.example.com"

    [[oidc.logins]]
    claims = { repository = "example/app", ref = "refs/heads/main" }
    user = "ci"

`*` stands for any characters but a colon. The first entry that matches gives the user. Without an
audience, an issuer's tokens are for the registry's name.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.text import lines_of
from wharf_proxy.users_file import check_name

AWS, OIDC = "aws", "oidc"
KINDS = (AWS, OIDC)
"""Names with which clients log in: they say which proof the password is. proofs.lua has them."""

_REGISTRY = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")
_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role/[\w+=,.@*-]+|user/[\w+=,.@*/-]+)", re.A)
_ISSUER = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?(/[\w./~-]*)?", re.A)

_OWNERS = {
    "https://token.actions.githubusercontent.com": (
        *("sub", "repository", "repository_id", "repository_owner", "repository_owner_id"),
        "enterprise_id",
    ),
    "https://gitlab.com": (
        *("sub", "project_path", "project_id", "namespace_path", "namespace_id"),
        "root_namespace_id",
    ),
}
"""Issuers that give tokens to everybody, and their claims that only the owner of a repository has.
https://docs.github.com/en/actions/reference/security/oidc
https://docs.gitlab.com/ci/secrets/id_token_authentication/"""


@dataclass(frozen=True)
class AwsLogin:
    """An entry of ``aws``."""

    arn: str
    user: str


@dataclass(frozen=True)
class OidcLogin:
    """An entry of ``oidc.logins``."""

    claims: Mapping[str, str]
    user: str


@dataclass(frozen=True)
class Issuer:
    """An entry of ``oidc``."""

    url: str
    audience: str
    logins: tuple[OidcLogin, ...]

    def user(self, claims: Mapping[str, object]) -> str | None:
        """Return the user with these claims, None if no entry has them."""
        for login in self.logins:
            if all(_matches(text, claims.get(name)) for name, text in login.claims.items()):
                return login.user
        return None


@dataclass(frozen=True)
class Identities:
    """The content of the file."""

    registry: str
    aws: tuple[AwsLogin, ...]
    oidc: tuple[Issuer, ...]

    def aws_user(self, arn: str) -> str | None:
        """Return the user of an IAM role or user, None if no entry has its ARN."""
        return next((entry.user for entry in self.aws if _matches(entry.arn, arn)), None)

    @property
    def users(self) -> list[str]:
        """Every user that an entry names."""
        tokens = [login.user for issuer in self.oidc for login in issuer.logins]
        return [login.user for login in self.aws] + tokens


def check_identities(content: bytes, *, file: str = "identities.toml") -> Identities:
    """Return the identities of a file.

    Raises:
        ConfigurationError: the first thing that is wrong, with its remedy.
    """
    text = "\n".join(lines_of(content, file))
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file}: is not TOML ({error}): correct it") from None
    _check_keys(table, {"registry"}, {AWS, OIDC}, file)
    registry = _text(table, "registry", file)
    if not _REGISTRY.fullmatch(registry) or registry.endswith(":443"):
        raise ConfigurationError(
            f"{file}: registry = {registry!r}: write the name that clients use, in lower case, "
            "with a port only if it is not 443"
        )
    identities = Identities(
        registry,
        tuple(_aws(entry, place) for entry, place in _tables(table, AWS, file)),
        tuple(_issuer(entry, registry, place) for entry, place in _tables(table, OIDC, file)),
    )
    if not identities.users:
        raise ConfigurationError(
            f"{file}: nobody could log in: add an entry [[{AWS}]] or [[{OIDC}]], or remove the file"
        )
    urls = [issuer.url for issuer in identities.oidc]
    for url in urls:
        if urls.count(url) > 1:
            raise ConfigurationError(
                f"{file}: issuer {url!r} is there twice: put its logins into one entry [[{OIDC}]]"
            )
    return identities


def _aws(entry: Mapping[str, Any], place: str) -> AwsLogin:
    _check_keys(entry, {"arn", "user"}, set(), place)
    arn = _text(entry, "arn", place)
    if not _ARN.fullmatch(arn):
        raise ConfigurationError(
            f"{place}: arn = {arn!r}: write arn:aws:iam::ACCOUNT:role/NAME without the path of "
            "the role, or arn:aws:iam::ACCOUNT:user/PATH/NAME; * may stand in the name only"
        )
    return AwsLogin(arn, _user(entry, place))


def _issuer(entry: Mapping[str, Any], registry: str, place: str) -> Issuer:
    _check_keys(entry, {"issuer", "logins"}, {"audience"}, place)
    url = _text(entry, "issuer", place)
    if not _ISSUER.fullmatch(url):
        raise ConfigurationError(
            f"{place}: issuer = {url!r}: write the https URL that its tokens have as `iss`"
        )
    audience = _text(entry, "audience", place) if "audience" in entry else registry
    logins = tuple(_oidc(login, url, where) for login, where in _tables(entry, "logins", place))
    return Issuer(url, audience, logins)


def _oidc(entry: Mapping[str, Any], issuer: str, place: str) -> OidcLogin:
    _check_keys(entry, {"claims", "user"}, set(), place)
    claims = entry["claims"]
    if not isinstance(claims, dict) or not claims:
        raise ConfigurationError(
            f'{place}: claims = {claims!r}: write names and texts, such as {{ sub = "…" }}'
        )
    texts = {name: _text(claims, name, f"{place}, claims") for name in claims}
    if not any(text.strip("*") for text in texts.values()):
        raise ConfigurationError(
            f"{place}: its claims match every token of {issuer}: write a text in one of them"
        )
    owners = _OWNERS.get(issuer)
    if owners and not any(_names_owner(name, texts.get(name, "*"), owners) for name in owners):
        raise ConfigurationError(
            f"{place}: {issuer} gives tokens to everybody: write one of the claims "
            f"{', '.join(owners)}, with the whole name of the owner before any *; "
            "a sub has to begin with the owner, such as repo:OWNER/"
        )
    return OidcLogin(texts, _user(entry, place))


def _names_owner(name: str, text: str, owners: Collection[str]) -> bool:
    # A repository may choose the parts of its `sub`: `environment:production` can be of everybody.
    if name == "sub" and text.partition(":")[0] not in {"repo", *owners}:
        return False
    return "*" not in text or "/" in text.partition("*")[0]


def _matches(pattern: str, value: object) -> bool:
    """Return whether a value is a text that a pattern describes."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return isinstance(value, str) and bool(re.fullmatch("[^:]*".join(parts), value, re.S))


def _user(entry: Mapping[str, Any], place: str) -> str:
    user = _text(entry, "user", place)
    try:
        check_name(user)
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error}") from None
    return user


def _tables(table: Mapping[str, Any], key: str, place: str) -> list[tuple[Mapping[str, Any], str]]:
    entries = table.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(f"{place}: {key} = …: write it as entries, each under [[{key}]]")
    return [(entry, f"{place}: {key} {number}") for number, entry in enumerate(entries, start=1)]


def _check_keys(table: Mapping[str, Any], needed: set[str], optional: set[str], place: str) -> None:
    for key in sorted(needed - table.keys()):
        raise ConfigurationError(f"{place}: {key} is missing: write it")
    for key in sorted(table.keys() - needed - optional):
        raise ConfigurationError(
            f"{place}: {key!r} is unknown: write {', '.join(sorted(needed | optional))}"
        )


def _text(table: Mapping[str, Any], key: str, place: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ConfigurationError(f"{place}: {key} = {value!r}: write a text in quotation marks")
    return value
