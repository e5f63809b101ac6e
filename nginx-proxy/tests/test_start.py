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
from wharf_proxy.settings import ProxySettings
from wharf_proxy.start import write_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

NGINXES = 3
"""Number of programs that the stub replaces: for clients, for layers, the verifier."""

NGINX_CONF = Path(__file__).parents[1] / "nginx.conf"

Start = Callable[..., "subprocess.CompletedProcess[str]"]
Running = Callable[..., "subprocess.Popen[str]"]


def lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    """Return the next lines of the program and its children, except that of the certificate."""
    assert process.stdout
    others = (line for line in process.stdout if '"certificate"' not in line)
    return [line.rstrip() for line in islice(others, number)]


def upload(s3: "S3Client", files: dict[str, bytes]) -> None:
    for name, content in files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)


def test_it_runs_each_nginx_until_the_stop_signal(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    started = sorted(lines(process, NGINXES), key=len)
    (*nginx, soft, hard), layers, verifier = (line.split() for line in started)
    assert nginx == ["nginx", "-e", "stderr", "-g", "daemon", "off;"]
    assert layers[:5] == ["nginx", "-e", "stderr", "-c", "/etc/nginx/layers.conf"]
    assert verifier[:5] == ["nginx", "-e", "stderr", "-c", "/etc/nginx/verifier.conf"]
    assert soft == hard, "each connection is an open file"
    process.send_signal(signal.SIGQUIT)
    assert process.wait(10) == 0


def test_a_stop_lets_transfers_end(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, NGINXES)
    process.send_signal(signal.SIGTERM)
    # At SIGTERM nginx would break off all transfers.
    assert lines(process, NGINXES) == ["quit"] * NGINXES


def test_a_stop_first_lets_the_load_balancer_notice(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    process = running(NGINX_NOTICE_SECONDS="600")
    programs = len(lines(process, NGINXES))
    process.send_signal(signal.SIGTERM)
    settled = Retrying(
        stop=stop_after_delay(60),
        wait=wait_fixed(0.05),
        retry=retry_if_result(lambda is_there: not is_there),
    )
    settled((tmp_path / "run" / "stopping").exists)
    running_on = [child for child in psutil.Process(process.pid).children() if child.is_running()]
    process.kill()
    for child in running_on:
        child.kill()
    assert len(running_on) > programs


def test_the_page_forgets_a_host_as_soon_as_it_is_told_to_stop(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    s3.create_bucket(Bucket="images")
    where = {"Bucket": "images", "Prefix": "page/hosts/"}
    s3.put_object(Bucket="images", Key=f"page/hosts/{socket.gethostname()}.json", Body=b"{}")
    process = running(NGINX_PAGE="true", NGINX_IMAGE_BUCKET="images", NGINX_NOTICE_SECONDS="600")
    settled = Retrying(
        stop=stop_after_delay(60),
        wait=wait_fixed(0.05),
        retry=retry_if_result(lambda is_there: not is_there),
    )
    settled((tmp_path / "run" / "page.sock").exists)
    process.send_signal(signal.SIGTERM)
    settled(lambda: s3.list_objects_v2(**where)["KeyCount"] == 0)  # type: ignore[arg-type]
    left = psutil.Process(process.pid).children()
    process.kill()
    for child in left:
        child.kill()
    assert len(left) > NGINXES, "the host serves until the load balancer has noticed"


@pytest.mark.parametrize(
    "number", range(5), ids=["nginx", "layers", "verifier", "service", "identity"]
)
def test_it_ends_when_one_of_its_programs_does(
    number: int, running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, NGINXES)
    waiting = Retrying(
        stop=stop_after_delay(60),
        wait=wait_fixed(0.05),
        retry=retry_if_result(lambda found: len(found) < 5),
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
    lines(running(), NGINXES)
    folder = tmp_path / "run" / "files"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == good_files
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_changed_files_come_into_force_together(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    process = running()
    lines(process, NGINXES)
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
    lines(process, NGINXES)
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
    assert all(lines(running(AWS_ENDPOINT_URL_S3=None, AWS_ENDPOINT_URL=endpoint), NGINXES))


def test_the_default_region_stands_in_for_the_region(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    assert all(lines(running(AWS_REGION=None, AWS_DEFAULT_REGION="us-east-1"), NGINXES))


def wait_for_socket(path: Path) -> None:
    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))

    Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True)(connect)


def test_the_service_serves_lists_on_its_socket(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    running()
    path = tmp_path / "run" / "service.sock"
    wait_for_socket(path)
    headers = {"X-Wharf-Route": "catalog", "X-Wharf-Readable": "*"}
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://x") as client:
        response = client.get("/", headers=headers, timeout=60)
    # There is no such bucket.
    assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("page", ["true", "false", None])
def test_the_page_has_facts_where_there_is_one(
    running: Running,
    s3: "S3Client",
    good_files: dict[str, bytes],
    tmp_path: Path,
    page: str | None,
) -> None:
    upload(s3, good_files)
    process = running(NGINX_PAGE=page)
    # The page's program is started after the others.
    wait_for_socket(tmp_path / "run" / ("page.sock" if page == "true" else "service.sock"))
    commands = [child.cmdline() for child in psutil.Process(process.pid).children()]
    assert any("wharf_proxy.page_service" in command for command in commands) == (page == "true")


def test_nginx_gets_the_settings(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    process = running(NGINX_CACHE_GIGABYTES="7")
    lines(process, NGINXES)
    assert "max_size=7g" in (tmp_path / "run" / "settings.conf").read_text()
    settings = ProxySettings(
        configuration_bucket="c",
        image_bucket="i",
        blob_delivery="proxy",
        cache_gigabytes=7,
        refresh_seconds=1,
    )
    # A program that is about to start has no environment yet.
    started = Retrying(
        stop=stop_after_delay(10),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda found: not found),
    )
    for program in psutil.Process(process.pid).children():
        assert started(program.environ).items() >= settings.for_nginx().items()


def test_each_file_that_nginx_includes_is_written(tmp_path: Path) -> None:
    write_settings(tmp_path, ProxySettings(configuration_bucket="c", image_bucket="i"))
    included = re.findall(r"include /var/lib/wharf/(.+);", NGINX_CONF.read_text())
    assert sorted(included) == sorted(file.name for file in tmp_path.iterdir())


def test_it_says_how_long_the_certificate_is_good_for(
    running: Running, s3: "S3Client", good_files: dict[str, bytes]
) -> None:
    upload(s3, good_files)
    process = running()
    assert process.stdout
    event = next(json.loads(line) for line in process.stdout if "certificate" in line)
    assert (event["event"], event["days_left"]) == ("certificate", 0)
    assert event["percent_left"] == 49  # of an hour before and an hour after
    assert event["message"].startswith("expires on 20")


def test_nginx_gets_the_measures(
    running: Running, s3: "S3Client", good_files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(s3, good_files)
    lines(running(), NGINXES)
    text = (tmp_path / "run" / "metrics.prom").read_text()
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    expiry = valid_until(load_pem_x509_certificate(good_files["domain.crt"])).timestamp()
    assert found["wharf_certificate_expiry_timestamp_seconds"] == expiry
    assert found["wharf_configuration_refusals_total"] == 0
