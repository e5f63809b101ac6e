"""A load balancer: HAProxy in TCP mode, as the AWS API describes it."""

import csv
from collections.abc import Mapping

import httpx

from integration.local.blueprint import Balancer
from integration.local.firewall import Firewall, render
from integration.local.haproxy import CONNECTIONS, HaProxy

#: The first of the ports that lead to one host each.
FIRST_DOOR = 20001


class LocalBalancer:
    """One load balancer of the AWS API, made real."""

    def __init__(self, haproxy: HaProxy, gateway: str) -> None:
        self._haproxy = haproxy
        self._gateway = gateway
        self._doors: dict[str, int] = {}
        self.name = haproxy.name
        self.address = haproxy.address
        self.log = haproxy.log

    def serve(self, balancer: Balancer, hosts: Mapping[str, str]) -> None:
        """Start, or go on, with the targets; ``hosts`` has the address of each instance."""
        targets = {id for listener in balancer.listeners for id, _ in listener.targets}
        present = sorted(targets & set(hosts))
        self._doors = {id: FIRST_DOOR + number for number, id in enumerate(present)}
        self._haproxy.configure(
            render(
                "balancer.cfg.j2",
                balancer=balancer,
                addresses=hosts,
                doors=self._doors,
                maxconn=CONNECTIONS,
            )
        )

    def firewall(self, balancer: Balancer) -> Firewall:
        """What may reach the load balancer, and what it may reach."""
        doors = (self._gateway, sorted(self._doors.values())) if self._doors else None
        return Firewall(security_groups=balancer.security_groups, doors=doors)

    def door(self, instance: str) -> str:
        """``address:port`` that leads through the load balancer to one instance only."""
        return f"{self.address}:{self._doors[instance]}"

    def health(self) -> dict[str, str]:
        """Each target's state by instance: ``healthy``, or what HAProxy says of it.

        A target that has not been asked yet is not healthy, though HAProxy may send it clients.
        """
        transport = httpx.HTTPTransport(uds=str(self._haproxy.statistics))
        with httpx.Client(transport=transport, timeout=5) as client:
            text = client.get("http://haproxy/;csv").text
        rows = csv.DictReader(text.removeprefix("# ").splitlines())
        return {
            row["svname"]: _state(row)
            for row in rows
            if row["pxname"].startswith("targets_") and row["svname"] != "BACKEND"
        }


def _state(row: dict[str, str]) -> str:
    if row["status"].startswith("UP") and row["check_status"].endswith("OK"):
        return "healthy"
    return f"{row['status']} {row['check_status']} {row['last_chk']}".strip()
