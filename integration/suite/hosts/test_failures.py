"""Errors of S3 raise an alarm, errors of clients do not; clients see the insides of neither."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.echo import EchoServer, in_place_of_registry
from integration.suite.support.registry_version import RegistryVersion

pytestmark = pytest.mark.usefixtures("only_local")

BLOB, UPLOAD = f"blobs/sha256:{'e' * 64}", "blobs/uploads/1"
UNKNOWN = {"code": "UNKNOWN", "message": "unknown error"}
#: What distribution 3.1.1 writes if S3 is away, and if an upload is there no more.
AWAY = "RequestError: send request failed\ncaused by: dial tcp: i/o timeout"
GONE = "NoSuchUpload: The specified upload does not exist.\n\tstatus code: 404, request id: 1"


def failures(log: Path, repository: str) -> list[str]:
    """Return what the log has as failures of requests for a repository."""
    lines = log.read_text(errors="replace").splitlines()
    entries = [json.loads(line[line.index("{") :]) for line in lines if repository in line]
    return [entry["failure"] for entry in entries if entry.get("status") == 500]


@pytest.fixture(scope="module")
def echo(cloud: LocalCloud) -> Iterator[EchoServer]:
    with in_place_of_registry(cloud, cloud.hosts[0]) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path", "details", "origin"),
    [
        ("GET", BLOB, [f"s3aws: {AWAY}"], "s3aws: RequestError"),
        ("GET", "manifests/1", [f"s3aws: {AWAY}"], "s3aws: RequestError"),
        ("GET", "manifests/1", [{"DriverName": "s3aws", "Enclosed": {}}], "s3aws: "),
        ("PUT", "manifests/1", [None, f"s3aws: {AWAY}"], "s3aws: RequestError"),
        ("PATCH", UPLOAD, [f"flush: upload part: {AWAY}"], "s3aws: RequestError"),
        ("PUT", UPLOAD, [AWAY], "s3aws: RequestError"),
        ("PATCH", UPLOAD, [f"flush: upload part: {GONE}"], "client: s3aws: NoSuchUpload"),
        ("PUT", UPLOAD, [f"s3aws: {GONE}"], "client: s3aws: NoSuchUpload"),
        ("PUT", UPLOAD, ["s3aws: RequestCanceled: request context canceled"], "client: s3aws: "),
        ("PUT", UPLOAD, ["s3aws: Path not found: /a/_uploads/1/data"], "client: s3aws: "),
        ("GET", "manifests/1", ["s3aws: Path not found: /a/blobs/1/data"], "s3aws: Path"),
        ("PUT", "manifests/1", ["another refusal"], "client: another refusal"),
        ("GET", "manifests/1", ["unrecognized manifest s3aws: x"], ""),
    ],
)
def test_error_of_the_registry_is_logged_as_whose_it_is(
    cloud: LocalCloud,
    deployment: Deployment,
    echo: EchoServer,
    repository: str,
    method: str,
    path: str,
    details: list[object],
    origin: str,
) -> None:
    errors = [UNKNOWN | ({"detail": detail} if detail else {}) for detail in details]
    body = json.dumps({"errors": errors}, separators=(",", ":")) + "\n"
    echo.response = (500, body.encode())
    with deployment.client(deployment.hosts[0]) as client:
        response = client.request(method, f"/v2/{repository}/{path}", content=b"")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (500, "UNKNOWN")
    log = cloud.hosts[0].log("nginx")
    (failure,) = settled_failures(log, repository)
    assert failure.startswith(origin), "the failure is logged as another's"
    assert bool(failure) == bool(origin)
    if "s3aws: " in origin:
        assert all(word not in response.text for word in ("s3aws", "Request", "Upload", "path"))


def settled_failures(log: Path, repository: str) -> list[str]:
    wait_until("the request to be logged", lambda: len(failures(log, repository)), 1)
    return failures(log, repository)


def _end_uploads(cloud: LocalCloud, repository: str) -> None:
    s3, bucket = cloud.emulator.session().client("s3"), cloud.outputs["image_bucket"]
    for upload in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]:
        if f"/{repository}/" in upload["Key"]:
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def test_upload_that_s3_has_ended_is_no_error_of_s3(
    registry: LocalRegistry, repository: str, registry_version: RegistryVersion
) -> None:
    url, cloud = registry.deployment.hosts[1], registry.cloud
    with registry.deployment.repository(repository, url) as client:
        upload = client.begin()
        upload.patch(b"a" * 11_000_000)
        # A client can end an upload while another one sends to it.
        _end_uploads(cloud, repository)
        with pytest.raises(httpx.HTTPStatusError):
            upload.patch(b"a")
    (failure,) = settled_failures(cloud.hosts[1].log("nginx"), repository)
    assert failure.startswith("client: ") == registry_version.facts.names_errors_of_s3
