"""A rule says the same to Python, at synth, and to Terraform, at plan."""

import json
from pathlib import Path

import pytest

from modules.bounds import FromEcr
from modules.limits import key_rules_of, rules_of, whole_rules_of
from modules.rules import Matches, Rule, Whole, Within
from modules.settings import Settings
from tests.terraform_console import evaluate

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
    "172.17.0.0/16",
    "172.17.128.0/20",
    "172.16.0.0/16",
    "172.170.0.0/16",
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
    "internal-a",
    "internal",
    "sg-a",
    "sg",
    "sgx",
    "sthree",
    "eusc-de-east-1",
    "us-isob-east-1",
    "https://x/y:1",
    "x/y:1",
    "localhost:5000/x/y:1",
    "x//y",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx-proxy:1",
    f"registry@sha256:{'0' * 64}",
    "registry@sha256:0",
    "registry.xn--e1afmkfd.xn--p1ai",
    "registry.example.xn--",
    "ops@example.xn--p1ai",
]
#: For rules of a list or a table as a whole.
TABLES: list[object] = [
    {},
    {"team": "a"},
    {"Environment": "a", "Name": "b"},
    {"environment": "a"},
    {"team": "a", "Team": "b"},
    {f"tag-{number}": "a" for number in range(45)},
    {f"tag-{number}": "a" for number in range(46)},
]


def terraform_says(rule: Rule | Whole, values: list[object], directory: Path) -> list[bool]:
    """Let Terraform evaluate the rule's condition over each of the values."""
    conditions = ", ".join(rule.condition(f"({json.dumps(value)})") for value in values)
    found: list[bool] = evaluate(f"[{conditions}]", directory)
    return found


def all_rules() -> list[Rule | Whole]:
    fields = Settings.model_fields.values()
    found = {
        rule
        for field in fields
        for rule in (*rules_of(field), *key_rules_of(field), *whole_rules_of(field))
    }
    return sorted(found, key=repr)


@pytest.mark.parametrize("rule", all_rules(), ids=repr)
def test_python_and_terraform_agree(rule: Rule | Whole, tmp_path: Path) -> None:
    values: list[object] = [*NAMES] if isinstance(rule, Matches) else [*NETWORKS]
    if isinstance(rule, Within):
        values = [*NUMBERS]
    if isinstance(rule, Whole):
        values = TABLES
    assert terraform_says(rule, values, tmp_path) == [rule.accepts(value) for value in values]


def test_python_and_terraform_agree_on_the_region_of_ecr(tmp_path: Path) -> None:
    class InFrankfurt(FromEcr):
        def condition(self, reference: str) -> str:
            said = super().condition(reference)
            said = said.replace("var.host_network", '"endpoints"')
            return said.replace("var.aws_region", '"eu-central-1"')

        def accepts(self, value: object) -> bool:
            others = {"host_network": "endpoints", "aws_region": "eu-central-1"}
            return self.refuses(value, others) is None

    image = "123456789012.dkr.ecr.{}/a:1"
    endings = [
        *("eu-central-1.amazonaws.com", "eu-central-1.amazonaws.eu"),
        *("eu-central-2.amazonaws.com", "eu-central-10.amazonaws.com"),
    ]
    values: list[object] = ["docker.io/a:1", *(image.format(ending) for ending in endings)]
    said = terraform_says(InFrankfurt(), values, tmp_path)
    assert said == [InFrankfurt().accepts(value) for value in values]
    assert said == [False, True, True, False, False]


def test_a_rule_can_fail() -> None:
    (bucket,) = rules_of(Settings.model_fields["aws_registry_bucket"])
    assert bucket.accepts("images")
    assert not bucket.accepts("Images")
    assert not bucket.accepts("images\n")
    assert not Within(1, 2, "hosts").accepts(True is None)
