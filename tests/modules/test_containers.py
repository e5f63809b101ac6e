"""The rights of a container, on its host and in S3, and its memory."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.containers import containers, environment
from tests.support.terraform_console import evaluate

Stack = dict[str, Any]


def test_containers_can_change_nothing_of_their_own(stack: Stack) -> None:
    for container in containers(stack).values():
        assert container["readonlyRootFilesystem"] is True
        assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in container


def test_no_container_gains_privileges(stack: Stack) -> None:
    options = {
        name: container["dockerSecurityOptions"] for name, container in containers(stack).items()
    }
    assert options == {"nginx": ["no-new-privileges"], "registry": ["no-new-privileges"]}


def test_the_registry_is_a_user_that_no_host_has(stack: Stack) -> None:
    # The image of nginx names its user, that of the registry none.
    assert containers(stack)["registry"]["user"] == "65532:65532"


def test_the_debug_server_of_the_registry_is_off(stack: Stack) -> None:
    assert environment(stack, "registry")["REGISTRY_HTTP_DEBUG"] == "{}"


def limits(stack: Stack, folder: Path, *sizes: int) -> dict[str, Any]:
    """Let Terraform compute the limits for hosts with these sizes of memory, in MiB."""
    both = containers(stack)
    types = json.dumps({f"type-{size}": {"memory_size": size} for size in sizes})
    wanted = {
        "nginx": both["nginx"]["memory"],
        "registry": both["registry"]["memory"],
        "uploads": environment(stack, "nginx")["NGINX_UPLOADS"],
        "heap": environment(stack, "registry")["GOMEMLIMIT"],
    }
    code = ", ".join(f'{name} = "{value}"' for name, value in wanted.items())
    code = re.sub(r"data[.]aws_ec2_instance_type[.]\w+", types, code)
    found: dict[str, Any] = evaluate(f"{{{code}}}", folder)
    return found


@pytest.mark.parametrize("memory", [2048, 4096, 8192, 65536])
def test_a_container_at_its_limit_leaves_memory_to_the_host(
    stack: Stack, tmp_path: Path, memory: int
) -> None:
    found = limits(stack, tmp_path, memory)
    assert found["nginx"] + found["registry"] <= memory - 512


def test_limits_are_above_the_reservations_on_the_smallest_hosts(
    stack: Stack, tmp_path: Path
) -> None:
    found = limits(stack, tmp_path, 512)
    for name, container in containers(stack).items():
        assert found[name] > container["memoryReservation"]
    assert found["uploads"] >= 8


def test_the_uploads_fit_into_the_memory_of_the_registry(stack: Stack, tmp_path: Path) -> None:
    # A t3.medium, the default: 3 / 8 of 4,096 MiB less 512.
    assert limits(stack, tmp_path, 4096) == {
        "nginx": 2240,
        "registry": 1344,
        "uploads": 57,
        "heap": "1209MiB",
    }


def test_limits_are_those_of_the_smallest_type(stack: Stack, tmp_path: Path) -> None:
    several = limits(stack, tmp_path, 8192, 4096, 16384)
    assert several == limits(stack, tmp_path, 4096)
    types = stack["data"]["aws_ec2_instance_type"]["service_memory_types"]
    assert types["for_each"] == "${toset(concat([var.instance_type], var.other_instance_types))}"


def statements(stack: Stack) -> list[dict[str, Any]]:
    policy = stack["resource"]["aws_iam_role_policy"]["permissions_task_storage"]["policy"]
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return found


def test_the_task_role_has_the_actions_of_distribution_and_five_objects(stack: Stack) -> None:
    images, files = (
        f"${{aws_s3_bucket.storage_{bucket}.arn}}" for bucket in ("images", "configuration")
    )
    assert {
        (action, resource)
        for statement in statements(stack)
        for action in statement["Action"]
        for resource in statement["Resource"]
    } == {
        ("s3:ListBucket", images),
        ("s3:ListBucketMultipartUploads", images),
        ("s3:PutObject", f"{images}/docker/registry/v2/*"),
        ("s3:GetObject", f"{images}/docker/registry/v2/*"),
        ("s3:ListMultipartUploadParts", f"{images}/docker/registry/v2/*"),
        ("s3:AbortMultipartUpload", f"{images}/docker/registry/v2/*"),
        # No layer and no manifest, only what links to them.
        ("s3:DeleteObject", f"{images}/docker/registry/v2/repositories/*"),
        ("s3:GetObject", f"{files}/nginx.htpasswd"),
        ("s3:GetObject", f"{files}/domain.crt"),
        ("s3:GetObject", f"{files}/domain.key"),
        ("s3:GetObject", f"{files}/nginx.permissions"),
        ("s3:GetObject", f"{files}/identities.toml"),
        ("s3:ListBucket", files),
    }


HERE = {"StringEquals": {"aws:SourceVpce": "${aws_vpc_endpoint.network_s3.id}"}}


@pytest.mark.parametrize("delivery", ["cache", "proxy"])
def test_the_task_role_is_worth_nothing_outside_of_the_network(
    synthesize: Callable[..., Stack], delivery: str
) -> None:
    assert all(
        statement["Effect"] == "Allow" and statement["Condition"] == HERE
        for statement in statements(synthesize(blob_delivery=delivery))
    )


def test_clients_that_are_redirected_to_s3_may_read_layers_only(
    synthesize: Callable[..., Stack],
) -> None:
    (open_one,) = [
        statement
        for statement in statements(synthesize(blob_delivery="redirect"))
        if statement.get("Condition") != HERE
    ]
    assert open_one["Action"] == ["s3:GetObject"]
    assert open_one["Resource"] == ["${aws_s3_bucket.storage_images.arn}/docker/registry/v2/*"]


def test_lists_of_settings_reach_the_containers(stack: Stack, tmp_path: Path) -> None:
    texts = {
        "origins": environment(stack, "nginx")["NGINX_BROWSER_ORIGINS"],
        "urls": environment(stack, "registry")["REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW"],
    }
    for given in ([], ["https://a.example/", "https://b.example:1/x"]):
        code = ", ".join(f"{name} = {json.dumps(text)}" for name, text in texts.items())
        code = re.sub(r"var[.]\w+", json.dumps(given), code)
        found = evaluate(f"{{{code}}}", tmp_path)
        assert found["origins"].split() == given
        # A list in YAML; Go's expressions read what is between \Q and \E as it is.
        assert found["urls"] == "[" + "".join(rf"'^\Q{origin}\E'," for origin in given) + "]"
