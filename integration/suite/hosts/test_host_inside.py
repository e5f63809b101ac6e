"""The hosts themselves: what listens, who runs as whom, what is mounted, what is written down."""

import base64
import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import testinfra  # type: ignore[import-untyped]

from integration.clients.deployment import Deployment
from integration.local.api.blueprint import Blueprint
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.network.firewall import METADATA_ADDRESS
from integration.local.registry import LocalRegistry
from integration.suite.support.logs import await_logs

#: Ports inside the host: nginx behind 80, 443 and 444, its metrics, and the registry.
NGINX = {8080, 8443, 8444, 9113}
REGISTRY = 5000
#: What podman makes in each container, or mounts over a read-only root.
OF_PODMAN = re.compile(
    r"/(dev|proc|sys|run|tmp|var/tmp|etc/(hosts|hostname|resolv\.conf|passwd|group))(/|$)"
)
TRUST = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def host(cloud: LocalCloud) -> Host:
    return cloud.hosts[0]


@pytest.fixture
def inside(host: Host) -> Callable[[str], Any]:
    """Return a container as testinfra sees it."""
    return lambda container: testinfra.get_host(f"podman://{host.container(container)}")


def listening(cloud: LocalCloud, host: Host) -> dict[int, set[str]]:
    """Return the ports on which programs of a host listen, and the names of these programs."""
    target = str(cloud.network.pid(host.pod))
    local = testinfra.get_host("local://")
    lines = local.check_output("nsenter --target %s --net ss -Hltnp", target).splitlines()
    found: dict[int, set[str]] = {}
    for line in lines:
        port = int(line.split()[3].rpartition(":")[2])
        found.setdefault(port, set()).update(re.findall(r'"([^"]+)",pid=', line))
    return found


def test_what_listens_on_a_host(cloud: LocalCloud, host: Host) -> None:
    found = listening(cloud, host)
    assert {port for port, names in found.items() if "nginx" in names} == NGINX
    # The image's own configuration file has a debug server on 5001.
    others = set(found) - NGINX
    assert others == {REGISTRY}


def has_no_capability(process: psutil.Process) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    sets = re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\t(.+)$", status, re.MULTILINE)
    return [int(capabilities, 16) for capabilities in sets] == [0] * 4


def test_nginx_runs_without_privileges(host: Host) -> None:
    first = psutil.Process(host.pid("nginx"))
    for process in (first, *first.children(recursive=True)):
        assert set(process.uids()) == {33}, process.name()
        assert has_no_capability(process), process.name()


def test_the_registry_runs_without_privileges(host: Host) -> None:
    first = psutil.Process(host.pid("registry"))
    for process in (first, *first.children(recursive=True)):
        # A user of no host; the image itself names none, and would be root.
        assert set(process.uids()) == {65532}, process.name()
        assert has_no_capability(process), process.name()


@pytest.mark.parametrize("container", ["nginx", "registry"])
def test_no_program_can_gain_privileges(host: Host, container: str) -> None:
    first = psutil.Process(host.pid(container))
    for process in (first, *first.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status, process.name()


@pytest.mark.parametrize("container", ["nginx", "registry"])
def test_memory_of_a_container_has_a_hard_limit(
    cloud: LocalCloud, host: Host, container: str
) -> None:
    ecs = cloud.session.client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    wanted = {container["name"]: container["memory"] for container in task["containerDefinitions"]}
    command = ["podman", "inspect", "--format", "{{.HostConfig.Memory}}", host.container(container)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == wanted[container] * 2**20


def session_token(cloud: LocalCloud, host: Host) -> str | None:
    """Return the token for a host's metadata, None if the host's containers get no token."""
    try:
        # All containers of a host share its network here.
        with cloud.network.inside(host.pod), httpx.Client(timeout=2, trust_env=False) as client:
            response = client.put(
                f"http://{METADATA_ADDRESS}/latest/api/token",
                headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"},
            )
    except httpx.HTTPError:
        return None
    return response.raise_for_status().text


def test_containers_do_not_reach_the_metadata_of_their_host(cloud: LocalCloud, host: Host) -> None:
    assert session_token(cloud, host) is None, "a container gets a token for the host's metadata"


@pytest.fixture
def within_reach(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """Let the metadata of a host travel two hops, as another launch template would."""
    fleet, plan, pid = cloud.fleet, Blueprint.read(cloud.session), cloud.network.pid(host.pod)
    firewall = dataclasses.replace(fleet.firewall(host, plan), metadata=cloud.endpoints.address)
    firewall.enforce(pid, plan.rules, fleet.members(plan))
    yield
    cloud.reconcile()


@pytest.mark.usefixtures("within_reach")
def test_metadata_that_travels_two_hops_is_reached_by_containers(
    cloud: LocalCloud, host: Host
) -> None:
    assert session_token(cloud, host)


def test_the_private_key_is_for_nginx_alone(inside: Callable[[str], Any]) -> None:
    nginx = inside("nginx")
    for name in ("domain.key", "nginx.htpasswd"):
        file = nginx.file(f"/var/lib/wharf/files/{name}")
        assert (file.user, file.mode & 0o077) == ("www-data", 0), name


def test_the_private_key_is_in_memory_only(inside: Callable[[str], Any]) -> None:
    point = inside("nginx").mount_point("/var/lib/wharf")
    assert point.filesystem == "tmpfs"
    assert {"noexec", "nosuid", "nodev"} <= set(point.options)


@pytest.mark.parametrize("container", ["nginx", "registry"])
def test_the_root_is_read_only(inside: Callable[[str], Any], container: str) -> None:
    root = inside(container)
    assert "ro" in root.mount_point("/").options
    assert root.run("touch /usr/lib/changed").rc != 0


@pytest.mark.parametrize(
    ("container", "wanted"),
    [("nginx", {"/var/lib/wharf", "/var/cache/wharf"}), ("registry", set())],
)
def test_what_is_mounted(inside: Callable[[str], Any], container: str, wanted: set[str]) -> None:
    lines = inside(container).file("/proc/mounts").content_string.splitlines()
    points = {line.split()[1] for line in lines} - {"/", TRUST}
    # An image may name volumes of its own: Debian's registry does, Docker's, too.
    points -= {"/var/lib/docker-registry", "/var/lib/registry"}
    assert {point for point in points if not OF_PODMAN.match(point)} == wanted


def test_the_logs_hold_no_password_and_no_secret(
    registry: LocalRegistry, deployment: Deployment, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    wrong = "the-wrong-password-of-somebody"
    with deployment.client(anonymous=True) as client:
        client.get("/v2/", auth=(deployment.username, wrong))
        client.get("/v2/_catalog", params={"password": deployment.password})
    cloud = registry.cloud
    await_logs(cloud, deployment)
    secrets = secret_values(registry) | {wrong, deployment.password}
    secrets |= {
        base64.b64encode(f"{deployment.username}:{password}".encode()).decode()
        for password in (wrong, deployment.password)
    }
    for host in cloud.hosts:
        files = list(host.log("nginx").parent.rglob("*.log"))
        assert {file.stem for file in files} >= {"nginx", "registry", "cloud-init-output"}
        for file in files:
            text = file.read_text(errors="replace")
            assert not [secret[:4] for secret in secrets if secret in text], file


def secret_values(registry: LocalRegistry) -> set[str]:
    """Return the account's secrets, the lines of the proxy's files, keys of the tasks' roles."""
    client = registry.cloud.session.client("secretsmanager")
    names = [secret["Name"] for secret in client.list_secrets()["SecretList"]]
    texts = [client.get_secret_value(SecretId=name)["SecretString"] for name in names]
    files = [
        registry.directory / "configuration" / name for name in ("domain.key", "nginx.htpasswd")
    ]
    lines = {line for file in files for line in file.read_text().splitlines()}
    keys = {
        entry.partition("=")[2]
        for host in registry.cloud.hosts
        for entry in Path(f"/proc/{host.pid('registry')}/environ").read_text().split("\0")
        if entry.startswith(("AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN="))
    }
    found = {value for text in texts for value in values(text)} | lines | keys
    return {word for word in found if len(word) > 8 and not word.startswith("-----")}


def values(secret: str) -> set[str]:
    """Return the values of a secret: its text, or the values of its JSON."""
    try:
        read = json.loads(secret)
    except json.JSONDecodeError:
        return {secret}
    return set(map(str, read.values())) if isinstance(read, dict) else {secret}


def test_a_shell_in_a_container_of_a_host(registry: LocalRegistry, host: Host) -> None:
    command = [sys.executable, "-m", "scripts.cli", "local", "enter", host.id[:10], "registry"]
    done = subprocess.run(
        [*command, "--directory", str(registry.directory)],
        input="cat /proc/1/comm",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "registry" in done.stdout


def test_keys_on_this_machine_are_for_their_owner_only(registry: LocalRegistry) -> None:
    # Terraform's state, the emulator's keys, the roles' credentials, and the private keys.
    assert oct(registry.directory.stat().st_mode & 0o777) == "0o700"
    stack = registry.cloud.terraform.directory
    for name in ("terraform.tfstate", "local_override.tf.json", "local.tfvars.json"):
        assert oct((stack / name).stat().st_mode & 0o777) == "0o600", name
