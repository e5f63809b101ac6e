"""The certificate that renews itself, without an authority: what is kept, mended and asked for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wharf_proxy.attempts import LONGEST, Attempts
from wharf_proxy.authority import Authority, Issued, Pair, _explain, account_of
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.renewal import Renewal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DIRECTORY = "https://acme.example.com/directory"
DOMAIN = "registry.example.com"
SETTINGS = [DIRECTORY, DOMAIN]
MARK = {"acme-directory": DIRECTORY}
#: There is no certbot in these tests: this is how it shows that the authority would be asked.
ASKED = "certbot is not installed"


@pytest.fixture
def renewal(
    s3: "S3Client", endpoint: str, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> Renewal:
    assert s3.list_objects_v2(Bucket="configuration")["KeyCount"] == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PATH", str(tmp_path))
    bucket = Bucket("configuration", region="us-east-1")
    return Renewal(bucket, DOMAIN, Authority(DIRECTORY, "a@example.com"), tmp_path, lambda: now)


@pytest.fixture
def put(s3: "S3Client") -> Callable[..., None]:
    """Write objects, from an authority unless said otherwise."""

    def put(mark: dict[str, str] = MARK, **objects: bytes) -> None:
        for name, content in objects.items():
            key = {"crt": "domain.crt", "key": "domain.key"}.get(name, f"acme/{name}.json")
            s3.put_object(Bucket="configuration", Key=key, Body=content, Metadata=mark)

    return put


def stored(identity: Any) -> bytes:
    """Return the object of a pair."""
    parts = {"domain.crt": identity.certificate.decode(), "domain.key": identity.key.decode()}
    return json.dumps(parts).encode()


def published(s3: "S3Client") -> list[bytes]:
    """Return certificate and key."""
    return [
        s3.get_object(Bucket="configuration", Key=name)["Body"].read()
        for name in ("domain.crt", "domain.key")
    ]


def life(now: datetime, *, days_left: float, of: float = 90) -> dict[str, datetime]:
    end = now + timedelta(days=days_left)
    return {"start": end - timedelta(days=of), "end": end}


def test_without_a_certificate_the_authority_is_asked(renewal: Renewal) -> None:
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()


@pytest.mark.parametrize("only", ["crt", "key"])
def test_what_an_operator_has_published_is_kept_and_a_line_says_the_remedy(
    renewal: Renewal,
    put: Callable[..., None],
    issue: Any,
    now: datetime,
    only: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = issue(**life(now, days_left=80))
    put(domain=stored(new), crt=new.certificate, key=new.key)
    # Expired, even: nobody but the operator knows why.
    put({}, **{only: issue(**life(now, days_left=-1)).certificate})
    renewal.look()
    renewal.look()
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "certificate_kept"
    assert f"domain.{only} was not made here" in line
    place = "s3://configuration/domain.crt"
    command = (
        f"aws s3 cp {place} {place} --metadata-directive REPLACE --metadata acme-directory=own"
    )
    assert command in line


def test_an_own_pair_that_is_marked_stays_until_the_authority_has_issued_another(
    renewal: Renewal,
    put: Callable[..., None],
    issue: Any,
    now: datetime,
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, new = issue(**life(now, days_left=80)), issue(**life(now, days_left=90))
    put({"acme-directory": "own"}, crt=own.certificate, key=own.key)
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()
    assert published(s3) == [own.certificate, own.key]
    s3.delete_object(Bucket="configuration", Key="acme/attempts.json")
    issued = Issued(Pair(new.certificate, new.key), {})
    monkeypatch.setattr(Authority, "issue", lambda *_: issued)
    renewal.look()
    assert published(s3) == [new.certificate, new.key]


def test_a_certificate_that_hosts_refuse_does_not_use_up_the_weeks_limit(
    renewal: Renewal, issue: Any, now: datetime, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    other = issue(name="other.example.com", **life(now, days_left=90))
    issued = Issued(Pair(other.certificate, other.key), {})
    monkeypatch.setattr(Authority, "issue", lambda *_: issued)
    then = now + timedelta(hours=34)
    told = f"that hosts refuse: .*not for {DOMAIN}.*next attempt is at {then:%Y-%m-%d %H:%M} UTC"
    with pytest.raises(ConfigurationError, match=told):
        renewal.look()
    found = s3.get_object(Bucket="configuration", Key="acme/attempts.json")["Body"].read()
    assert Attempts.of(found, SETTINGS) == Attempts(SETTINGS, 1, then)
    # Not before that time.
    renewal.look()


def test_a_certificate_with_more_than_a_third_of_its_life_stays(
    renewal: Renewal, put: Callable[..., None], issue: Any, now: datetime, s3: "S3Client"
) -> None:
    pair = issue(**life(now, days_left=30.1))
    put(domain=stored(pair), crt=pair.certificate, key=pair.key)
    renewal.look()
    assert published(s3) == [pair.certificate, pair.key]


@pytest.mark.parametrize(("days_left", "of"), [(30, 90), (1.9, 6), (0.1, 90)])
def test_a_certificate_with_a_third_of_its_life_is_renewed(
    renewal: Renewal,
    put: Callable[..., None],
    issue: Any,
    now: datetime,
    s3: "S3Client",
    days_left: float,
    of: float,
) -> None:
    pair = issue(**life(now, days_left=days_left, of=of))
    put(domain=stored(pair), crt=pair.certificate, key=pair.key)
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()
    assert published(s3) == [pair.certificate, pair.key]


def test_a_run_that_ended_between_key_and_certificate_is_completed(
    renewal: Renewal, put: Callable[..., None], issue: Any, now: datetime, s3: "S3Client"
) -> None:
    old, new = issue(**life(now, days_left=20)), issue(**life(now, days_left=90))
    put(domain=stored(new), crt=old.certificate, key=new.key)
    renewal.look()
    assert published(s3) == [new.certificate, new.key]
    renewal.look()


@pytest.mark.parametrize("other", [{"name": "other.example.com"}, {}])
def test_a_pair_for_another_domain_or_of_another_authority_is_not_used(
    renewal: Renewal,
    put: Callable[..., None],
    issue: Any,
    now: datetime,
    s3: "S3Client",
    other: dict[str, str],
) -> None:
    staging = {"acme-directory": "https://staging.example.com/directory"}
    pair = issue(**other, **life(now, days_left=80))
    put(MARK if other else staging, domain=stored(pair), crt=pair.certificate, key=pair.key)
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()
    assert published(s3) == [pair.certificate, pair.key]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"domain.crt": 1}', b"\xff"])
def test_a_damaged_pair_is_not_used(
    renewal: Renewal, put: Callable[..., None], content: bytes
) -> None:
    put(domain=content)
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()


def test_an_attempt_that_was_ended_counts_as_failed(
    renewal: Renewal, s3: "S3Client", now: datetime
) -> None:
    with pytest.raises(ConfigurationError, match=ASKED):
        renewal.look()
    renewal.look()
    found = s3.get_object(Bucket="configuration", Key="acme/attempts.json")["Body"].read()
    assert Attempts.of(found, SETTINGS) == Attempts(SETTINGS, 1, now + timedelta(minutes=15))


def test_attempts_become_rarer(now: datetime) -> None:
    attempts, waits = Attempts(SETTINGS), []
    for _ in range(7):
        attempts = attempts.failed(now)
        waits.append((attempts.next - now) / timedelta(minutes=1))
    assert waits == [15, 30, 60, 120, 240, 360, 360]
    assert attempts.succeeded(now).failed(now).next == now + timedelta(minutes=15)
    assert Attempts(SETTINGS).failed(now, LONGEST).next == now + timedelta(hours=6)


def test_attempts_are_of_their_settings(now: datetime) -> None:
    attempts = Attempts(SETTINGS).failed(now)
    assert Attempts.of(attempts.packed(), SETTINGS) == attempts
    assert Attempts.of(attempts.packed(), [DIRECTORY, "other.example.com"]).failures == 0


@pytest.mark.parametrize("content", [b"x", b"[]", b'{"settings": %s}', b"\xff"])
def test_damaged_attempts_do_not_count(content: bytes, now: datetime) -> None:
    assert Attempts.of(content.replace(b"%s", json.dumps(SETTINGS).encode()), SETTINGS).next < now


@pytest.mark.parametrize("content", [b"x", b"[]", b"\xff"])
def test_a_damaged_account_is_one_line(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="delete the object"):
        account_of(content)


@pytest.mark.parametrize(
    ("printed", "remedy"),
    [
        ("Detail: DNS problem: query timed out looking up TXT", "does not see the record"),
        ("Detail: During secondary validation: No TXT record found", "does not see the record"),
        ("Detail: DNS problem: SERVFAIL looking up CAA for a.example.com", "does not see the rec"),
        ("Detail: CAA record for example.com prevents issuance", "CAA record"),
        ("Unable to find a Route53 hosted zone for _acme-challenge.x", "no public zone"),
        ("An error occurred (AccessDenied) when calling the ChangeResource", "no other zone"),
        ("HTTPSConnectionPool(host='a'): Max retries exceeded", "does not respond"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "acme_trust"),
        ("something new", "read what certbot says"),
    ],
)
def test_each_failure_has_a_remedy_and_certbots_words(printed: str, remedy: str) -> None:
    line = _explain(
        f"Saving debug log to /x/y.log\n{printed}\nAsk for help or search for more.", ""
    )
    assert remedy in line
    assert printed in line
    assert "Saving debug log" not in line
    assert "Ask for help" not in line


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("rateLimited", "rate limit is reached"),
        ("accountDoesNotExist", "delete acme/account.json"),
        ("caa", "CAA record"),
    ],
)
def test_the_kind_of_an_error_is_in_the_log(kind: str, remedy: str) -> None:
    log = f"urn:ietf:params:acme:error:badNonce\nurn:ietf:params:acme:error:{kind} :: x"
    assert remedy in _explain("x", log)


def test_certbot_gets_the_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    environment = Authority(DIRECTORY, "a@example.com")._environment(tmp_path)
    assert environment["AWS_DEFAULT_REGION"] == "cn-north-1"


def test_times_have_a_zone() -> None:
    text = {"settings": SETTINGS, "failures": 1, "next": "2026-06-01T00:00:00"}
    assert Attempts.of(json.dumps(text).encode(), SETTINGS).next.tzinfo == UTC
