"""The entry point, run as the container runs it: with moto as S3 and a stub as nginx."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
import wharf_proxy
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str) -> Iterator["S3Client"]:
    session = boto3.Session("key", "secret", region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="configuration")
    yield client
    for item in client.list_objects_v2(Bucket="configuration").get("Contents", []):
        client.delete_object(Bucket="configuration", Key=item["Key"])
    client.delete_bucket(Bucket="configuration")
    client.close()


@pytest.fixture
def start(endpoint: str, tmp_path: Path) -> Start:
    """Run the start program with these variables more, or without those that are None."""
    programs = tmp_path / "bin"
    programs.mkdir()
    nginx = programs / "nginx"
    nginx.write_text('#!/bin/sh\necho "nginx $*"\nulimit -Sn\nulimit -Hn\n')
    nginx.chmod(nginx.stat().st_mode | stat.S_IXUSR)
    usual = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(wharf_proxy.__file__).parents[1]),
        "NGINX_CONFIG_BUCKET": "configuration",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": endpoint,
        # boto3 behaves as the image's 1.26 and leaves the two endpoint variables to us.
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }

    def run(**changes: str | None) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in (usual | changes).items() if value}
        return subprocess.run(
            [sys.executable, "-m", "wharf_proxy.start", "--directory", tmp_path / "run"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def upload(s3: "S3Client", files: dict[str, bytes]) -> None:
    for name, content in files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)


def test_it_becomes_nginx_in_the_foreground(
    start: Start, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    done = start()
    command, soft_limit, hard_limit = done.stdout.splitlines()
    assert command == "nginx -e stderr -g daemon off;"
    assert soft_limit == hard_limit
    assert (done.returncode, done.stderr) == (0, "")


def test_it_writes_the_files_and_keeps_the_key_to_root(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    start()
    written = {path.name: path for path in (tmp_path / "run").iterdir()}
    assert {name: path.read_bytes() for name, path in written.items()} == good_files
    assert {name: path.stat().st_mode & 0o777 for name, path in written.items()} == {
        "nginx.htpasswd": 0o640,
        "domain.crt": 0o600,
        "domain.key": 0o600,
    }


def test_the_general_endpoint_variable_is_honoured(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], endpoint: str
) -> None:
    upload(s3, good_files)
    assert start(AWS_ENDPOINT_URL_S3=None, AWS_ENDPOINT_URL=endpoint).returncode == 0


def test_the_default_region_stands_in_for_the_region(
    start: Start, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    assert start(AWS_REGION=None, AWS_DEFAULT_REGION="us-east-1").returncode == 0


def assert_one_line(done: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("wharf-proxy: ")
    for part in parts:
        assert part in done.stderr


def test_without_a_bucket_it_says_which_variable_to_set(start: Start) -> None:
    assert start(NGINX_CONFIG_BUCKET=None).stderr == (
        "wharf-proxy: NGINX_CONFIG_BUCKET is not set: set it to the bucket that "
        "`python -m scripts.publish` writes nginx.htpasswd, domain.crt, domain.key to\n"
    )


def test_an_object_that_is_missing_is_named(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, {"nginx.htpasswd": good_files["nginx.htpasswd"]})
    done = start()
    assert done.stderr == (
        "wharf-proxy: s3://configuration/domain.crt: it is not in the bucket: "
        "publish it with `python -m scripts.publish`\n"
    )
    assert done.returncode == 1
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


def test_an_endpoint_that_does_not_answer_is_named(start: Start) -> None:
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
