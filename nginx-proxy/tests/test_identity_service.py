"""The service that nginx sends logins to, with the files that it reads."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from wharf_proxy.bucket import Bucket, sts_url
from wharf_proxy.configuration import Configuration
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.identity_service import Logins
from wharf_proxy.issuer_keys import FILE
from wharf_proxy.metrics import Metrics

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ISSUER = "https://idp.example"
IDENTITIES = f"""\
registry = "registry.example.com"
[[oidc]]
issuer = "{ISSUER}"
[[oidc.logins]]
claims = {{ sub = "a/b" }}
user = "jürgen"
"""
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a proxy, without the keys of the issuer."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "identities.toml").write_text(IDENTITIES)
    return tmp_path


def publish_keys(folder: Path) -> None:
    key = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())), "kid": "1"}
    (folder / FILE).write_text(json.dumps({ISSUER: {"keys": [key]}}))


def token(end: int) -> str:
    claims = {"iss": ISSUER, "aud": "registry.example.com", "sub": "a/b", "exp": end}
    return jwt.encode(claims, KEY, "ES256", {"kid": "1"})


def respond(folder: Path, kind: str, proof: str) -> tuple[int, dict[str, str]]:
    found: list[tuple[int, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        found.append((int(status.split()[0]), dict(headers)))

    environment = {"HTTP_X_WHARF_PROOF": proof}
    assert Logins(kind, folder, "https://sts.example")(environment, start) == []
    return found[0]


def test_a_login_is_user_identity_and_end(folder: Path) -> None:
    publish_keys(folder)
    end = int(time.time()) + 60
    assert respond(folder, "oidc", token(end)) == (
        204,
        {
            "X-Wharf-User": "j%C3%BCrgen",
            "X-Wharf-Identity": "https%3A//idp.example%20a/b",
            "X-Wharf-End": str(end),
        },
    )


def test_a_bad_proof_is_401(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish_keys(folder)
    bad = token(int(time.time()) - 1)
    for kind, proof in (("oidc", bad), ("aws", "aHR0cHM6Ly9ldmlsLmV4YW1wbGUv")):
        assert respond(folder, kind, proof) == (401, {})
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["message"] for line in lines] == [
        f"oidc: {ISSUER}: it has expired",
        "aws: its URL does not begin with https://sts.example/?",
    ]


def test_without_keys_or_file_it_is_503(folder: Path) -> None:
    good = token(int(time.time()) + 60)
    assert respond(folder, "oidc", good) == (503, {})
    publish_keys(folder)
    assert respond(folder, "oidc", good)[0] == 204
    (folder / "files" / "identities.toml").unlink()
    assert respond(folder, "oidc", good) == (503, {})


def test_another_file_counts_at_once(folder: Path) -> None:
    publish_keys(folder)
    good = token(int(time.time()) + 60)
    assert respond(folder, "oidc", good)[0] == 204
    file = folder / "files" / "identities.toml"
    file.write_text(IDENTITIES.replace("a/b", "a/c"))
    assert respond(folder, "oidc", good)[0] == 401


def test_with_identities_the_bucket_needs_no_users(
    s3: "S3Client",
    endpoint: str,
    good_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    del good_files["nginx.htpasswd"]
    for name, content in good_files.items():
        s3.put_object(Bucket="configuration", Key=name, Body=content)
    bucket = Bucket("configuration", region="us-east-1")
    configuration = Configuration(bucket, tmp_path, Metrics(tmp_path))
    with pytest.raises(ConfigurationError, match=r"nginx.htpasswd: it is not in the bucket"):
        configuration.fetch()
    s3.put_object(Bucket="configuration", Key="identities.toml", Body=IDENTITIES.encode())
    configuration.fetch()
    assert (tmp_path / "files" / "identities.toml").read_text() == IDENTITIES
    # nginx and Lua read it: it is there, with nobody in it.
    assert (tmp_path / "files" / "nginx.htpasswd").read_bytes() == b""


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://sts.us-east-1.amazonaws.com"),
        ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_sts_is_that_of_the_region(region: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.delenv(name, raising=False)
    assert sts_url(region) == url


def test_a_region_that_is_none_is_one_line() -> None:
    with pytest.raises(ConfigurationError, match="check AWS_REGION"):
        sts_url("no such region")
