"""The entry point, run as the container runs it: with moto as S3 and a stub as nginx."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from cryptography.x509 import load_pem_x509_certificate
from prometheus_client.parser import text_string_to_metric_families
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from wharf_proxy.certificate import valid_until
from wharf_proxy.start import write_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

NGINX_CONF = Path(__file__).parents[1] / "nginx.conf"

Start = Callable[..., "subprocess.CompletedProcess[str]"]
Running = Callable[..., "subprocess.Popen[str]"]


def lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    """The next lines that the program and those that it runs print, but for the certificate's."""
    assert process.stdout
    others = (line for line in process.stdout if '"certificate"' not in line)
    return [line.rstrip() for line in islice(others, number)]


def upload(s3: "S3Client", files: dict[str, bytes]) -> None:
    for name, content in files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)


def test_it_runs_nginx_and_the_verifier_until_it_is_told_to_stop(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    (*nginx, soft, hard), verifier = (line.split() for line in sorted(lines(process, 2), key=len))
    assert nginx == ["nginx", "-e", "stderr", "-g", "daemon", "off;"]
    assert verifier[:5] == ["nginx", "-e", "stderr", "-c", "/etc/nginx/verifier.conf"]
    assert soft == hard, "each connection is an open file"
    process.send_signal(signal.SIGQUIT)
    assert process.wait(10) == 0


def test_a_stop_lets_what_is_under_way_end(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, 2)
    process.send_signal(signal.SIGTERM)
    # At SIGTERM nginx would break off all transfers.
    assert lines(process, 2) == ["quit", "quit"]


@pytest.mark.parametrize("number", range(3), ids=["nginx", "verifier", "service"])
def test_it_ends_when_one_of_its_programs_does(
    number: int, running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, 2)
    waiting = Retrying(
        stop=stop_after_delay(60),
        wait=wait_fixed(0.05),
        retry=retry_if_result(lambda found: len(found) < 3),
    )
    programs = waiting(psutil.Process(process.pid).children)
    programs.pop(number).kill()
    assert process.wait(10) != 0
    (event,) = map(json.loads, lines(process, 1))
    assert event["event"] == "program_ended"
    assert "status -9" in event["message"]
    assert not [program for program in programs if program.is_running()]


def test_it_writes_the_files_and_keeps_them_to_itself(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    lines(running(), 2)
    folder = tmp_path / "run" / "files"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == good_files
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_changed_files_come_into_force_together(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, 2)
    changed = good_files | {"nginx.permissions": b"* pull *"}
    upload(s3, changed)
    told, event = sorted(lines(process, 2))
    assert (told, json.loads(event)["event"]) == ("reload", "configuration_renewed")
    folders = [path for path in (tmp_path / "run").iterdir() if path.is_dir()]
    (folder,) = (path for path in folders if not path.is_symlink())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == changed


def test_a_bad_file_is_reported_and_the_old_ones_stay(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, 2)
    upload(s3, {"nginx.htpasswd": b"alice:in clear\n"})
    (event,) = map(json.loads, lines(process, 1))
    assert event["event"] == "configuration_refused"
    assert event["message"].startswith("s3://configuration/nginx.htpasswd: line 1: the password of")
    users = tmp_path / "run" / "files" / "nginx.htpasswd"
    assert users.read_bytes() == good_files["nginx.htpasswd"]


def test_the_general_endpoint_variable_is_honoured(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], endpoint: str
) -> None:
    upload(s3, good_files)
    assert all(lines(running(AWS_ENDPOINT_URL_S3=None, AWS_ENDPOINT_URL=endpoint), 2))


def test_the_default_region_stands_in_for_the_region(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    assert all(lines(running(AWS_REGION=None, AWS_DEFAULT_REGION="us-east-1"), 2))


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


def test_without_a_bucket_it_says_which_variable_to_set(start: Start) -> None:
    assert failure(start(NGINX_CONFIG_BUCKET=None)) == (
        "NGINX_CONFIG_BUCKET is not set: set it to the bucket that "
        "`python -m scripts.publish` writes nginx.htpasswd, domain.crt, domain.key to"
    )


def test_without_a_bucket_of_images_it_says_which_variable_to_set(start: Start) -> None:
    assert_one_line(start(NGINX_IMAGE_BUCKET=None), "NGINX_IMAGE_BUCKET is not set: set it to")


def test_the_service_serves_lists_on_its_socket(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    running()
    path = tmp_path / "run" / "service.sock"

    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))

    Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True)(connect)
    headers = {"X-Wharf-Route": "catalog", "X-Wharf-Readable": "*"}
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://x") as client:
        response = client.get("/", headers=headers, timeout=60)
    # There is no such bucket.
    assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_object_that_is_missing_is_named(
    start: Start, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, {"nginx.htpasswd": good_files["nginx.htpasswd"]})
    assert failure(start()) == (
        "s3://configuration/domain.crt: it is not in the bucket: "
        "publish it with `python -m scripts.publish`"
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


def test_an_endpoint_that_does_not_answer_is_named(start: Start) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = start(AWS_ENDPOINT_URL_S3=nobody)
    assert_one_line(done, "S3 cannot be reached", nobody)


def test_an_endpoint_that_is_no_address_is_named(start: Start) -> None:
    assert_one_line(start(AWS_ENDPOINT_URL_S3="nonsense"), "nonsense", "AWS_ENDPOINT_URL_S3")


@pytest.mark.parametrize("given", ["0", "3601", "soon", "-1", "1.5"])
def test_a_time_that_is_none_is_refused(start: Start, given: str) -> None:
    assert failure(start(NGINX_REFRESH_SECONDS=given)) == (
        f"NGINX_REFRESH_SECONDS = {given!r}: it must be 1 to 3600 seconds"
    )


def test_an_image_without_nginx_says_so(
    start: Start, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    assert_one_line(start(PATH="/nowhere"), "nginx: No such file or directory")


def test_a_delivery_that_is_none_is_refused(start: Start) -> None:
    assert failure(start(NGINX_BLOB_DELIVERY="disk")) == (
        "NGINX_BLOB_DELIVERY = 'disk': it must be proxy or cache or redirect"
    )


def test_nginx_gets_the_settings(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    lines(running(NGINX_CACHE_GIGABYTES="7"), 2)
    assert "max_size=7g" in (tmp_path / "run" / "settings.conf").read_text()


def test_each_file_that_nginx_includes_is_written(tmp_path: Path) -> None:
    write_settings(tmp_path, cache_size=1)
    included = re.findall(r"include /var/lib/wharf/(.+);", NGINX_CONF.read_text())
    assert sorted(included) == sorted(file.name for file in tmp_path.iterdir())


@pytest.mark.parametrize("given", ["0", "10001", "many"])
def test_a_limit_of_uploads_that_is_none_is_refused(start: Start, given: str) -> None:
    assert failure(start(NGINX_UPLOADS=given)) == (
        f"NGINX_UPLOADS = {given!r}: it must be 1 to 10000 uploads"
    )


def test_it_says_how_long_the_certificate_is_good_for(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    assert process.stdout
    event = next(json.loads(line) for line in process.stdout if "certificate" in line)
    assert (event["event"], event["days_left"]) == ("certificate", 0)
    assert event["message"].startswith("expires on 20")


def test_nginx_gets_the_measures(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    lines(running(), 2)
    text = (tmp_path / "run" / "metrics.prom").read_text()
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    expiry = valid_until(load_pem_x509_certificate(good_files["domain.crt"])).timestamp()
    assert found["wharf_certificate_expiry_timestamp_seconds"] == expiry
    assert found["wharf_configuration_refusals_total"] == 0
