"""Security groups, as rules for a network namespace."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from integration.local.api.instances import metadata_hops
from integration.local.api.security_groups import Rule, read_rules
from integration.local.api.vpc_endpoints import read_endpoint_peers, read_s3_endpoint
from integration.local.network.firewall import Firewall

ADDRESSES = {"sg-balancer": {"10.0.0.3"}, "sg-empty": set[str]()}


def rule(**changes: object) -> Rule:
    values: dict[str, object] = {
        "group": "sg-hosts",
        "egress": False,
        "protocol": "tcp",
        "ports": (443, 443),
        "network": None,
        "peer": "sg-balancer",
    }
    return Rule(**(values | changes))  # type: ignore[arg-type]


def incoming(*rules: Rule, groups: tuple[str, ...] = ("sg-hosts",)) -> list[str]:
    """Return the lines that let something in, in nft's language."""
    text = Firewall(groups, published={443: 443}).text(rules, ADDRESSES)
    chain = text.partition("chain incoming")[2].partition("chain outgoing")[0]
    return [line.strip() for line in chain.splitlines() if line.strip().endswith("accept")]


ALWAYS = ["iif lo accept", "ct state established,related accept"]


def test_without_a_rule_nothing_comes_in() -> None:
    assert incoming() == ALWAYS


def test_a_group_stands_for_the_addresses_of_its_members() -> None:
    assert incoming(rule()) == [
        *ALWAYS,
        "ip saddr { 10.0.0.3 } meta l4proto tcp ct original proto-dst 443-443 accept",
    ]


def test_a_group_without_members_lets_nobody_in() -> None:
    assert incoming(rule(peer="sg-empty")) == ALWAYS


def test_rules_of_other_groups_do_not_count() -> None:
    assert incoming(rule(group="sg-other")) == ALWAYS


def test_a_rule_out_is_not_a_rule_in() -> None:
    assert incoming(rule(egress=True)) == ALWAYS


def test_a_rule_for_everything() -> None:
    open_to_all = rule(protocol="-1", ports=(-1, -1), network="0.0.0.0/0", peer=None)
    assert incoming(open_to_all) == [*ALWAYS, "ip saddr { 0.0.0.0/0 } accept"]


def test_ports_that_no_container_publishes_are_closed_whatever_the_group_says() -> None:
    text = Firewall(("sg-hosts",), published={443: 8443}).text((), ADDRESSES)
    assert "tcp dport != { 8443 } drop" in text
    assert "tcp dport 443 redirect to :8443" in text


def test_a_balancer_without_a_group_is_open() -> None:
    assert "accept" in incoming(groups=())


def test_a_rule_out_for_a_prefix_list() -> None:
    out = rule(egress=True, peer="pl-s3")
    text = Firewall(("sg-hosts",)).text([out], {"pl-s3": {"10.0.0.2"}})
    chain = text.partition("chain outgoing")[2].partition("chain ports")[0]
    assert "ip daddr { 10.0.0.2 } meta l4proto tcp ct original proto-dst 443-443 accept" in chain


def test_metadata_is_reached_where_the_host_lets_it() -> None:
    near = Firewall(("sg-hosts",), metadata="10.0.0.2").text((), ADDRESSES)
    assert "ip daddr 169.254.169.254 tcp dport 80 dnat ip to 10.0.0.2:1338" in near
    far = Firewall(("sg-hosts",)).text((), ADDRESSES)
    assert "dnat" not in far
    assert "ip daddr 169.254.169.254 drop" in far


@pytest.mark.parametrize(
    ("options", "hops"),
    [
        ({"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}, 1),
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 2}, 2),
        ({}, 2),
        ({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}, 64),
        ({"HttpEndpoint": "disabled", "HttpPutResponseHopLimit": 2}, 0),
    ],
)
def test_hops_that_metadata_travels(options: dict[str, Any], hops: int) -> None:
    assert metadata_hops(options) == hops


def test_rules_and_endpoints_are_read_from_the_api() -> None:
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        ec2 = session.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        hosts, endpoints = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("hosts", "endpoints")
        )
        s3 = "com.amazonaws.us-east-1.s3"
        gateway = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=s3, VpcEndpointType="Gateway")
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName="com.amazonaws.us-east-1.ecs",
            VpcEndpointType="Interface",
            SecurityGroupIds=[endpoints],
        )
        lists = ec2.describe_prefix_lists()["PrefixLists"]
        prefix_list = next(
            entry["PrefixListId"] for entry in lists if entry["PrefixListName"] == s3
        )
        https: Any = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        ec2.authorize_security_group_egress(
            GroupId=hosts,
            IpPermissions=[
                https | {"PrefixListIds": [{"PrefixListId": prefix_list}]},
                https | {"UserIdGroupPairs": [{"GroupId": endpoints}]},
            ],
        )
        out = {rule.peer for rule in read_rules(session) if rule.group == hosts and rule.peer}
        assert read_endpoint_peers(session) == out == {endpoints, prefix_list}
        assert read_s3_endpoint(session) == gateway["VpcEndpoint"]["VpcEndpointId"]
