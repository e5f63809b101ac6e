"""Responses of S3 that moto does not send, by botocore's own stubber."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return Bucket("configuration", region="eu-west-1")


@pytest.fixture
def s3(bucket: Bucket) -> Any:
    with Stubber(bucket._client) as stubber:
        yield stubber


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDenied", "allow s3:GetObject for it, and make sure that it is published"),
        ("PermanentRedirect", "set AWS_REGION to the bucket's"),
        ("ExpiredToken", "the credentials have expired: renew them"),
        ("InvalidAccessKeyId", "does not know the access key"),
        ("SlowDown", "S3 responds SlowDown"),
    ],
)
def test_each_refusal_has_its_remedy(code: str, remedy: str, bucket: Bucket, s3: Any) -> None:
    s3.add_client_error("get_object", code)
    with pytest.raises(ConfigurationError, match=r"^s3://configuration/domain\.crt: ") as caught:
        bucket.download("domain.crt")
    assert remedy in str(caught.value)


def test_a_refused_upload_names_the_files_written_before_it(bucket: Bucket, s3: Any) -> None:
    s3.add_response("put_object", {})
    s3.add_client_error("put_object", "AccessDenied")
    with pytest.raises(ConfigurationError, match=r"s3:PutObject.*\(nginx.htpasswd written before"):
        bucket.upload({"nginx.htpasswd": b"", "domain.crt": b""})


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (b"logged out", "AWS credentials are no JSON (Expecting value: line 1 column 1"),
        (b"\xff", "AWS settings or credentials are no text here ('utf-8' codec"),
    ],
)
def test_a_credential_process_that_prints_something_else_is_named(
    printed: bytes, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "printed").write_bytes(printed)
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = cat {tmp_path / 'printed'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    # boto3 keeps a session, and in it the credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(ConfigurationError) as caught:
        Bucket("configuration", region="eu-west-1")
    assert str(caught.value).startswith(f"s3://configuration: {told}")
