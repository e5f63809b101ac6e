"""A rule means the same to Python, at synth, and to Terraform, at plan."""

import json
from pathlib import Path

import pytest

from modules.settings.bounds import Bound, EmptyWhere, Ends, FromEcr, OneOrTwo
from modules.settings.limits import key_rules_of, parts_of, rules_of, whole_rules_of
from modules.settings.rules import Matches, Rule, Whole, Within
from modules.settings.settings import Settings
from tests.support.terraform_console import evaluate

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
    "https://example.com",
    "https://example.com/",
    "https://example.com/'/",
    r"https://example.com/\E.*",
    "https://example.com:5000/v2/",
    "http://example.com/",
    "https://user@example.com/",
    "https://example.com:443",
    "https://example.com:0443",
    f"https://{'a' * 253}",
    f"https://{'a' * 254}",
    f"https://example.com/{'a' * 200}",
    f"https://example.com/{'a' * 201}",
    "https://Example.com",
    "http://example.com",
    "http://localhost:8000",
    "http://localhost:80",
    "http://127.0.0.1",
    "http://localhost.example.com",
    "null",
    "*",
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


def terraform_says(
    rule: Rule | Whole | Ends | Bound, values: list[object], directory: Path
) -> list[bool]:
    """Let Terraform evaluate the rule's condition over each of the values."""
    conditions = ", ".join(rule.condition(f"({json.dumps(value)})") for value in values)
    found: list[bool] = evaluate(f"[{conditions}]", directory)
    return found


def all_rules() -> list[Rule | Whole]:
    fields = list(Settings.model_fields.values())
    fields += [part for field in fields for part in parts_of(field).values()]
    found = {
        rule
        for field in fields
        for rule in (*rules_of(field), *key_rules_of(field), *whole_rules_of(field))
        if not isinstance(rule, Ends | EmptyWhere)  # it knows another setting
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


@pytest.mark.parametrize(("fewest", "allowed"), [(1, [True, False]), (2, [True, True])])
def test_python_and_terraform_agree_on_one_host_or_two(
    fewest: int, allowed: list[bool], tmp_path: Path
) -> None:
    class AtLeastSome(OneOrTwo):
        def condition(self, reference: str) -> str:
            return super().condition(reference).replace("var.minimum_hosts", str(fewest))

    values: list[object] = [1, 4]
    bound = AtLeastSome("minimum_hosts")
    said = [bound.refuses(value, {"minimum_hosts": fewest}) is None for value in values]
    assert terraform_says(bound, values, tmp_path) == said == allowed


def test_python_and_terraform_agree_on_a_schedule_that_ends(tmp_path: Path) -> None:
    class OfTwo(Ends):
        def condition(self, reference: str) -> str:
            return super().condition(reference).replace("var.minimum_hosts", "2")

    ends = OfTwo("minimum_hosts")
    values: list[object] = [{}, {"0 8 * * *": 4}, {"0 8 * * *": 4, "0 9 * * *": 2}]
    others = {"minimum_hosts": 2}
    said = terraform_says(ends, values, tmp_path)
    assert said == [ends.refuses(value, others) is None for value in values]  # type: ignore[arg-type]
    assert said == [True, False, True]


def test_a_rule_can_fail() -> None:
    (bucket,) = rules_of(Settings.model_fields["aws_registry_bucket"])
    assert bucket.accepts("images")
    assert not bucket.accepts("Images")
    assert not bucket.accepts("images\n")
    assert not Within(1, 2, "hosts").accepts(True is None)
