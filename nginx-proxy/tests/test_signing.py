"""Signed requests: S3 accepts them, and they name where S3 is."""

import json
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from wharf_proxy.signing import CONFIG, Signer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATA = b"0123456789"


@pytest.fixture
def signer(endpoint: str, s3: "S3Client") -> Iterator[Signer]:
    """Yield a signer for the bucket of ``s3``, with the object ``a/data`` in it."""
    s3.put_object(Bucket="configuration", Key="a/data", Body=DATA)
    session = boto3.Session("key", "secret", region_name="eu-west-1")
    client = session.client("s3", endpoint_url=endpoint, config=CONFIG)
    yield Signer(client, "configuration")
    client.close()


def sign(signer: Signer, requests: str) -> tuple[str, dict[str, str]]:
    """Return status and headers of the response."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    assert signer({"HTTP_X_WHARF_SIGN": requests}, lambda *response: told.append(response)) == []
    ((status, headers),) = told
    return status, dict(headers)


def test_s3_accepts_signed_requests_with_any_range(signer: Signer, endpoint: str) -> None:
    status, headers = sign(signer, "GET a/data,HEAD a/data,GET a/missing")
    assert status == "204 No Content"
    targets = [headers[f"X-Wharf-Target-{number}"] for number in (1, 2, 3)]
    part = httpx.get(endpoint + targets[0], headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, DATA[2:5])
    assert httpx.head(endpoint + targets[1]).headers["Content-Length"] == str(len(DATA))
    assert httpx.get(endpoint + targets[2]).status_code == 404


def test_a_signature_has_version_4_and_an_end(signer: Signer) -> None:
    query = httpx.URL(sign(signer, "GET a/data")[1]["X-Wharf-Target-1"]).params
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "1200")


def test_the_response_names_the_place_of_s3(signer: Signer, endpoint: str) -> None:
    _, headers = sign(signer, "GET a/data")
    url = httpx.URL(endpoint)
    assert headers["X-Wharf-Scheme"] == url.scheme
    assert headers["X-Wharf-Host"] == url.netloc.decode()
    assert headers["X-Wharf-Addresses"] == f"127.0.0.1:{url.port}"


def test_the_last_addresses_stay_while_the_name_cannot_be_resolved(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sign(signer, "GET a/data")[1]["X-Wharf-Addresses"]
    resolved: list[object] = []

    def fail(*name: object) -> None:
        resolved.append(name)
        raise OSError("no name server responds")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert sign(signer, "GET a/data")[1]["X-Wharf-Addresses"] == known
    assert not resolved, "the name was resolved again at once"
    signer._end = 0
    assert sign(signer, "GET a/data")[1]["X-Wharf-Addresses"] == known
    assert resolved


def test_the_name_of_s3_is_that_of_the_region() -> None:
    """S3 knows the name without a region only after hours, and until then redirects."""
    session = boto3.Session("key", "secret", region_name="eu-west-1")
    client = session.client("s3", endpoint_url=None, config=CONFIG)
    url = client.generate_presigned_url("get_object", Params={"Bucket": "images", "Key": "a"})
    assert httpx.URL(url).host == "images.s3.eu-west-1.amazonaws.com"


def test_without_credentials_nothing_is_signed_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    # The default session may have credentials of another test.
    client = boto3.Session(region_name="eu-west-1").client("s3", config=CONFIG)
    status, headers = sign(Signer(client, "images"), "GET a/data")
    client.close()
    assert (status, headers) == ("503 Service Unavailable", {})
    event = json.loads(capsys.readouterr().out)
    assert (event["event"], event["message"]) == (
        "signing_failed",
        "s3://images: Unable to locate credentials",
    )
