"""The facts of the page, as the service gives them to nginx."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from wharf_proxy import page_hosts, page_index, page_service
from wharf_proxy.page_hosts import Host
from wharf_proxy.page_service import Facts, keep, keep_index

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK = "docker/registry/v2/repositories/{}/_manifests/tags/1/current/link"


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="images")
        yield client


def push(s3: "S3Client", *names: str) -> None:
    for name in names:
        s3.put_object(Bucket="images", Key=LINK.format(name), Body=b"x")


def get(facts: Facts, path: str = "/page/index.json", **headers: str) -> tuple[str, Any]:
    got: list[Any] = []
    environment = {"PATH_INFO": path, "HTTP_X_WHARF_USER": "alice"}
    environment |= {f"HTTP_X_WHARF_{name.upper()}": text for name, text in headers.items()}
    (content,) = facts(environment, lambda *given: got.extend(given))
    return got[0], json.loads(content)


def names(body: Any) -> list[str]:
    return [repository["name"] for repository in body["repositories"]]


def test_the_index_is_that_of_the_user(s3: "S3Client") -> None:
    push(s3, "team/app", "other")
    page_index.write(s3, "images")
    facts = Facts(s3, "images")
    status, body = get(facts, readable="team/*", deletable="team/app")
    assert status == "200 OK"
    assert (body["user"], body["readable"], body["deletable"]) == (
        "alice",
        ["team/*"],
        ["team/app"],
    )
    assert names(body) == ["team/app"]
    # nginx sends no empty header.
    assert names(get(facts)[1]) == []


def test_a_new_index_is_shown_at_once(s3: "S3Client") -> None:
    facts = Facts(s3, "images")
    assert get(facts, readable="*")[1]["written"] is None
    for name in ("a", "b"):
        push(s3, name)
        page_index.write(s3, "images")
        # The second time, S3 responds that nothing has changed.
        assert names(get(facts, readable="*")[1]) == names(get(facts, readable="*")[1])
    assert names(get(facts, readable="*")[1]) == ["a", "b"]


def test_a_name_of_a_user_may_have_any_character(s3: "S3Client") -> None:
    facts = Facts(s3, "images")
    user = "\u00e4lice \u202e"
    found: list[Any] = []
    environment = {
        "PATH_INFO": "/page/index.json",
        "HTTP_X_WHARF_USER": user.encode().decode("latin-1"),
    }
    (content,) = facts(environment, lambda *given: found.extend(given))
    assert json.loads(content)["user"] == user


@pytest.mark.parametrize(("readable", "status"), [("*", "200 OK"), ("team/*", "403 Forbidden")])
def test_hosts_are_for_users_who_may_pull_all(s3: "S3Client", readable: str, status: str) -> None:
    page_hosts.write(s3, "images", Host("one").facts(""))
    found, body = get(Facts(s3, "images"), "/page/hosts.json", readable=readable)
    assert found == status
    assert ("one" in json.dumps(body)) == (status == "200 OK")


def test_a_failure_of_s3_is_said_to_the_client_and_to_the_log(
    s3: "S3Client", capsys: pytest.CaptureFixture[str]
) -> None:
    status, body = get(Facts(s3, "absent"), "/page/hosts.json", readable="*")
    assert status == "503 Service Unavailable"
    assert "absent" not in json.dumps(body)
    event = json.loads(capsys.readouterr().out)
    assert event["event"] == "page_failed"
    assert "NoSuchBucket" in event["message"]


BROKEN = [
    *("", "[]", "{}", "[" * 100_000, '{"written": 1, "seconds": 1}'),
    '{"written": NaN, "seconds": 1, "repositories": []}',
    '{"written": 1, "seconds": 1, "repositories": [{"name": "a"}]}',
    *(
        json.dumps({"written": 1, "seconds": 1, "repositories": [figures]})
        for figures in (
            {"name": 1, "tags": 1, "bytes": 1, "pushed": 1},
            {"name": "", "tags": "", "bytes": 1, "pushed": 1},
        )
    ),
]


@pytest.mark.parametrize("text", BROKEN)
def test_the_page_does_without_an_index_that_cannot_be_read(
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
) -> None:
    s3.put_object(Bucket="images", Key=page_index.KEY, Body=text.encode())
    facts = Facts(s3, "images")
    status, body = get(facts, readable="*")
    assert status == "200 OK"
    assert (body["user"], body["written"], body["repositories"]) == ("alice", None, [])
    assert page_index.KEY in json.loads(capsys.readouterr().out)["message"]
    # When it is old, it is repaired.
    monkeypatch.setattr(page_service, "HOUR", -page_service.SPREAD - 1)
    push(s3, "app")
    keep_index(s3, "images")
    assert names(get(facts, readable="*")[1]) == ["app"]


def test_the_page_does_without_an_index_that_is_forbidden(
    s3: "S3Client", capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"Error": {"Code": "AccessDenied", "Message": "denied"}}

    def refuse(**_: object) -> None:
        raise ClientError(error, "GetObject")  # type: ignore[arg-type]

    s3.get_object = refuse  # type: ignore[method-assign, assignment]
    status, body = get(Facts(s3, "images"), readable="*")
    assert (status, body["repositories"]) == ("200 OK", [])
    assert "AccessDenied" in json.loads(capsys.readouterr().out)["message"]


def test_the_program_starts_again_after_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = tmp_path / "starts"
    pauses: list[float] = []

    def work() -> None:
        with starts.open("a") as file:
            file.write("start\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise InterruptedError

    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(InterruptedError):
        keep(work)
    assert starts.read_text() == "start\n" * 2
    assert pauses == [60, 60]
    assert "status -9" in json.loads(capsys.readouterr().out.splitlines()[0])["message"]


def test_the_index_is_made_when_it_is_absent_or_old(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    write = page_index.write

    def count(client: "S3Client", bucket: str) -> None:
        made.append(bucket)
        write(client, bucket)

    monkeypatch.setattr(page_index, "write", count)
    keep_index(s3, "images")
    keep_index(s3, "images")
    assert made == ["images"], "it is not old"
    # The first claim holds for twice as long as the index took to make.
    monkeypatch.setattr(page_index, "claim", lambda *_: True)
    monkeypatch.setattr(page_service, "HOUR", -page_service.SPREAD - 1)
    monkeypatch.setattr(page_service, "SHARE", 0)
    keep_index(s3, "images")
    assert len(made) == 2
    # One that took long to make is kept for longer.
    monkeypatch.setattr(page_service, "SHARE", 1e12)
    keep_index(s3, "images")
    assert len(made) == 2


def test_one_host_makes_the_index(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def write(client: "S3Client", bucket: str) -> None:
        made.append(bucket)
        # While it is made, another host looks.
        keep_index(client, bucket)

    monkeypatch.setattr(page_index, "write", write)
    keep_index(s3, "images")
    assert made == ["images"]
    # The host that began has gone.
    monkeypatch.setattr(page_index, "write", lambda *_: made.append("again"))
    monkeypatch.setattr(page_service, "CLAIMED", 0)
    keep_index(s3, "images")
    assert made == ["images", "again"]
