from typing import Any

import pytest
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import check
from wharf_proxy.identities_file import check_identities

GITHUB = "https://token.actions.githubusercontent.com"
ACCOUNT = "arn:aws:iam::123456789012"
REGISTRY = 'registry = "registry.example.com"\n'
AWS = f'[[aws]]\narn = "{ACCOUNT}:role/web-*"\nuser = "servers"\n'


def oidc(claims: str, issuer: str = GITHUB) -> str:
    entry = f'[[oidc]]\nissuer = "{issuer}"\n[[oidc.logins]]\nuser = "ci"\n'
    return f"{REGISTRY}{entry}claims = {{ {claims} }}\n"


def test_a_role_is_a_user() -> None:
    found = check_identities(f"{REGISTRY}{AWS}".encode())
    assert found.registry == "registry.example.com"
    assert found.aws_user(f"{ACCOUNT}:role/web-1") == "servers"


@pytest.mark.parametrize(
    "arn",
    [
        f"{ACCOUNT}:role/db-1",
        f"{ACCOUNT}:role/x-web-1",
        f"{ACCOUNT}:user/web-1",
        "arn:aws:iam::210987654321:role/web-1",
        f"{ACCOUNT}:role/web-:1",
    ],
)
def test_another_role_is_nobody(arn: str) -> None:
    found = check_identities(f"{REGISTRY}{AWS}".encode())
    assert found.aws_user(arn) is None


@pytest.mark.parametrize(
    "subject", ["repo:example/app:ref:refs/heads/*", "repository_owner_id:1234:environment:live"]
)
def test_a_subject_may_name_the_owner(subject: str) -> None:
    (issuer,) = check_identities(oidc(f'sub = "{subject}"').encode()).oidc
    assert issuer.user({"sub": subject.replace("*", "a/b")}) == "ci"


def test_the_first_entry_counts() -> None:
    second = AWS.replace("servers", "others")
    found = check_identities(f"{REGISTRY}{AWS}{second}".encode())
    assert found.aws_user(f"{ACCOUNT}:role/web-1") == "servers"
    assert found.users == ["servers", "others"]


def test_the_registry_is_the_audience_unless_another_is_given() -> None:
    text = oidc('repository = "example/app"')
    assert check_identities(text.encode()).oidc[0].audience == "registry.example.com"
    given = text.replace("[[oidc.logins]]", 'audience = "wharf"\n[[oidc.logins]]')
    assert check_identities(given.encode()).oidc[0].audience == "wharf"


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"repository": "example/app", "ref": "refs/heads/a/b"}, "ci"),
        ({"repository": "example/other", "ref": "refs/heads/a"}, None),
        ({"repository": "example/app", "ref": "refs/tags/a"}, None),
        ({"repository": "example/app", "ref": "refs/heads/a:b"}, None),
        ({"repository": "example/app"}, None),
        ({"repository": ["example/app"], "ref": "refs/heads/a"}, None),
        ({"repository": "Example/app", "ref": "refs/heads/a"}, None),
    ],
)
def test_all_claims_of_an_entry_count(claims: dict[str, Any], user: str | None) -> None:
    text = oidc('repository = "example/app", ref = "refs/heads/*"')
    (issuer,) = check_identities(text.encode()).oidc
    assert issuer.user(claims) == user


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registry = ", "is not TOML"),
        (AWS, "registry is missing: write it"),
        (REGISTRY, "nobody could log in"),
        (f'registry = "https://a.example"\n{AWS}', "write the name that clients use"),
        (f'registry = "A.example"\n{AWS}', "in lower case"),
        (f'registry = "a.example:443"\n{AWS}', "with a port only if it is not 443"),
        (f"{REGISTRY}realm = 1\n{AWS}", "'realm' is unknown"),
        (f"{REGISTRY}aws = 1\n", "aws = …: write it as entries"),
        (f"{REGISTRY}{AWS}role = 1\n", "aws 1: 'role' is unknown"),
        (f"{REGISTRY}{AWS.replace('web-*', '')}", "aws 1: arn = "),
        (f"{REGISTRY}{AWS.replace('123456789012', '*')}", "* may stand in the name only"),
        (f"{REGISTRY}{AWS.replace('web-*', 'path/web')}", "without the path of the role"),
        (f"{REGISTRY}{AWS.replace('servers', 'a:b')}", "aws 1: user name 'a:b' has a colon"),
        (REGISTRY + AWS.replace('"servers"', "1"), "aws 1: user = 1: write a text"),
        (oidc('sub = "a/b"', issuer="http://idp.example"), "oidc 1: issuer = 'http://idp.example'"),
        (oidc('sub = "a/b"', issuer="https://a@idp.example"), "write the https URL"),
        (oidc(""), "oidc 1: logins 1: claims = {}"),
        (oidc('sub = "*"', issuer="https://idp.example"), "match every token of"),
        (oidc("sub = 1"), "oidc 1: logins 1, claims: sub = 1: write a text"),
        (oidc('ref = "refs/heads/main"'), "gives tokens to everybody: write one of the claims sub"),
        (oidc('repository = "exam*"'), "with the whole name of the owner before any *"),
        (oidc('sub = "environment:production"'), "a sub has to begin with the owner"),
        (oidc('sub = "repo:exam*"'), "with the whole name of the owner before any *"),
        (oidc('repository_owner = "exam*"'), "with the whole name of the owner before any *"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^identities.toml: [^\n]*$") as caught:
        check_identities(text.encode())
    assert message in str(caught.value)


def test_an_issuer_is_there_once() -> None:
    text = oidc('sub = "repo:a/b"')
    with pytest.raises(ConfigurationError, match="is there twice"):
        check_identities(f"{text}{text.removeprefix(REGISTRY)}".encode())


def test_with_identities_nobody_needs_a_password(good_files: dict[str, bytes]) -> None:
    del good_files["nginx.htpasswd"]
    with pytest.raises(ConfigurationError, match=r"nginx.htpasswd missing"):
        check(good_files)
    check({**good_files, "identities.toml": f"{REGISTRY}{AWS}".encode()})


def test_an_identity_has_permissions_as_a_user(good_files: dict[str, bytes]) -> None:
    good_files["nginx.permissions"] = b"servers pull *\n"
    with pytest.raises(ConfigurationError, match="there is no user 'servers'"):
        check(good_files)
    check({**good_files, "identities.toml": f"{REGISTRY}{AWS}".encode()})


@pytest.mark.parametrize("name", ["aws", "oidc"])
def test_the_name_of_a_kind_of_proof_is_no_user(good_files: dict[str, bytes], name: str) -> None:
    users = good_files["nginx.htpasswd"].replace(b"alice", name.encode())
    good_files["nginx.htpasswd"] = users
    check(good_files)
    with pytest.raises(ConfigurationError, match=f"nginx.htpasswd: user '{name}' cannot log in"):
        check({**good_files, "identities.toml": f"{REGISTRY}{AWS}".encode()})
