"""The other shape, deployed the other way.

The cdktf command, a classic balancer, private hosts, static keys, redirects.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from integration.images import INDEX, digest_of
from integration.interrupts import ends_on_signals
from integration.local.errors import LocalCloudError
from integration.local.inventory import inventory
from integration.local.machine import terraform_program
from integration.local.registry import REPOSITORY, LocalRegistry
from integration.local.terraform import Terraform
from integration.programs import run
from integration.uploads import Upload

DIRECTORY = Path("build/integration-cdktf")
#: Seconds; most of them are the provider's fixed waits.
DEPLOY_TIMEOUT = 600
USER = "static-keys"
SECRET = "TF_VAR_aws_secret_access_key"


def deploy_with_cdktf(terraform: Terraform) -> None:
    """Deploy what was synthesized with the cdktf command."""
    command = [
        "node_modules/.bin/cdktf",
        "deploy",
        terraform.directory.name,
        "--skip-synth",
        # Offline, cdktf's own lock of providers would ask the Terraform registry.
        "--skip-provider-lock",
        "--auto-approve",
        "--output",
        str(terraform.directory.parents[1]),
        "--var-file",
        str(terraform.directory / "local.tfvars.json"),
    ]
    environment = {
        "CHECKPOINT_DISABLE": "1",
        "CI": "1",
        "TERRAFORM_BINARY_NAME": terraform_program(),
    }
    done = run(command, DEPLOY_TIMEOUT, cwd=REPOSITORY, env={**os.environ, **environment})
    if done.returncode != 0:
        raise LocalCloudError(f"cdktf deploy failed: {done.stdout[-3000:]}{done.stderr[-1000:]}")


@pytest.fixture(scope="module")
def classic(
    only_local: None,  # noqa: ARG001
    report: Callable[[str], None],
    logs: Callable[[Path], None],
) -> Iterator[LocalRegistry]:
    logs(DIRECTORY / "logs")
    keys: pytest.MonkeyPatch

    def deploy(terraform: Terraform) -> None:
        iam = terraform.emulator.session().client("iam")
        iam.create_user(UserName=USER)
        iam.attach_user_policy(
            UserName=USER, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"
        )
        key = iam.create_access_key(UserName=USER)["AccessKey"]
        keys.setenv("TF_VAR_aws_access_key", key["AccessKeyId"])
        keys.setenv(SECRET, key["SecretAccessKey"])
        deploy_with_cdktf(terraform)

    shape = {
        "WHARF_NAME": "classic",
        "WHARF_LOAD_BALANCER": "classic",
        "WHARF_BLOB_DELIVERY": "redirect",
        "WHARF_HOST_NETWORK": "nat",
    }
    with (
        ends_on_signals(),
        pytest.MonkeyPatch.context() as keys,
        LocalRegistry(
            DIRECTORY,
            hosts=1,
            shape=shape,
            variables={"index_validation": "none"},
            report=report,
            deploy=deploy,
        ) as registry,
    ):
        yield registry


def test_push_and_pull(
    classic: LocalRegistry, repository: str, image: Path, tmp_path: Path
) -> None:
    client = classic.deployment.skopeo()
    client.push(image, f"{repository}:1")
    client.pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest_of(image)


def test_hosts_know_the_address_of_the_client(classic: LocalRegistry) -> None:
    with classic.deployment.client(anonymous=True) as client:
        client.get("/v2/from-afar/tags/list")
    (host,) = classic.cloud.hosts
    entries = host.log("nginx").read_text().splitlines()
    entry = next(one for one in entries if "/v2/from-afar/tags/list" in one)
    assert f'"address":"{classic.cloud.network.gateway}"' in entry


def test_lists_with_static_keys(classic: LocalRegistry, repository: str, image: Path) -> None:
    classic.deployment.skopeo().push(image, f"{repository}:1")
    with classic.deployment.client() as client:
        assert client.get(f"/v2/{repository}/tags/list").json()["tags"] == ["1"]
        assert repository in client.get("/v2/_catalog").json()["repositories"]


def test_v2_without_a_slash_is_not_redirected(classic: LocalRegistry) -> None:
    with classic.deployment.client() as client:
        assert client.get("/v2").status_code == 200


def test_an_index_of_layers_is_accepted_without_validation(
    classic: LocalRegistry, repository: str
) -> None:
    deployment, layer = classic.deployment, os.urandom(1000)
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, layer)
    entry = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": upload.finish(deployment.url, layer),
        "size": len(layer),
    }
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    with deployment.client() as client:
        path, kind = f"/v2/{repository}/manifests/cache", {"Content-Type": INDEX}
        client.put(path, content=index, headers=kind).raise_for_status()
        assert client.get(path).text == index


def test_layers_come_from_s3(classic: LocalRegistry, repository: str, image: Path) -> None:
    deployment = classic.deployment
    deployment.skopeo().push(image, f"{repository}:1")
    with deployment.client() as client:
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        manifest = client.get(f"/v2/{repository}/manifests/1", headers=accept).json()
        path = f"/v2/{repository}/blobs/{manifest['layers'][0]['digest']}"
        answer, another = client.get(path), client.get(path)
    bucket = classic.cloud.outputs["image_bucket"]
    assert (answer.status_code, another.status_code) == (307, 307)
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert not answer.content
    host = httpx.URL(answer.headers["Location"]).host
    assert host in (f"{bucket}.s3.amazonaws.com", f"{bucket}.s3.us-east-1.amazonaws.com")


def test_static_keys_take_the_place_of_the_task_role(
    classic: LocalRegistry, repository: str, image: Path
) -> None:
    iam = classic.cloud.session.client("iam")
    iam.delete_role_policy(RoleName="classic-task-us-east-1", PolicyName="task_storage")
    classic.deployment.skopeo().push(image, f"{repository}:1")


def test_neither_key_is_in_the_state_or_the_task_definition(classic: LocalRegistry) -> None:
    secret = os.environ[SECRET]
    state = (classic.cloud.terraform.directory / "terraform.tfstate").read_text()
    ecs = classic.cloud.session.client("ecs")
    (task,) = ecs.list_task_definitions()["taskDefinitionArns"]
    assert secret not in state
    assert secret not in str(ecs.describe_task_definition(taskDefinition=task))


def test_a_changed_template_replaces_the_host(
    classic: LocalRegistry, repository: str, image: Path, tmp_path: Path
) -> None:
    classic.deployment.skopeo().push(image, f"{repository}:1")
    before = {host.id for host in classic.cloud.hosts}
    classic.cloud.terraform_with({"volume_size": 40}).apply()
    classic.cloud.reconcile()
    after = {host.id for host in classic.cloud.hosts}
    assert len(after) == len(before)
    assert not after & before
    classic.deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest_of(image)


def test_a_second_plan_changes_nothing_and_destroy_leaves_nothing(classic: LocalRegistry) -> None:
    terraform = classic.cloud.terraform
    terraform.apply()  # the policy that a test above has taken away
    assert terraform.changes() == []
    terraform.destroy()
    left = inventory(classic.cloud.session) - classic.cloud.baseline
    assert not {one for one in left if USER not in one}
