"""Task definitions as the local cloud reads them."""

from typing import Any

import pytest

from integration.local.api.task import Task
from integration.local.errors import LocalCloudError

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:name-abc"


class Secrets:
    """Answers as Secrets Manager does."""

    def get_secret_value(self, SecretId: str, VersionId: str = "current") -> dict[str, str]:
        versions = {"current": '{"key": "inner"}', "first": '{"key": "old"}'}
        return {ARN: {"SecretString": versions[VersionId]}}[SecretId]


def task(*containers: dict[str, Any], **settings: Any) -> Task:
    defaults = {"image": "image"}
    definitions = [{**defaults, **container} for container in containers]
    return Task(
        {"family": "f", "networkMode": "bridge", "containerDefinitions": definitions, **settings}
    )


NGINX = {
    "name": "nginx",
    "links": ["registry"],
    "portMappings": [{"hostPort": 443, "containerPort": 8443}],
}
REGISTRY = {"name": "registry"}


def test_linked_containers_start_first() -> None:
    order = task(NGINX, REGISTRY).containers(Secrets())
    assert [container.name for container in order] == ["registry", "nginx"]


def test_a_link_is_a_name_in_the_pod() -> None:
    assert task({**NGINX, "links": ["registry:upstream"]}, REGISTRY).links == [
        ("upstream", "127.0.0.1")
    ]


def test_link_to_missing_container_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="link registry names no container of the task"):
        _ = task(NGINX, {"name": "other"}).links


def test_ports_of_the_host() -> None:
    both = task(NGINX, {"name": "registry", "portMappings": [{"containerPort": 5000}]})
    assert both.published == {443: 8443}
    assert both.host_port("nginx", 8443) == 443
    assert both.host_port("registry", 5000) is None


def test_secrets_become_environment() -> None:
    named = {"ALL": ARN, "ONE": f"{ARN}:key::", "OLD": f"{ARN}:key::first"}
    secrets = [{"name": name, "valueFrom": value} for name, value in named.items()]
    (container,) = task({"name": "c", "secrets": secrets}).containers(Secrets())
    assert container.environment == {"ALL": '{"key": "inner"}', "ONE": "inner", "OLD": "old"}


def test_unknown_field_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="Container c: privileged is not known"):
        task({"name": "c", "privileged": True})


def test_another_network_mode_is_told() -> None:
    with pytest.raises(LocalCloudError, match="network mode awsvpc is not known here"):
        task(REGISTRY, networkMode="awsvpc")


def test_limits_stay_within_those_of_the_machine() -> None:
    limit = {"name": "nofile", "softLimit": 10, "hardLimit": 10**9}
    (container,) = task({"name": "c", "ulimits": [limit]}).containers(Secrets())
    soft, hard = container.options["ulimit"][0].removeprefix("nofile=").split(":")
    assert int(soft) == 10
    assert int(hard) < 10**9


def test_what_a_container_is_denied() -> None:
    parameters = {
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
        "tmpfs": [{"containerPath": "/state", "size": 32, "mountOptions": ["noexec"]}],
    }
    confined = {
        "name": "c",
        "linuxParameters": parameters,
        "readonlyRootFilesystem": True,
        "dockerSecurityOptions": ["no-new-privileges"],
        "user": "65532:65532",
        "memory": 512,
    }
    (container,) = task(confined).containers(Secrets())
    assert container.options["cap_drop"] == ["ALL"]
    assert container.options["cap_add"] == ["CHOWN"]
    assert container.options["tmpfs"] == ["/state:size=32m,noexec"]
    assert container.options["read_only"]
    assert container.options["security_options"] == ["no-new-privileges"]
    assert container.options["user"] == "65532:65532"
    assert container.options["memory"] == "512m"


def test_a_linux_parameter_that_is_not_understood_is_told() -> None:
    with pytest.raises(LocalCloudError, match="Container c: sharedMemorySize is not known"):
        task({"name": "c", "linuxParameters": {"sharedMemorySize": 64}})


def test_volumes_are_mounted() -> None:
    volume = {"name": "cache", "dockerVolumeConfiguration": {"driver": "local"}}
    mount = {"sourceVolume": "cache", "containerPath": "/var/cache"}
    (container,) = task({"name": "c", "mountPoints": [mount]}, volumes=[volume]).containers(
        Secrets()
    )
    assert container.mounts == (("cache", "/var/cache"),)


def test_a_volume_of_another_kind_is_told() -> None:
    with pytest.raises(LocalCloudError, match="volume cache is not of Docker's local driver"):
        task(REGISTRY, volumes=[{"name": "cache", "host": {"sourcePath": "/srv"}}])
