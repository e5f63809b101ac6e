"""A failed program is one line: the task and the reason."""

import pytest
from wharf_proxy.errors import ConfigurationError

from scripts.programs import output_of, reason

TERRAFORM = """\
aws_vpc.network: Creating...
╷
│ Error: creating EC2 VPC: VpcLimitExceeded
│
│   with aws_vpc.network,
│   on cdk.tf.json line 7, in resource.aws_vpc.network:
│
╵
"""
NFT = """\
/dev/stdin:1:34-34: Error: syntax error, unexpected '}', expecting newline or semicolon
table inet x { chain y { foo bar } }
                                 ^
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (TERRAFORM, "creating EC2 VPC: VpcLimitExceeded"),
        (NFT, "syntax error, unexpected '}', expecting newline or semicolon"),
        ("Pushing\nError: --bucket: absent\n\n", "--bucket: absent"),
        (
            "Error: creating EC2 VPC\n\n  with aws_vpc.network,\n  on cdk.tf.json",
            "creating EC2 VPC",
        ),
        ("FAILED tests/test_a.py\n1 failed", "1 failed"),
        ("\n", ""),
    ],
    ids=["terraform", "nft", "wharf", "without colors", "last line", "none"],
)
def test_reason_is_an_error_or_the_last_line(output: str, expected: str) -> None:
    assert reason(output.splitlines()) == expected


def test_standard_output_is_returned() -> None:
    assert output_of("Copy", ["sh", "-c", "cat; echo aside >&2"], text="content") == "content"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo out; echo more >&2; echo why >&2; exit 3", "Copy: why"),
        ("echo why; exit 3", "Copy: why"),
        ("exit 3", "Copy: exit status 3"),
    ],
)
def test_failure_is_one_line(script: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        output_of("Copy", ["sh", "-c", script])
    assert str(raised.value) == expected


def test_class_of_the_error_is_chosen_by_the_caller() -> None:
    with pytest.raises(LookupError, match=r"^Copy: exit status 1$"):
        output_of("Copy", ["false"], LookupError)
