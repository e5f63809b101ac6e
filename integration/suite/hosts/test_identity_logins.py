"""Logins by identity: a server with its role, a job with its token, and nobody else."""

import base64
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from integration.clients.deployment import ClientError, Deployment
from integration.console.waiting import wait_until
from integration.local.registry import LocalRegistry
from integration.suite.registry.test_strangers import WINDOW
from integration.suite.support.configuration_files import (
    IDENTITIES,
    PERMISSIONS,
    USERS,
    ConfigurationFiles,
)
from integration.suite.support.identities import Provider, Server
from integration.suite.support.logs import await_logs

#: Distinct bad proofs of an address, by authentication.lua.
FAILURES = 10
REGION = "us-east-1"


@pytest.fixture(scope="module")
def name(registry: LocalRegistry) -> str:
    """Return the name of the registry."""
    return registry.deployment.url.removeprefix("https://")


@pytest.fixture(scope="module")
def provider(registry: LocalRegistry) -> Iterator[Provider]:
    provider = Provider(registry.cloud, f"issuer-{os.urandom(4).hex()}")
    yield provider
    provider.remove()


@pytest.fixture(scope="module")
def server(registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return a server with the role of the hosts: the account's only one for EC2."""
    iam = registry.cloud.session.client("iam")
    role = iam.get_role(RoleName=f"wharf-host-{REGION}")["Role"]["Arn"]
    return Server.in_account(registry.cloud, role, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module", autouse=True)
def files(
    registry: LocalRegistry,
    name: str,
    provider: Provider,
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ConfigurationFiles]:
    """Publish who is who, for this module."""
    published = ConfigurationFiles(registry, tmp_path_factory.mktemp("files"))
    (published.folder / IDENTITIES).write_text(
        f'registry = "{name}"\n'
        f'[[aws]]\narn = "{server.role}"\nuser = "servers"\n'
        f'[[oidc]]\nissuer = "{provider.url}"\n'
        '[[oidc.logins]]\nclaims = { repository = "example/*", ref = "refs/heads/main" }\n'
        'user = "ci"\n'
    )
    (published.folder / PERMISSIONS).write_text(
        f"{registry.deployment.username} delete *\nservers push servers/*\nci push team-a/*\n"
    )
    published.publish()
    for url in registry.deployment.hosts:
        # Old workers take connections until the new ones run.
        host = dataclasses.replace(registry.deployment, url=url)
        wait_until("a login by identity", partial(_log_in, host, server, name), 200, 30)
    yield published
    published.restore()


def _log_in(host: Deployment, server: Server, name: str) -> int:
    return status(host, "aws", server.proof(name))


def with_login(deployment: Deployment, user: str, proof: str) -> Deployment:
    return dataclasses.replace(deployment, username=user, password=proof)


def status(deployment: Deployment, user: str, proof: str, path: str = "/v2/") -> int:
    with with_login(deployment, user, proof).client() as client:
        return client.get(path).status_code


def token(provider: Provider, audience: str, **more: object) -> str:
    claims = {"repository": "example/app", "ref": "refs/heads/main", "sub": "repo:example/app"}
    return provider.token(**{**claims, "aud": audience, **more})  # type: ignore[arg-type]


def presigned(server: Server, query: str, url: str, registry: str, seconds: int = 900) -> str:
    """Return what the helper would, if it were told to sign something else."""
    metadata = server.run(
        "sh",
        "-c",
        "curl -s -H 'X-aws-ec2-metadata-token: wharf-session-token' "
        "$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/meta-data/iam/security-credentials/"
        + server.role.rpartition("/")[2],
    )
    keys = json.loads(metadata)
    request = AWSRequest("GET", f"{url}/?{query}", headers={"x-wharf-registry": registry})
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"])
    SigV4QueryAuth(credentials, "sts", REGION, expires=seconds).add_auth(request)
    return base64.urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")


CALLER = "Action=GetCallerIdentity&Version=2011-06-15"
STS = f"https://sts.{REGION}.amazonaws.com"


def test_a_server_needs_nothing_but_its_role(
    deployment: Deployment, server: Server, name: str, image: Path, tmp_path: Path
) -> None:
    server.skopeo(deployment, "copy", f"oci:{image}", f"docker://{name}/servers/app:1")
    server.skopeo(deployment, "copy", f"docker://{name}/servers/app:1", f"oci:{tmp_path / 'out'}")
    assert (tmp_path / "out" / "index.json").exists()


def test_a_server_has_the_permissions_of_its_user(
    deployment: Deployment, server: Server, name: str
) -> None:
    proof = server.proof(name)
    assert status(deployment, "aws", proof, "/v2/servers/none/tags/list") == 404
    assert status(deployment, "aws", proof, "/v2/team-a/none/tags/list") == 403


def test_a_kubelet_gets_the_same_login(deployment: Deployment, server: Server, name: str) -> None:
    request = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": f"{name}/servers/app:1",
    }
    response = json.loads(
        server.run("docker-credential-wharf", "kubelet", text=json.dumps(request))
    )
    login = response["auth"][name]
    assert status(deployment, login["username"], login["password"]) == 200


def test_a_job_pushes_with_its_token(
    deployment: Deployment, provider: Provider, name: str, image: Path
) -> None:
    job = with_login(deployment, "oidc", token(provider, name))
    job.skopeo().push(image, "team-a/app:1")
    assert job.skopeo().digest("team-a/app:1").startswith("sha256:")
    with pytest.raises(ClientError, match=r"denied|403"):
        job.skopeo().push(image, "team-b/app:1")


def test_a_proof_for_another_registry_is_refused(
    deployment: Deployment, server: Server, provider: Provider, name: str
) -> None:
    assert status(deployment, "aws", server.proof("other.example.com")) == 401
    assert status(deployment, "oidc", token(provider, "other.example.com")) == 401
    assert status(deployment, "aws", server.proof(name)) == 200


def test_a_proof_with_a_changed_byte_is_refused(
    deployment: Deployment, server: Server, provider: Provider, name: str
) -> None:
    for user, proof in (("aws", server.proof(name)), ("oidc", token(provider, name))):
        changed = proof[:-5] + ("A" if proof[-5] != "A" else "B") + proof[-4:]
        assert status(deployment, user, changed) == 401
        assert status(deployment, user, proof) == 200


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ("Action=GetSessionToken&Version=2011-06-15", STS),
        (CALLER, "https://sts.eu-west-1.amazonaws.com"),
        (CALLER, "https://evil.example.com"),
    ],
)
def test_another_request_is_refused(
    deployment: Deployment, server: Server, name: str, query: str, url: str
) -> None:
    assert status(deployment, "aws", presigned(server, query, url, name)) == 401


def test_a_proof_is_worth_nothing_after_its_end(
    deployment: Deployment, server: Server, provider: Provider, name: str
) -> None:
    proofs = {
        "aws": presigned(server, CALLER, STS, name, seconds=8),
        "oidc": token(provider, name, seconds=8),
    }
    end = time.time() + 9
    for user, proof in proofs.items():
        assert status(deployment, user, proof) == 200
    time.sleep(max(end - time.time(), 0))
    for user, proof in proofs.items():
        assert status(deployment, user, proof) == 401


def test_keys_rotate_and_an_outage_stops_nobody(
    deployment: Deployment, provider: Provider, name: str
) -> None:
    before = token(provider, name, sub="before")
    provider.rotate()
    wait_until(
        "the new key",
        lambda: status(deployment, "oidc", token(provider, name, sub=str(time.time()))),
        200,
        60,
    )
    assert status(deployment, "oidc", before) == 200
    provider.set_public(False)
    try:
        time.sleep(3)
        assert status(deployment, "oidc", token(provider, name, sub="outage")) == 200
    finally:
        provider.set_public(True)


def test_the_log_has_user_and_identity_and_no_proof(
    registry: LocalRegistry, deployment: Deployment, server: Server, provider: Provider, name: str
) -> None:
    mark = f"mark-{os.urandom(4).hex()}"
    proofs = {"aws": server.proof(name), "oidc": token(provider, name)}
    for user, proof in proofs.items():
        status(deployment, user, proof, f"/v2/{mark}/tags/list")
    await_logs(registry.cloud, deployment)
    logs = "".join(host.log("nginx").read_text() for host in registry.cloud.hosts)
    entries = [
        json.loads(line[line.index("{") :]) for line in logs.splitlines() if f"/v2/{mark}/" in line
    ]
    role = server.role.rpartition("/")[2]
    account = server.role.split(":")[4]
    assert {(entry["user"], entry["identity"]) for entry in entries} == {
        ("servers", f"arn:aws:sts::{account}:assumed-role/{role}/wharf"),
        ("ci", f"{provider.url} repo:example/app"),
    }
    assert not any(proof in logs or proof[-40:] in logs for proof in proofs.values())


def test_nobody_needs_a_password(
    deployment: Deployment, files: ConfigurationFiles, server: Server, name: str
) -> None:
    users = (files.folder / USERS).read_bytes()
    with files.seen("configuration_renewed"):
        files.remove(USERS)
        files.put(PERMISSIONS, b"servers push servers/*\n")
    login = partial(status, deployment, deployment.username, deployment.password)
    try:
        # Old workers take connections until the new ones run.
        wait_until("nobody with a password", login, 401, 30)
        assert status(deployment, "aws", server.proof(name)) == 200
    finally:
        with files.seen("configuration_renewed"):
            files.put(USERS, users)
            files.put(PERMISSIONS, (files.folder / PERMISSIONS).read_bytes())
    wait_until("the password again", login, 200, 30)


def test_a_flood_of_bad_proofs_is_held_off(
    registry: LocalRegistry, server: Server, provider: Provider, name: str
) -> None:
    time.sleep(WINDOW)
    host = dataclasses.replace(registry.deployment, url=registry.deployment.hosts[0])
    assert status(host, "aws", server.proof(name)) == 200
    bad = [status(host, "aws", f"bad-proof-{number}") for number in range(FAILURES + 2)]
    assert bad == [401] * FAILURES + [429] * 2
    # Neither the server that was good before, nor a token, nor a password is held off.
    assert status(host, "aws", server.proof(name)) == 200
    assert status(host, "oidc", token(provider, name, sub="meanwhile")) == 200
    assert status(host, host.username, host.password) == 200
    time.sleep(WINDOW)
