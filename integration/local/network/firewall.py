"""Security groups as nftables rules in the network namespace of a host or load balancer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from integration.console.templates import templates
from integration.local.api.security_groups import Rule
from integration.local.errors import LocalCloudError
from scripts.programs import output_of

#: Where ECS serves the credentials of a task's role.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
CREDENTIALS_ADDRESS = "169.254.170.2"
#: Where EC2 serves the metadata of a host, and the port of what stands for EC2 here.
#: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
METADATA_ADDRESS = "169.254.169.254"
METADATA_PORT = 1338

_TEMPLATES = templates("integration.local.network.network")


def render(template: str, **values: object) -> str:
    """Fill in a template of the local cloud."""
    return _TEMPLATES.get_template(template).render(**values)


def nft(pid: int, text: str) -> None:
    """Run commands of nftables in the network namespace of a process.

    Raises:
        LocalCloudError: nft refuses the commands.
    """
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "nft", "--file", "-"]
    output_of("nft refused the rules", command, LocalCloudError, text=text)


@dataclass(frozen=True)
class Firewall:
    """Rules for the traffic of one machine of the cloud.

    Nothing passes that no rule of its security groups allows, and of a host only the ports that
    its containers publish: ``published`` maps a port of the host to the container's.
    """

    security_groups: Collection[str]
    published: Mapping[int, int] = field(default_factory=dict)
    #: Address that stands for the ECS agent's credentials endpoint; None where there is none.
    credentials: str | None = None
    #: Address that stands for the metadata of a host; None where nothing may reach that.
    metadata: str | None = None
    #: Ports that only the machine itself, at this address, may reach: the tests' way in.
    doors: tuple[str, Sequence[int]] | None = None

    def enforce(
        self, pid: int, rules: Sequence[Rule], addresses: Mapping[str, Collection[str]]
    ) -> None:
        """Replace the rules in the network namespace of a process.

        Args:
            pid: a process in the namespace.
            rules: the rules of all security groups.
            addresses: for each security group and prefix list the addresses of its members.
        """
        nft(pid, self.text(rules, addresses))

    def text(self, rules: Sequence[Rule], addresses: Mapping[str, Collection[str]]) -> str:
        """Return the rules in nft's language."""
        own = [rule for rule in rules if rule.group in self.security_groups]
        return render(
            "firewall.nft.j2",
            open=not self.security_groups,
            published=self.published,
            credentials=self.credentials,
            credentials_address=CREDENTIALS_ADDRESS,
            metadata=self.metadata,
            metadata_address=METADATA_ADDRESS,
            metadata_port=METADATA_PORT,
            doors=self.doors,
            incoming=_matches((rule for rule in own if not rule.egress), addresses, "saddr"),
            outgoing=_matches((rule for rule in own if rule.egress), addresses, "daddr"),
        )


def _matches(
    rules: Iterable[Rule], addresses: Mapping[str, Collection[str]], side: str
) -> list[str]:
    found = []
    for rule in rules:
        peers = [rule.network] if rule.network else sorted(addresses.get(rule.peer or "", ()))
        if not peers:
            continue
        match = f"ip {side} {{ {', '.join(peers)} }}"
        if rule.protocol != "-1":
            low, high = rule.ports
            match += f" meta l4proto {rule.protocol} ct original proto-dst {low}-{high}"
        found.append(match)
    return found
