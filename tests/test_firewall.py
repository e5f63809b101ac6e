"""Security groups, as rules for a network namespace."""

from integration.local.blueprint import Rule
from integration.local.firewall import Firewall

ADDRESSES = {"sg-balancer": {"10.0.0.3"}, "sg-empty": set[str]()}


def rule(**changes: object) -> Rule:
    values: dict[str, object] = {
        "group": "sg-hosts",
        "egress": False,
        "protocol": "tcp",
        "ports": (443, 443),
        "network": None,
        "peer_group": "sg-balancer",
    }
    return Rule(**(values | changes))  # type: ignore[arg-type]


def incoming(*rules: Rule, groups: tuple[str, ...] = ("sg-hosts",)) -> list[str]:
    """The lines that let something in, in nft's language."""
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
    assert incoming(rule(peer_group="sg-empty")) == ALWAYS


def test_rules_of_other_groups_do_not_count() -> None:
    assert incoming(rule(group="sg-other")) == ALWAYS


def test_a_rule_out_is_not_a_rule_in() -> None:
    assert incoming(rule(egress=True)) == ALWAYS


def test_a_rule_for_everything() -> None:
    open_to_all = rule(protocol="-1", ports=(-1, -1), network="0.0.0.0/0", peer_group=None)
    assert incoming(open_to_all) == [*ALWAYS, "ip saddr { 0.0.0.0/0 } accept"]


def test_ports_that_no_container_publishes_are_closed_whatever_the_group_says() -> None:
    text = Firewall(("sg-hosts",), published={443: 8443}).text((), ADDRESSES)
    assert "tcp dport != { 8443 } drop" in text
    assert "tcp dport 443 redirect to :8443" in text


def test_a_balancer_without_a_group_is_open() -> None:
    assert "accept" in incoming(groups=())
