"""Faults on the way of packets: nftables rules of their own in the network of a pod."""

from collections.abc import Iterator
from contextlib import contextmanager

from integration.local.network.firewall import nft

#: Before the security groups, and before what is known of established connections.
_TABLE = """\
table inet fault {{
  chain incoming {{
    type filter hook input priority -10;
    {incoming}
  }}
  chain outgoing {{
    type filter hook output priority -10;
    {outgoing}
  }}
}}
"""

#: Bytes each second, in each direction, of a network that is slow. What is above is lost, so TCP
#: slows down, too.
SLOW = 500_000


def lost(address: str) -> tuple[str, str]:
    """Drop all packets between the pod and an address."""
    return f"ip saddr {address} drop", f"ip daddr {address} drop"


def slow(address: str) -> tuple[str, str]:
    """Drop the packets above the rate ``SLOW`` between the pod and an address."""
    limit = f"limit rate over {SLOW} bytes/second burst 100 kbytes drop"
    return f"ip saddr {address} {limit}", f"ip daddr {address} {limit}"


@contextmanager
def disturbed(pid: int, rules: tuple[str, str]) -> Iterator[None]:
    """Put rules (for what comes in, and what goes out) into force for a while.

    Args:
        pid: a process in the network namespace, which outlives the fault.
        rules: from one of the functions above.
    """
    incoming, outgoing = rules
    nft(pid, _TABLE.format(incoming=incoming, outgoing=outgoing))
    try:
        yield
    finally:
        nft(pid, "delete table inet fault")
