"""The credential helper, called as Docker and the kubelet call it, with keys in the environment."""

import base64
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from wharf_proxy import aws_proof

HELPER = Path(__file__).resolve().parents[2] / "scripts" / "docker_credential_wharf.py"
KEYS = {
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE12",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a copy of the file alone, as a server has it."""
    return Path(shutil.copy(HELPER, tmp_path / "docker-credential-wharf"))


def run(
    program: Path, command: str, text: str, **changes: str
) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(program.parent), **KEYS, **changes}
    return subprocess.run(
        [sys.executable, program, command],
        env={name: value for name, value in environment.items() if value},
        cwd=program.parent,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def url(secret: str) -> str:
    return base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)).decode()


@pytest.mark.parametrize("server", ["registry.example.com", "https://Registry.example.com:443/v1/"])
def test_docker_gets_a_login_that_the_proxy_accepts(program: Path, server: str) -> None:
    done = run(program, "get", f"{server}\n")
    login = json.loads(done.stdout)
    assert (login["ServerURL"], login["Username"]) == (server, "aws")
    found = url(login["Secret"])
    assert found.startswith("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&")
    # All checks but those of STS.
    aws_proof._check(found, "https://sts.eu-west-1.amazonaws.com", datetime.now(UTC))


def test_the_region_can_be_another(program: Path) -> None:
    done = run(program, "get", "registry.example.com", WHARF_REGION="us-east-1")
    assert url(json.loads(done.stdout)["Secret"]).startswith("https://sts.us-east-1.amazonaws.com/")


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_the_endpoint_is_that_of_the_registry(program: Path, name: str) -> None:
    done = run(program, "get", "registry.example.com", **{name: "true"})
    assert url(json.loads(done.stdout)["Secret"]).startswith("https://sts.eu-west-1.amazonaws.com/")


def test_a_role_that_may_not_be_assumed_is_one_line(program: Path, httpserver: HTTPServer) -> None:
    (program.parent / ".aws").mkdir()
    (program.parent / ".aws" / "config").write_text(
        "[profile other]\nrole_arn = arn:aws:iam::123456789012:role/other\nsource_profile = keys\n"
        "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    refusal = "<E><Error><Code>AccessDenied</Code><Message>not you</Message></Error></E>"
    httpserver.expect_request("/").respond_with_data(refusal, status=403)
    done = run(
        program,
        "get",
        "registry.example.com",
        AWS_ACCESS_KEY_ID="",
        AWS_PROFILE="other",
        AWS_ENDPOINT_URL_STS=httpserver.url_for("").rstrip("/"),
    )
    assert done.returncode == 1
    (line,) = f"{done.stdout}{done.stderr}".splitlines()
    assert line.startswith("docker-credential-wharf: ")
    assert "AccessDenied" in line


def test_without_boto3_the_line_says_so(program: Path) -> None:
    (program.parent / "boto3.py").write_text("raise ImportError('no boto3')")
    done = run(program, "get", "registry.example.com")
    assert done.returncode == 1
    assert done.stdout == done.stderr
    assert done.stdout == "docker-credential-wharf: no boto3: install boto3 (python3-boto3)\n"


def test_another_registry_has_another_signature(program: Path) -> None:
    secrets = {json.loads(run(program, "get", name).stdout)["Secret"][-40:] for name in "ab"}
    assert len(secrets) == 2


def test_the_kubelet_gets_the_login_of_an_image(program: Path) -> None:
    request: dict[str, Any] = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": "registry.example.com:5443/team-a/app@sha256:0",
    }
    response = json.loads(run(program, "kubelet", json.dumps(request)).stdout)
    assert response["apiVersion"] == request["apiVersion"]
    assert response["kind"] == "CredentialProviderResponse"
    assert response["cacheKeyType"] == "Registry"
    assert response["cacheDuration"] == "10m0s"
    assert list(response["auth"]) == ["registry.example.com:5443"]
    assert response["auth"]["registry.example.com:5443"]["username"] == "aws"


@pytest.mark.parametrize(("command", "output"), [("list", "{}\n"), ("erase", "\n")])
def test_nothing_is_kept(program: Path, command: str, output: str) -> None:
    done = run(program, command, "registry.example.com")
    assert (done.returncode, done.stdout) == (0, output)


@pytest.mark.parametrize(
    ("command", "text", "changes", "message"),
    [
        ("get", "", {}, "'' names no registry: write its host name"),
        ("get", "a b", {}, "'a b' names no registry"),
        ("get", "registry", {"AWS_REGION": "no such"}, "no such"),
        ("store", "{}", {}, "`docker login` is not needed"),
        ("kubelet", "{", {}, "the input is no CredentialProviderRequest with an image"),
        ("kubelet", "[]", {}, "the input is no CredentialProviderRequest with an image"),
        ("login", "", {}, "write one of get, store, erase, list, kubelet as its argument"),
        (
            "get",
            "registry",
            {
                **dict.fromkeys(KEYS, ""),
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            "no AWS credentials: give the machine a role",
        ),
        (
            "get",
            "registry",
            {
                "AWS_REGION": "",
                "AWS_DEFAULT_REGION": "",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1",
            },
            "no AWS region: set WHARF_REGION",
        ),
    ],
)
def test_what_is_missing_is_one_line(
    program: Path, command: str, text: str, changes: dict[str, str], message: str
) -> None:
    done = run(program, command, text, **changes)
    assert done.returncode == 1
    (line,) = f"{done.stdout}{done.stderr}".splitlines()
    assert line.startswith("docker-credential-wharf: ")
    assert message in line
    # Docker shows the one, the kubelet the other.
    assert bool(done.stdout) == (command not in ("kubelet", "login"))


def test_an_instance_needs_nothing_but_its_role(program: Path, httpserver: HTTPServer) -> None:
    data = "/latest/meta-data"
    role = f"{data}/iam/security-credentials/"
    keys = {
        "AccessKeyId": "ASIAEXAMPLEEXAMPLE99",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    httpserver.expect_request("/latest/api/token", method="PUT").respond_with_data("session")
    httpserver.expect_request(role).respond_with_data("web")
    httpserver.expect_request(f"{role}web").respond_with_json(keys)
    zone = f"{data}/placement/availability-zone/"
    httpserver.expect_request(zone).respond_with_data("eu-central-1b")
    metadata = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": httpserver.url_for("").rstrip("/")}
    done = run(program, "get", "registry.example.com", **{**dict.fromkeys(KEYS, ""), **metadata})
    found = url(json.loads(done.stdout)["Secret"])
    assert found.startswith("https://sts.eu-central-1.amazonaws.com/")
    assert "ASIAEXAMPLEEXAMPLE99" in found
