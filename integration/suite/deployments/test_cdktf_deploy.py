"""The other shape, deployed as docs/first-deployment.md says, from an empty account.

A classic balancer, private hosts, static keys, redirects.
"""

import os
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import httpx
import pytest

from integration.clients.image_builder import INDEX, LAYER, describe, encode, layout_digest
from integration.console.signals import ends_on_signals
from integration.console.waiting import poll
from integration.local.api.inventory import inventory
from integration.local.registry import LocalRegistry
from integration.local.terraform import Terraform
from integration.suite.support.first_deployment import IMAGE, FirstDeployment, deploy_with_cdktf
from integration.suite.support.foreign_layers import ELSEWHERE, FOREIGN, put_foreign
from tests.support.browser import start_browser

DIRECTORY = Path("build/integration-cdktf")
USER = "static-keys"
KEY, SECRET = "TF_VAR_aws_access_key", "TF_VAR_aws_secret_access_key"
#: What a page does with the URL and the login: fetch a list, and the digest of a manifest.
SCRIPT = """
const [url, login, path, done] = arguments;
const options = {headers: {Authorization: login}, credentials: "include"};
(async () => {
    const list = await (await fetch(`${url}/v2/_catalog`, options)).json();
    const manifest = await fetch(url + path, {...options, method: "HEAD"});
    const missing = await fetch(`${url}/v2/nothing/tags/list`, options);
    return [list.repositories, manifest.headers.get("Docker-Content-Digest"), missing.status];
})().then(done, error => done(String(error)));
"""


#: With the longest name that a host can have.
LONG_ORIGIN = f"https://{'.'.join(['a' * 63] * 4)[:253]}:65535"


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """Yield the origin of a page on this machine."""
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def first(
    only_local: None,  # noqa: ARG001
    page: str,
    report: Callable[[str], None],
    logs: Callable[[Path], None],
) -> Iterator[FirstDeployment]:
    logs(DIRECTORY / "logs")
    keys: pytest.MonkeyPatch

    def deploy(terraform: Terraform) -> None:
        report("wharf image")
        steps.push_image()
        iam = terraform.emulator.session().client("iam")
        iam.create_user(UserName=USER)
        iam.attach_user_policy(
            UserName=USER, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"
        )
        key = iam.create_access_key(UserName=USER)["AccessKey"]
        keys.setenv(KEY, key["AccessKeyId"])
        keys.setenv(SECRET, key["SecretAccessKey"])
        deploy_with_cdktf(terraform)

    shape = {
        "WHARF_NAME": "classic",
        "WHARF_LOAD_BALANCER": "classic",
        "WHARF_BLOB_DELIVERY": "redirect",
        "WHARF_HOST_NETWORK": "nat",
    }
    registry = LocalRegistry(
        DIRECTORY,
        hosts=1,
        shape=shape,
        variables={
            "proxy_image": IMAGE,
            "index_validation": "none",
            "foreign_layer_urls": [ELSEWHERE, "https://other.example.com/"],
            "browser_origins": [LONG_ORIGIN, "https://ui.example.com", page, page],
        },
        report=report,
        deploy=deploy,
        builds=False,
    )
    steps = FirstDeployment(registry, "classic")
    with (
        ends_on_signals(),
        pytest.MonkeyPatch.context() as keys,
        steps,
    ):
        yield steps


@pytest.fixture(scope="module")
def classic(first: FirstDeployment) -> LocalRegistry:
    return first.registry


def test_the_image_is_pushed_once_and_named_in_the_settings(first: FirstDeployment) -> None:
    assert tomllib.loads(first.settings.read_text())["proxy_image"] == IMAGE
    assert f"{IMAGE} is in ECR already" in first.pushed_again
    assert "Pushing" not in first.pushed_again


def test_a_proxy_that_cannot_start_is_told_with_its_log(first: FirstDeployment) -> None:
    broken = first.broken
    assert broken.status == 1
    *lines, last = broken.errors.splitlines()
    assert any("nginx.htpasswd: line 1" in line for line in lines), broken.errors
    # Three or more: some end while the command looks at the last ones.
    assert " tasks ended: Essential container in task exited; nginx: status 1 (log" in last
    assert last.endswith("(log: the log group /wharf/classic/nginx)")


def test_the_start_tells_what_happens_until_the_registry_responds(first: FirstDeployment) -> None:
    lines = first.started.output.splitlines()
    assert any("hosts: 1 InService of 1" in line for line in lines)
    assert any("registry: no response" in line for line in lines)
    assert f"The registry responds: docker login {first.domain}" in lines


def test_push_and_pull(
    classic: LocalRegistry, repository: str, image: Path, tmp_path: Path
) -> None:
    client = classic.deployment.skopeo()
    client.push(image, f"{repository}:1")
    client.pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)


def test_hosts_know_the_address_of_the_client(classic: LocalRegistry) -> None:
    with classic.deployment.client(anonymous=True) as client:
        client.get("/v2/from-afar/tags/list")
    (host,) = classic.cloud.hosts
    entries = host.log("nginx").read_text().splitlines()
    entry = next(line for line in entries if "/v2/from-afar/tags/list" in line)
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
    entries = [describe(LAYER, layer)]
    index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    with deployment.repository(repository) as client:
        client.upload(layer)
        client.put_manifest("cache", index, INDEX)
        assert client.manifest("cache") == index


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{ELSEWHERE}sha256:0", 201),
        ("https://mcrxexample.com/v2/windows/blobs/", 400),
        (f"https://a.example/?{ELSEWHERE}", 400),
    ],
)
def test_foreign_layers_are_accepted_from_allowed_urls(
    classic: LocalRegistry, repository: str, kind: str, url: str, status: int
) -> None:
    response = put_foreign(classic.deployment, repository, kind, url)
    assert (response.status_code, "foreign_layer_urls" in response.text) == (status, status == 400)


def test_a_page_of_an_allowed_origin_uses_the_registry(
    classic: LocalRegistry, page: str, repository: str, image: Path
) -> None:
    deployment = classic.deployment
    deployment.skopeo().push(image, f"{repository}:1")
    with start_browser("ignore-certificate-errors") as browser:
        arguments = (deployment.url, deployment.authorization, f"/v2/{repository}/manifests/1")
        browser.get(page)
        use = partial(browser.execute_async_script, SCRIPT, *arguments)
        # Once, beside other clouds, Chromium's request did not reach the balancer.
        repositories, digest, missing = poll(use, 20, 1, lambda found: isinstance(found, list))
        assert repository in repositories
        assert (digest, missing) == (layout_digest(image), 404)
        browser.get(page.replace("localhost", "127.0.0.1"))
        refusal = browser.execute_async_script(SCRIPT, *arguments)
        assert refusal == "TypeError: Failed to fetch"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://ui.example.com", 204), (LONG_ORIGIN, 204), ("https://ui.example.com.a", 405)],
    ids=["allowed", "long", "other"],
)
def test_a_preflight_needs_no_login(classic: LocalRegistry, origin: str, status: int) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    with classic.deployment.client(anonymous=True) as client:
        response = client.options("/v2/a/manifests/1", headers=headers)
        # Only what a browser sends before a request; the request itself needs the password.
        assert client.get("/v2/a/manifests/1", headers=headers).status_code == 401
    allowed = response.headers.get("Access-Control-Allow-Origin")
    assert (response.status_code, allowed) == (status, origin if status == 204 else None)
    assert response.headers["Vary"] == "Origin"


def test_layers_come_from_s3(classic: LocalRegistry, repository: str, image: Path) -> None:
    deployment = classic.deployment
    deployment.skopeo().push(image, f"{repository}:1")
    with deployment.client() as client:
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        manifest = client.get(f"/v2/{repository}/manifests/1", headers=accept).json()
        path = f"/v2/{repository}/blobs/{manifest['layers'][0]['digest']}"
        response, another = client.get(path), client.get(path)
    bucket = classic.cloud.outputs["image_bucket"]
    assert (response.status_code, another.status_code) == (307, 307)
    assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert not response.content
    url, s3 = httpx.URL(response.headers["Location"]), "s3.us-east-1.amazonaws.com"
    # distribution 2.8 has the bucket in the path where it is told the address of S3.
    assert url.host == f"{bucket}.{s3}" or (url.host, url.path.split("/")[1]) == (s3, bucket)


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


def test_changed_keys_reach_the_containers(
    classic: LocalRegistry, repository: str, image: Path
) -> None:
    key = classic.cloud.session.client("iam").create_access_key(UserName=USER)["AccessKey"]
    # The fixture restores both.
    os.environ[KEY], os.environ[SECRET] = key["AccessKeyId"], key["SecretAccessKey"]
    classic.cloud.terraform.apply()
    classic.cloud.reconcile()
    (host,) = classic.cloud.hosts
    for container in host.containers:
        environment = Path(f"/proc/{host.pid(container)}/environ").read_bytes().split(b"\0")
        assert f"AWS_ACCESS_KEY_ID={key['AccessKeyId']}".encode() in environment
    classic.deployment.skopeo().push(image, f"{repository}:1")


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
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)


def test_a_second_plan_changes_nothing_and_destroy_leaves_nothing(classic: LocalRegistry) -> None:
    terraform = classic.cloud.terraform
    terraform.apply()  # the policy that a test above has taken away
    assert terraform.changes() == []
    terraform.destroy()
    left = inventory(classic.cloud.session) - classic.cloud.baseline
    assert not {name for name in left if USER not in name}
