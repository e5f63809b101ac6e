"""The operator's programs on the deployed registry, with the rights that docs/operations.md gives.

Garbage is collected while clients push images of layers that have just become garbage.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.clients.deployment import ClientError, Deployment
from integration.clients.image_builder import layout_digest
from integration.local.cloud import LocalCloud
from integration.local.registry import program
from integration.suite.support.concurrent_pushes import PushClient, concurrent_pushes

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
#: Longer than any request of these clients takes on a busy machine; a client that fails raises.
WAIT = "10s"

Run = Callable[..., Any]


def policy(*buckets: str) -> dict[str, Any]:
    """Return the operator's rights as the page has them."""
    text = PAGE.read_text().split("```json\n")[1].split("```")[0]
    found: dict[str, Any] = json.loads(text)
    for statement in found["Statement"]:
        names = [name for name in statement["Resource"] if "IMAGE_BUCKET" in name]
        statement["Resource"] = [
            name.replace("IMAGE_BUCKET", bucket) for name in names for bucket in buckets
        ]
    return found


@pytest.fixture
def backup(cloud: LocalCloud) -> str:
    """Return an empty bucket."""
    name = f"backup-{os.urandom(4).hex()}"
    cloud.session.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def run(cloud: LocalCloud, backup: str) -> Run:
    """Run a program as an operator, on the image bucket unless told otherwise."""
    images = cloud.outputs["image_bucket"]
    iam = cloud.session.client("iam")
    name = f"operator-{os.urandom(4).hex()}"
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name, PolicyName="operator", PolicyDocument=json.dumps(policy(images, backup))
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    environment = {
        "AWS_ENDPOINT_URL": cloud.emulator.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def run(name: str, *options: str, bucket: str = images) -> Any:
        # One request at a time: the emulator's listings break off while others delete.
        arguments = ["--bucket", bucket, "--json", "--concurrency", "1", *options]
        return json.loads(program(name, *arguments, environment=environment))

    return run


def test_what_was_lost_comes_back_from_a_copy(
    run: Run,
    cloud: LocalCloud,
    deployment: Deployment,
    repository: str,
    backup: str,
    image: Path,
    tmp_path: Path,
) -> None:
    images = cloud.outputs["image_bucket"]
    deployment.skopeo().push(image, f"{repository}:1")
    run("copy", "--to", backup)
    assert run("copy", "--to", backup)["blobs"] == 0
    assert not run("check", bucket=backup)["problems"]
    bucket = cloud.session.resource("s3").Bucket(images)
    bucket.objects.filter(Prefix=f"docker/registry/v2/repositories/{repository}/").delete()
    bucket.objects.filter(Prefix="docker/registry/v2/blobs/sha256/").delete()
    with pytest.raises(ClientError):
        deployment.skopeo().pull(f"{repository}:1", tmp_path / "lost")
    run("copy", "--to", images, bucket=backup)
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)
    used = {entry["repository"]: entry for entry in run("usage")["repositories"]}
    assert used[repository]["tags"] == 1


def test_what_clients_push_while_garbage_is_collected_can_be_pulled(
    run: Run, deployment: Deployment, repository: str, tmp_path: Path
) -> None:
    rules = tmp_path / "retention.toml"
    rules.write_text(f'[[rule]]\nrepositories = ["{repository}/*"]\nkeep_newest = 1\n')
    clients = [PushClient(deployment, f"{repository}/{seed}", seed) for seed in range(3)]
    for client in clients:
        client.send_layers()
    removed: set[str] = set()
    collected = 0
    with concurrent_pushes(clients):
        for _ in range(2):
            done = run("gc", "--untagged", "--grace", "1s", "--wait", WAIT)
            collected += done["blobs"]
            removed |= set(run("retention", "--rules", str(rules))["tags_removed"])
    assert removed
    assert collected, "there was nothing to collect, so nothing was tried"
    for client in clients:
        acknowledged = {f"{client.repository}:{tag}": tag for tag in client.acknowledged}
        left = [acknowledged[name] for name in acknowledged.keys() - removed]
        assert left
        for tag in left:
            client.pull(tag)
    assert not run("check")["problems"]
