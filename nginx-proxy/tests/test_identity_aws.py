"""Proofs of AWS identities, made by the helper, and a server with TLS in the place of STS."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from wharf_proxy import aws_proof, https
from wharf_proxy.errors import Refused, Unavailable

REGISTRY = "registry.example.com"
SESSION = "arn:aws:sts::123456789012:assumed-role/web/i-1"
KEYS = Credentials("ASIAEXAMPLEEXAMPLE12", "secret", "token/+=")

Identity = dict[str, Any]


def identity(arn: str = SESSION) -> Identity:
    result = {"Arn": arn, "Account": "123456789012", "UserId": "AROA:i-1"}
    return {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}


@pytest.fixture
def sts(server: HTTPServer) -> str:
    return server.url_for("").rstrip("/")


def signed(sts: str, registry: str = REGISTRY, seconds: int = 900, query: str = "") -> str:
    """Return a URL as the helper makes it."""
    query = query or "Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", f"{sts}/?{query}", headers={aws_proof.HEADER: registry})
    SigV4QueryAuth(KEYS, "sts", "us-east-1", expires=seconds).add_auth(request)
    return str(request.url)


def encoded(url: str) -> str:
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def verify(url: str, sts: str, **later: int) -> aws_proof.Caller:
    now = datetime.now(UTC) + timedelta(**later)
    return aws_proof.verify(encoded(url), REGISTRY, sts, now)


def test_sts_says_who_it_is(server: HTTPServer, sts: str) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(json.dumps(identity()))

    server.expect_request("/").respond_with_handler(answer)
    url = signed(sts)
    caller = verify(url, sts)
    assert caller.arn == "arn:aws:iam::123456789012:role/web"
    assert caller.session == SESSION
    assert timedelta(seconds=890) < caller.end - datetime.now(UTC) < timedelta(seconds=901)
    (request,) = seen
    assert request.method == "GET"
    assert request.headers[aws_proof.HEADER] == REGISTRY
    assert request.query_string.decode() == url.partition("?")[2]


def test_the_end_of_a_proof_is_its_own(server: HTTPServer, sts: str) -> None:
    server.expect_request("/").respond_with_json(identity())
    caller = verify(signed(sts, seconds=100), sts)
    assert caller.end - datetime.now(UTC) < timedelta(seconds=101)


Change = Callable[[str], str]


def replaced(old: str, new: str) -> Change:
    def change(url: str) -> str:
        assert old in url
        return url.replace(old, new)

    return change


def with_value(name: str, value: str) -> Change:
    return lambda url: re.sub(rf"(?<=[?&]{name}=)[^&]*", value, url)


REFUSED = {
    "another host": (replaced("localhost", "sts.example.com"), "does not begin with"),
    "a name before the host": (replaced("localhost", "sts@localhost"), "does not begin"),
    "the host as a name of another": (replaced("//", "//evil.example/"), "does not begin"),
    "a host that begins alike": (replaced("/?", ".evil.example/?"), "does not begin with"),
    "a host of other letters": (replaced("localhost", "localho\u017ft"), "not base64url"),
    "a host in capitals": (replaced("localhost", "LOCALHOST"), "does not begin with"),
    "plain HTTP": (replaced("https:", "http:"), "does not begin with"),
    "a path": (replaced("/?", "/path?"), "does not begin with"),
    "an encoded path": (replaced("/?", "/%2e%2e/?"), "does not begin with"),
    "a fragment": (lambda url: f"{url}#", "X-Amz-Signature is not percent-encoded"),
    "a second query": (lambda url: f"{url}?Action=AssumeRole", "is not percent-encoded"),
    "a new line": (lambda url: f"{url}\r\nX-Evil: 1", "is not percent-encoded"),
    "a blank": (lambda url: f"{url} HTTP/1.0", "is not percent-encoded"),
    "another action": (with_value("Action", "AssumeRole"), "its Action is not that"),
    "an encoded action": (with_value("Action", "GetCallerIdentity%00"), "its Action"),
    "a double encoding": (with_value("Action", "GetCallerIdentit%2579"), "its Action is not that"),
    "broken encoding": (with_value("Action", "%zz"), "its Action is not percent-encoded"),
    "bytes that are no text": (with_value("Action", "%FF"), "its Action is not that"),
    "another version": (with_value("Version", "2010-01-01"), "its Version is not that"),
    "another algorithm": (with_value("X-Amz-Algorithm", "AWS4-HMAC-MD5"), "X-Amz-Algorithm"),
    "another service": (replaced("%2Fsts%2F", "%2Fs3%2F"), "X-Amz-Credential is not that"),
    "two actions": (lambda url: f"{url}&Action=GetCallerIdentity", "has Action twice"),
    "two actions, one empty": (lambda url: f"{url}&Action", "has Action twice"),
    "another spelling": (lambda url: f"{url}&action=AssumeRole", "has another parameter"),
    "an encoded name": (lambda url: f"{url}&%41ction=AssumeRole", "has another parameter"),
    "a parameter of another action": (lambda url: f"{url}&RoleArn=a", "has another parameter"),
    "an empty parameter": (lambda url: f"{url}&", "has another parameter"),
    "a semicolon": (lambda url: f"{url};Action=AssumeRole", "is not percent-encoded"),
    "a header that is not signed": (
        with_value("X-Amz-SignedHeaders", "host"),
        "X-Amz-SignedHeaders is not that",
    ),
    "another header": (
        with_value("X-Amz-SignedHeaders", f"host%3B{aws_proof.HEADER}%3Bx-other"),
        "X-Amz-SignedHeaders is not that",
    ),
    "no signature": (replaced("&X-Amz-Signature=", "&X-Amz-Expires="), "X-Amz-Expires twice"),
    "no date": (lambda url: re.sub("&X-Amz-Date=[^&]*", "", url), "lacks X-Amz-Date"),
    "a date that is none": (with_value("X-Amz-Date", "20261399T000000Z"), "is no time"),
    "more than 15 minutes": (with_value("X-Amz-Expires", "901"), "more than 900 s"),
    "a thousand seconds": (with_value("X-Amz-Expires", "1000"), "X-Amz-Expires is not that"),
    "no seconds": (with_value("X-Amz-Expires", "0"), "X-Amz-Expires is not that"),
    "other digits": (with_value("X-Amz-Expires", quote("٣")), "X-Amz-Expires is not that"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_other_request_is_sent(server: HTTPServer, sts: str, name: str) -> None:
    change, message = REFUSED[name]
    with pytest.raises(Refused, match=re.escape(message)):
        verify(change(signed(sts)), sts)
    assert server.log == []


@pytest.mark.parametrize("proof", ["=", "a", "a b", "a+b/", "é", "aHR0cHM6Ly8\n"])
def test_what_is_not_base64url_is_refused(sts: str, proof: str) -> None:
    with pytest.raises(Refused):
        aws_proof.verify(proof, REGISTRY, sts, datetime.now(UTC))


@pytest.mark.parametrize(
    ("seconds", "later", "message"),
    [(60, 61, "it has expired"), (900, 901, "it has expired"), (900, -90, "of the future")],
)
def test_a_proof_has_its_time(
    server: HTTPServer, sts: str, seconds: int, later: int, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        verify(signed(sts, seconds=seconds), sts, seconds=later)
    assert server.log == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403])
def test_what_sts_refuses_is_refused(server: HTTPServer, sts: str, status: int) -> None:
    other = server.url_for("/other")
    body = {"Error": {"Code": "SignatureDoesNotMatch", "Message": "secret"}}
    server.expect_request("/").respond_with_json(body, status=status, headers={"Location": other})
    server.expect_request("/other").respond_with_json(identity())
    with pytest.raises(Refused, match=rf"status {status} \(SignatureDoesNotMatch\)$"):
        verify(signed(sts), sts)
    assert [request.path for request, _ in server.log] == ["/"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_outage_of_sts_is_no_refusal(server: HTTPServer, sts: str, status: int) -> None:
    server.expect_request("/").respond_with_data("busy", status=status)
    with pytest.raises(Unavailable, match=f"status {status}"):
        verify(signed(sts), sts)


@pytest.mark.parametrize("body", ["", "<xml/>", "[]", "{}", "[" * 100_000])
def test_a_response_without_an_identity_is_an_outage(
    server: HTTPServer, sts: str, body: str
) -> None:
    server.expect_request("/").respond_with_data(body)
    with pytest.raises(Unavailable):
        verify(signed(sts), sts)


def test_a_large_response_is_not_read(server: HTTPServer, sts: str) -> None:
    server.expect_request("/").respond_with_data("x" * (https.LARGEST + 1))
    with pytest.raises(Unavailable, match=f"more than {https.LARGEST} bytes"):
        verify(signed(sts), sts)


def test_a_server_that_is_not_trusted_is_an_outage(
    sts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        verify(signed(sts), sts)


@pytest.mark.parametrize(
    ("session", "arn"),
    [
        (SESSION, "arn:aws:iam::123456789012:role/web"),
        (
            "arn:aws-us-gov:sts::123456789012:assumed-role/web/a@b",
            "arn:aws-us-gov:iam::123456789012:role/web",
        ),
        ("arn:aws:iam::123456789012:user/path/ann", "arn:aws:iam::123456789012:user/path/ann"),
    ],
)
def test_roles_and_users_have_one_form(
    server: HTTPServer, sts: str, session: str, arn: str
) -> None:
    server.expect_request("/").respond_with_json(identity(session))
    assert verify(signed(sts), sts).arn == arn


@pytest.mark.parametrize("session", ["arn:aws:iam::123456789012:root", "arn:aws:sts::1:x"])
def test_other_identities_are_refused(server: HTTPServer, sts: str, session: str) -> None:
    server.expect_request("/").respond_with_json(identity(session))
    with pytest.raises(Refused, match="neither a role nor a user"):
        verify(signed(sts), sts)


def test_nothing_secret_is_in_a_message(sts: str) -> None:
    url = signed(sts)
    secrets = [unquote(part) for part in re.findall("(?:Signature|Token)=([^&]+)", url)]
    for change, _ in REFUSED.values():
        with pytest.raises(Refused) as caught:
            verify(change(url), sts)
        assert not any(secret in str(caught.value) for secret in secrets)
