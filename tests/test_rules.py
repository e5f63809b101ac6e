"""A rule says the same to Python, at synth, and to Terraform, at plan."""

import json
import subprocess
from pathlib import Path

import pytest

from integration.local.machine import terraform_program
from modules.limits import key_rules_of, rules_of
from modules.rules import Matches, Rule, Within
from modules.settings import Settings

NUMBERS = [-1, 0, 1, 29, 30, 31, 100, 101, 16384, 16385]
NETWORKS = [
    "10.0.0.0/8",
    "10.0.0.1/8",
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.0.0/25",
    "10.0.0.0",
    "10.0.0.0/33",
    "300.0.0.0/8",
    "fd00::/8",
    "",
    "anywhere",
]
NAMES = [
    "",
    "a",
    "ab",
    "abc",
    "a" * 63,
    "a" * 64,
    "Abc",
    "a_b",
    "a.b",
    "-ab",
    "ab-",
    "xn--abc",
    "abc-s3alias",
    "eu-west-1",
    "t3.medium",
    "docker.io/library/registry:3.1.1",
    "3 4",
    "30",
    "30 8 * * MON-FRI",
    "30 8 * *",
    "ops@example.com",
    "arm64",
    "Z0123456789",
    "registry.example.com",
    "arn:aws:kms:eu-west-1:123456789012:key/1234abcd",
]


def terraform_says(rule: Rule, values: list[object], directory: Path) -> list[bool]:
    """Let Terraform evaluate the rule's condition over each of the values."""
    conditions = ", ".join(rule.condition(f"({json.dumps(value)})") for value in values)
    done = subprocess.run(
        [terraform_program(), f"-chdir={directory}", "console"],
        input=f"jsonencode([{conditions}])",
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[bool] = json.loads(json.loads(done.stdout))
    return answer


def all_rules() -> list[Rule]:
    fields = Settings.model_fields.values()
    found = {rule for field in fields for rule in (*rules_of(field), *key_rules_of(field))}
    return sorted(found, key=repr)


@pytest.mark.parametrize("rule", all_rules(), ids=repr)
def test_python_and_terraform_agree(rule: Rule, tmp_path: Path) -> None:
    values: list[object] = [*NAMES] if isinstance(rule, Matches) else [*NETWORKS]
    if isinstance(rule, Within):
        values = [*NUMBERS]
    assert terraform_says(rule, values, tmp_path) == [rule.accepts(value) for value in values]


def test_a_rule_can_fail() -> None:
    (bucket,) = rules_of(Settings.model_fields["aws_registry_bucket"])
    assert bucket.accepts("images")
    assert not bucket.accepts("Images")
    assert not bucket.accepts("images\n")
    assert not Within(1, 2, "hosts").accepts(True is None)
