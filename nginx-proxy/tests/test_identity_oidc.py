"""Tokens of an issuer whose keys rotate, and of everybody who would like to be that issuer."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_httpserver import HTTPServer
from werkzeug import Response
from wharf_proxy import https, oidc_token
from wharf_proxy.errors import Refused, Unavailable
from wharf_proxy.identities_file import Identities, Issuer, OidcLogin
from wharf_proxy.issuer_keys import FILE, IssuerKeys, fetch

ISSUER = "https://idp.example"
OTHER = "https://other.example"
AUDIENCE = "registry.example.com"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def jwk(key: Key, name: str, **more: Any) -> dict[str, Any]:
    algorithm: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    kind = next(type_ for type_ in algorithm if isinstance(key, type_))
    return {**json.loads(algorithm[kind].to_jwk(key.public_key())), "kid": name, **more}


KEYS = {ISSUER: {"keys": [jwk(RSA, "1", use="sig", alg="RS256"), jwk(EC, "2"), jwk(ED, "3")]}}
IDENTITIES = Identities(
    AUDIENCE,
    (),
    (
        Issuer(ISSUER, AUDIENCE, (OidcLogin({"repository": "example/*"}, "ci"),)),
        Issuer(OTHER, AUDIENCE, (OidcLogin({"repository": "*"}, "other"),)),
    ),
)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "repo:example/app:ref:refs/heads/main",
        "repository": "example/app",
        "iat": now,
        "exp": now + 300,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def token(
    key: Key = RSA,
    algorithm: str = "RS256",
    kid: str | None = "1",
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    headers = {**({"kid": kid} if kid else {}), **(header or {})}
    # Not `jwt.encode`: it refuses to make some that it has to refuse.
    return jwt.PyJWS().encode(json.dumps(claims(**changes)).encode(), key, algorithm, headers)


def verify(text: str, keys: Any = KEYS) -> oidc_token.Bearer:
    return oidc_token.verify(text, IDENTITIES, keys, datetime.now(UTC))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA, "RS256", "1"), (RSA, "PS512", "1"), (EC, "ES256", "2"), (ED, "EdDSA", "3")],
)
def test_a_good_token_is_a_user(key: Key, algorithm: str, kid: str) -> None:
    bearer = verify(token(key, algorithm, kid))
    assert bearer.user == "ci"
    assert bearer.subject == f"{ISSUER} repo:example/app:ref:refs/heads/main"
    assert bearer.end - datetime.now(UTC) < timedelta(seconds=301)


def test_one_of_several_audiences_is_enough() -> None:
    assert verify(token(aud=["other", AUDIENCE])).user == "ci"


def test_an_issuer_with_one_key_needs_no_name_for_it() -> None:
    only = {ISSUER: {"keys": [jwk(RSA, "1")]}}
    assert verify(token(kid=None), only).user == "ci"


PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def forged(header: dict[str, Any], signature: str = "") -> str:
    parts = [json.dumps(part).encode() for part in (header, claims())]
    texts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*texts, signature])


def with_hmac() -> str:
    """Return a token whose HMAC has the public key as its secret, as PyJWT refuses to make it."""
    text = forged({"alg": "HS256", "kid": "1"}).removesuffix(".")
    code = hmac.digest(PUBLIC, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "no signature": (lambda: forged({"alg": "none", "kid": "1"}), "alg"),
    "none in capitals": (lambda: forged({"alg": "NONE", "kid": "1"}), "alg"),
    "the public key as a secret": (with_hmac, "alg"),
    "a key of another": (lambda: token(STRANGER), "Signature verification failed"),
    "a key in the header": (
        lambda: token(STRANGER, header={"jwk": jwk(STRANGER, "1"), "jku": "https://evil.example"}),
        "Signature verification failed",
    ),
    "a kind of another key": (lambda: token(RSA, kid="2"), "alg"),
    "an unknown key": (lambda: token(kid="9"), "do not have its `kid`"),
    "no name of a key": (lambda: token(kid=None), "do not have its `kid`"),
    "a critical extension": (lambda: token(header={"crit": ["exp"], "exp": 1}), "crit"),
    "another audience": (lambda: token(aud="other"), "Audience doesn't match"),
    "an audience that begins alike": (lambda: token(aud=f"{AUDIENCE}.evil"), "Audience"),
    "no audience": (lambda: token(aud=None), '"aud"'),
    "another issuer": (lambda: token(iss="https://evil.example"), "does not have its issuer"),
    "an issuer with a slash more": (lambda: token(iss=f"{ISSUER}/"), "does not have its issuer"),
    "no issuer": (lambda: token(iss=None), "does not have its issuer"),
    "a list of issuers": (lambda: token(iss=[ISSUER]), ""),
    "over": (lambda: token(exp=int(time.time()) - 1), "it has expired"),
    "long over": (lambda: token(exp=int(time.time()) - 999), "Signature has expired"),
    "no end": (lambda: token(exp=None), '"exp"'),
    "an end that is none": (lambda: token(exp="soon"), "exp"),
    "an end beyond all time": (lambda: token(exp=10**30), ""),
    "an end beyond the clock": (lambda: token(exp=10**17), "Value too large"),
    "of the future": (lambda: token(nbf=int(time.time()) + 999), "not yet valid"),
    "another repository": (lambda: token(repository="evil/app"), "no entry of identities.toml"),
    "no text": (lambda: "…", "it is no token"),
    "nothing": (lambda: "", "it is no token"),
    "two parts": (lambda: "a.b", "it is no token"),
    "deep brackets": (
        lambda: f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.e30",
        "it is no token",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_other_token_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(Refused) as caught:
        verify(make())
    assert message in str(caught.value)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_byte_is_refused(part: int) -> None:
    parts = token().split(".")
    text = parts[part]
    parts[part] = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    with pytest.raises(Refused):
        verify(".".join(parts))


def test_a_token_of_another_issuer_is_not_one_of_this() -> None:
    keys = {**KEYS, OTHER: {"keys": [jwk(STRANGER, "1")]}}
    assert verify(token(STRANGER, iss=OTHER), keys).user == "other"
    with pytest.raises(Refused, match="Signature verification failed"):
        verify(token(STRANGER), keys)


def test_keys_that_were_never_fetched_are_an_outage() -> None:
    with pytest.raises(Unavailable, match="have not been fetched yet"):
        verify(token(), {})


def test_keys_that_cannot_verify_do_not_count() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "1"}
    for key in (jwk(small, "1"), jwk(RSA, "1", use="enc"), secret, {}, "key", None):
        assert oidc_token.usable_keys({"keys": [key]}) == 0
    assert oidc_token.usable_keys(KEYS[ISSUER]) == 3


def publish(server: HTTPServer, keys: object, **changes: str) -> str:
    """Let the server be an issuer; return its URL."""
    server.clear()
    issuer = server.url_for("").rstrip("/")
    document = {"issuer": issuer, "jwks_uri": f"{issuer}/keys", **changes}
    server.expect_request("/.well-known/openid-configuration").respond_with_json(document)
    server.expect_request("/keys").respond_with_json(keys)
    return issuer


def test_keys_are_those_of_the_discovery_document(server: HTTPServer) -> None:
    keys = {"keys": [jwk(RSA, "1")]}
    assert fetch(publish(server, keys)) == keys


@pytest.mark.parametrize(
    ("keys", "changes", "message"),
    [
        ({"keys": [jwk(RSA, "1")]}, {"issuer": "https://other.example"}, "of another issuer"),
        ({"keys": [jwk(RSA, "1")]}, {"jwks_uri": "http://localhost/"}, "only https"),
        ({"keys": [jwk(RSA, "1")]}, {"jwks_uri": "file:///etc/passwd"}, "only https"),
        ({"keys": []}, {}, "none of its keys"),
        ({"keys": 1}, {}, "none of its keys"),
        ([], {}, "no JSON object"),
    ],
)
def test_other_documents_are_refused(
    server: HTTPServer, keys: object, changes: dict[str, str], message: str
) -> None:
    with pytest.raises((ValueError, https.FetchError), match=message):
        fetch(publish(server, keys, **changes))


def test_a_redirect_is_not_followed(server: HTTPServer) -> None:
    issuer = publish(server, {"keys": [jwk(RSA, "1")]}, jwks_uri=server.url_for("/moved"))
    server.expect_request("/moved").respond_with_data(
        status=302, headers={"Location": f"{issuer}/keys"}
    )
    with pytest.raises(ValueError, match="status 302"):
        fetch(issuer)


def test_the_last_good_keys_stay(
    server: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stored() -> Any:
        return json.loads((tmp_path / FILE).read_bytes())

    kept = IssuerKeys(tmp_path)
    first, second = {"keys": [jwk(RSA, "1")]}, {"keys": [jwk(EC, "2")]}
    issuer = publish(server, first)
    kept.renew([issuer])
    assert stored() == {issuer: first}
    publish(server, second)
    kept.renew([issuer])
    assert stored() == {issuer: second}
    server.clear()
    server.expect_request("/.well-known/openid-configuration").respond_with_data(status=500)
    kept.renew([issuer])
    assert stored() == {issuer: second}
    assert "the last good keys stay" in capsys.readouterr().out
    kept.renew([])
    assert stored() == {}


def test_a_slow_server_has_a_deadline(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(0.05)

    monkeypatch.setattr(https, "DEADLINE", 0.5)
    server.expect_request("/").respond_with_response(Response(drip()))
    began = time.monotonic()
    with pytest.raises(https.FetchError):
        https.get(server.url_for("/"), {})
    assert time.monotonic() - began < https.PATIENCE
