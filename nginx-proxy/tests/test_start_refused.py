"""A start that fails: one line names the cause and the remedy, and nothing runs."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.CompletedProcess[str]"]


def upload(s3: "S3Client", files: dict[str, bytes]) -> None:
    for name, content in files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)


def failure(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the message of a start that failed, which is the only line."""
    assert (done.returncode, done.stderr) == (1, "")
    (event,) = map(json.loads, done.stdout.splitlines())
    assert event["event"] == "start_failed"
    message: str = event["message"]
    return message


def assert_one_line(done: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    message = failure(done)
    for part in parts:
        assert part in message


def test_a_bad_setting_ends_it_with_one_line(start: Start) -> None:
    assert failure(start(NGINX_REFRESH_SECONDS="soon")) == (
        "NGINX_REFRESH_SECONDS = 'soon': it must be 1 to 3600 seconds"
    )


def test_an_object_that_is_missing_is_named(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, {"nginx.htpasswd": good_files["nginx.htpasswd"]})
    assert failure(start()) == (
        "s3://configuration/domain.crt: it is not in the bucket: publish it with `wharf publish`"
    )
    assert not (tmp_path / "run").exists()


def test_a_bucket_that_does_not_exist_is_named(start: Start) -> None:
    assert_one_line(start(), "s3://configuration/nginx.htpasswd: the bucket does not exist")


def test_an_impossible_bucket_name_is_refused(start: Start) -> None:
    done = start(NGINX_CONFIG_BUCKET="No Bucket!")
    assert_one_line(done, "s3://No Bucket!/nginx.htpasswd: not a possible bucket name")


def test_a_bad_file_stops_it_before_anything_is_written(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files | {"domain.key": b"nonsense"})
    assert_one_line(start(), "s3://configuration/domain.key: is not a PEM private key")
    assert not (tmp_path / "run").exists()


def test_without_credentials_it_asks_for_a_role(start: Start) -> None:
    done = start(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert_one_line(done, "no AWS credentials", "give the task a role")


def test_an_unreachable_endpoint_is_named(start: Start) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = start(AWS_ENDPOINT_URL_S3=nobody)
    assert_one_line(done, "S3 cannot be reached", nobody)


def test_an_endpoint_that_is_no_address_is_named(start: Start) -> None:
    assert_one_line(start(AWS_ENDPOINT_URL_S3="nonsense"), "nonsense", "AWS_ENDPOINT_URL_S3")


def test_an_image_without_nginx_says_so(
    start: Start, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    assert_one_line(start(PATH="/nowhere"), "nginx: No such file or directory")
