"""The setting of mirrors: its checks, and what it becomes in the stack."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wharf_proxy import mirrors
from wharf_proxy.errors import ConfigurationError

from modules.errors import SettingsError
from modules.network import PULL_PORTS
from modules.settings.file import load_environments
from modules.settings.mirrors import container_secrets
from tests.support.containers import environment, only
from tests.support.terraform_console import evaluate

Stack = dict[str, Any]
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:docker-hub-AbCdEf"
LOGIN = json.dumps({"username": "robot", "password": "pass-of-robot"})


def problem(tmp_path: Path, text: str) -> str:
    """Return the one line that refuses settings."""
    file = tmp_path / "wharf.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_environments(file, {})
    (line,) = str(refused.value).splitlines()
    return line


def test_a_host_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "wharf.toml"
    file.write_text('[mirrors."docker.io"]\n[mirrors."ghcr.io"]\ntag_seconds = 60\n')
    (settings,) = load_environments(file, {})
    assert {host: mirror.tag_seconds for host, mirror in settings.mirrors.items()} == {
        "docker.io": 300,
        "ghcr.io": 60,
    }


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('[mirrors."docker"]', "each key must be the host of a registry such as docker.io"),
        ('[mirrors."a.example:5000"]', "without a port"),
        ('[mirrors."a.example"]\nurl = "http://a.example"', "each url: it must be a URL without"),
        (
            '[mirrors."a.example"]\nurl = "https://a.example/v2"',
            "each url: it must be a URL without",
        ),
        (
            '[mirrors."a.example"]\nsecret = "hunter2"',
            "each secret: it must be the ARN of a secret",
        ),
        ('[mirrors."a.example"]\ntag_seconds = 0', "each tag_seconds: it must be 1 to 86400"),
        ('[mirrors."a.example"]\npassword = "x"', "unknown; see docs/settings.md"),
        (
            'host_network = "endpoints"\n'
            'proxy_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"\n'
            'registry_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:1"\n'
            '[mirrors."docker.io"]',
            "no entry where host_network is endpoints: such hosts reach AWS only, so choose nat",
        ),
    ],
)
def test_a_wrong_mirror_is_one_line_with_the_remedy(tmp_path: Path, text: str, remedy: str) -> None:
    assert remedy in problem(tmp_path, text)


def given(table: dict[str, dict[str, object]]) -> str:
    """Return the variable as Terraform has it, with the defaults of the fields."""
    usual = {"url": "", "secret": "", "tag_seconds": 300}
    return json.dumps({host: usual | mirror for host, mirror in table.items()})


def test_the_proxy_reads_what_the_task_says(stack: Stack, tmp_path: Path) -> None:
    table = given({"ghcr.io": {"secret": SECRET}, "a.example": {"url": "https://b.example:5000"}})
    text = environment(stack, "nginx")["NGINX_MIRRORS"]
    entries = evaluate(f'"{text}"'.replace("var.mirrors", table), tmp_path)
    (secret,) = logins(table, tmp_path)
    assert secret["valueFrom"] == SECRET
    found = mirrors.read(entries, {secret["name"]: LOGIN})
    assert [(mirror.host, mirror.url, mirror.username) for mirror in found] == [
        ("a.example", "https://b.example:5000", ""),
        ("ghcr.io", "https://ghcr.io", "robot"),
    ]


def logins(table: str, directory: Path, before: str = "") -> list[dict[str, str]]:
    """Return the entries of a container's secrets, which follow others if there are any."""
    template = json.dumps(f"[{before}{container_secrets(follow=bool(before))}]")
    found: list[dict[str, str]] = json.loads(
        evaluate(template.replace("var.mirrors", table), directory)
    )
    return found


@pytest.mark.parametrize("before", ["", '{"name": "KEY", "valueFrom": "arn"}'])
def test_each_login_is_a_secret(tmp_path: Path, before: str) -> None:
    hosts = ("a.example", "b.example", "c.example")
    table = given({host: {"secret": SECRET if host != "b.example" else ""} for host in hosts})
    names = [secret["name"] for secret in logins(table, tmp_path, before)]
    assert names[-2:] == ["MIRROR_LOGIN_0", "MIRROR_LOGIN_2"]
    assert logins(given({}), tmp_path, before) == ([json.loads(before)] if before else [])


@pytest.mark.parametrize("key", ["", "AKIA"])
@pytest.mark.parametrize("hosts", [0, 2])
def test_secrets_of_the_containers_are_json(
    stack: Stack, tmp_path: Path, key: str, hosts: int
) -> None:
    definitions = only(stack, "aws_ecs_task_definition")["container_definitions"]
    table = given({f"{number}.example": {"secret": SECRET} for number in range(hosts)})
    found = []
    for template in re.findall(r'"secrets": (%\{ if .*?\]%\{ endif \})', definitions):
        text = json.dumps(re.sub(r"\$\{aws_[^}]*\}", "arn", template))
        text = text.replace("var.mirrors", table).replace("var.aws_access_key", json.dumps(key))
        found.append([secret["name"] for secret in json.loads(evaluate(text, tmp_path))])
    keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] if key else []
    logins = [f"MIRROR_LOGIN_{number}" for number in range(hosts)]
    assert found == [[*keys, *logins], ["REGISTRY_HTTP_SECRET", *keys]]


def test_hosts_reach_the_port_of_a_mirror(tmp_path: Path) -> None:
    table = given({"ghcr.io": {}, "a.example": {"url": "https://b.example:5000"}})
    code = re.sub(r"var[.](proxy|registry)_image", '"a.example/b:1"', PULL_PORTS)
    assert set(evaluate(code.replace("var.mirrors", table), tmp_path)) == {"443", "5000"}


def test_only_the_execution_role_reads_the_logins(synthesize: Callable[..., Stack]) -> None:
    policies = synthesize()["resource"]["aws_iam_role_policy"]
    readers = {name for name, policy in policies.items() if "var.mirrors" in json.dumps(policy)}
    assert readers == {"permissions_execution_mirrors"}
    policy = policies["permissions_execution_mirrors"]
    assert policy["role"] == "${aws_iam_role.permissions_execution.name}"
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement["Action"] == ["secretsmanager:GetSecretValue"]
    assert statement["Resource"] == ["${each.value}"]


@pytest.mark.parametrize(
    ("text", "secret", "line"),
    [
        ("docker.io", "", "must be a host, 1 to 86400 seconds and a URL"),
        ("docker.io=86401=", "", "must be a host, 1 to 86400 seconds and a URL"),
        ("docker.io=0=", "", "must be a host, 1 to 86400 seconds and a URL"),
        ("docker.io=300=http://a.example", "", "must be a host, 1 to 86400 seconds and a URL"),
        ("docker.io=300=", "hunter2", "the secret of the mirror docker.io: it must be JSON"),
        ("docker.io=300=", '{"username": "hunter2"}', "it must be JSON with two texts"),
    ],
)
def test_the_proxy_refuses_others_in_one_line_without_the_secret(
    text: str, secret: str, line: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        mirrors.read(text, {"MIRROR_LOGIN_0": secret})
    assert line in str(refused.value)
    assert "hunter2" not in str(refused.value)
