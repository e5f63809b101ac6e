"""Security groups, as the AWS API lists their rules."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A rule of a security group; ``protocol`` is "-1" for all protocols."""

    group: str
    egress: bool
    protocol: str
    ports: tuple[int, int]
    #: A network, or as ``peer`` a security group or a prefix list: one of the two.
    network: str | None
    peer: str | None


def read_rules(session: Any) -> list[Rule]:
    """Return the rules of all security groups."""
    described = session.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return [
        Rule(
            group=rule["GroupId"],
            egress=rule["IsEgress"],
            protocol=rule["IpProtocol"],
            ports=(rule.get("FromPort", -1), rule.get("ToPort", -1)),
            network=rule.get("CidrIpv4"),
            peer=rule.get("ReferencedGroupInfo", {}).get("GroupId") or rule.get("PrefixListId"),
        )
        for rule in described
    ]
