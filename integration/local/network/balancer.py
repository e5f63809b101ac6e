"""A load balancer: HAProxy in TCP mode, as the AWS API describes it."""

import csv
from collections.abc import Mapping

import httpx

from integration.local.api.blueprint import Balancer
from integration.local.network.firewall import Firewall, render
from integration.local.network.haproxy import CONNECTIONS, HaProxy

LUA = "unhealthy.lua"
#: A port that leads to one host only is this and the last number of the host's address.
DOORS = 20000


class LocalBalancer:
    """One load balancer of the AWS API, made real."""

    def __init__(self, haproxy: HaProxy, gateway: str) -> None:
        self._haproxy = haproxy
        self._gateway = gateway
        self.name = haproxy.name
        self.address = haproxy.address
        self.log = haproxy.log

    def serve(self, balancer: Balancer, hosts: Mapping[str, str]) -> None:
        """Start, or go on, with the targets; ``hosts`` has the address of each instance."""
        self._haproxy.directory.mkdir(parents=True, exist_ok=True)
        (self._haproxy.directory / LUA).write_text(render(LUA))
        self._haproxy.configure(
            render(
                "balancer.cfg.j2",
                balancer=balancer,
                addresses=hosts,
                doors={id: door_port(address) for id, address in hosts.items()},
                maxconn=CONNECTIONS,
            )
        )

    def firewall(self, balancer: Balancer, hosts: Mapping[str, str]) -> Firewall:
        """Return the firewall of the load balancer, in both directions."""
        doors = (self._gateway, sorted(map(door_port, hosts.values()))) if hosts else None
        return Firewall(security_groups=balancer.security_groups, doors=doors)

    def door(self, host: str) -> str:
        """Return ``address:port`` of the load balancer that leads to the host at an address."""
        return f"{self.address}:{door_port(host)}"

    def reset(self) -> None:
        """Break off every connection between clients and targets, at once."""
        for row in self._targets():
            self._haproxy.command(f"shutdown sessions server {row['pxname']}/{row['svname']}")

    def health(self) -> dict[str, str]:
        """Return each target's state by instance: ``healthy``, or what HAProxy says of it.

        A target that has not been asked yet is not healthy, though HAProxy may send it clients.
        """
        return {row["svname"]: _state(row) for row in self._targets()}

    def sends_to(self, instance: str) -> bool:
        """Return whether a target gets new connections: few of its checks or none failed."""
        return self.health().get(instance, "").startswith(("healthy", "UP"))

    def _targets(self) -> list[dict[str, str]]:
        transport = httpx.HTTPTransport(uds=str(self._haproxy.statistics))
        with httpx.Client(transport=transport, timeout=5) as client:
            text = client.get("http://haproxy/;csv").text
        rows = csv.DictReader(text.removeprefix("# ").splitlines())
        return [
            row
            for row in rows
            if row["pxname"].startswith("targets_") and row["svname"] not in ("FRONTEND", "BACKEND")
        ]


def door_port(host: str) -> int:
    """Return the port of the load balancer that leads to the host at an address only."""
    return DOORS + int(host.rpartition(".")[2])


def _state(row: dict[str, str]) -> str:
    if row["status"].startswith("UP") and row["check_status"].endswith("OK"):
        return "healthy"
    # HAProxy marks the result of the last check while the next one goes on.
    check = row["check_status"].removeprefix("* ")
    return f"{row['status']} {check} {row['last_chk']}".strip()
