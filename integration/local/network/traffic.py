"""Traffic between clients and hosts: load balancers, and security groups in force."""

from collections.abc import Sequence
from pathlib import Path

from python_on_whales import DockerClient

from integration.console.waiting import poll
from integration.local.api.blueprint import Balancer, Blueprint
from integration.local.errors import LocalCloudError
from integration.local.hosts.fleet import Fleet
from integration.local.hosts.host import Host
from integration.local.network.balancer import LocalBalancer
from integration.local.network.haproxy import HaProxy
from integration.local.network.network import Network

#: Numbers of the load balancers' addresses on the network.
ADDRESSES = range(3, 10)

#: Seconds until every target is healthy: a container starts in about 1, two checks take 10.
HEALTHY_TIMEOUT = 60


class Traffic:
    """The load balancers of the AWS API, made real, and who may reach whom."""

    def __init__(self, podman: DockerClient, network: Network, logs: Path) -> None:
        self._podman = podman
        self._network = network
        self._logs = logs

    def balancers(self, planned: Sequence[Balancer]) -> dict[str, LocalBalancer]:
        """Return the load balancers by name."""
        return {
            balancer.name: LocalBalancer(
                HaProxy.named(
                    self._podman, self._network, f"balancer-{balancer.name}", number, self._logs
                ),
                self._network.gateway,
            )
            for number, balancer in zip(ADDRESSES, planned, strict=False)
        }

    def _members(self, plan: Blueprint, hosts: list[Host]) -> dict[str, set[str]]:
        """Return the addresses of the hosts and load balancers of each security group."""
        members = plan.members({host.id: host.address for host in hosts})
        known = self.balancers(plan.balancers)
        for balancer in plan.balancers:
            for group in balancer.security_groups:
                members.setdefault(group, set()).add(known[balancer.name].address)
        return members

    def open(self, plan: Blueprint, fleet: Fleet, hosts: list[Host]) -> None:
        """Put the security groups of the hosts into force, now that all their members are known."""
        members = fleet.members(plan) | self._members(plan, hosts)
        for host in hosts:
            firewall = fleet.firewall(host, plan)
            firewall.enforce(self._network.pid(host.pod), plan.rules, members)

    def serve(self, plan: Blueprint, hosts: list[Host]) -> None:
        """Start the load balancers, or go on, with the hosts as their targets."""
        members = self._members(plan, hosts)
        addresses = {host.id: host.address for host in hosts}
        known = self.balancers(plan.balancers)
        for balancer in plan.balancers:
            local = known[balancer.name]
            local.serve(balancer, addresses)
            firewall = local.firewall(balancer, addresses)
            firewall.enforce(self._network.pid(local.name), plan.rules, members)

    def await_health(self, plan: Blueprint, fleet: Fleet, hosts: list[Host]) -> None:
        """Wait until every host is healthy behind a load balancer.

        Raises:
            LocalCloudError: one is not after ``HEALTHY_TIMEOUT`` seconds, or a container ended.
        """
        balancers = self.balancers(plan.balancers).values()

        def sick() -> dict[str, str]:
            fleet.check(plan, hosts)
            states = {
                host.id: f"no load balancer sends clients to it; it joined cluster {host.cluster}"
                for host in hosts
            }
            for balancer in balancers:
                states |= balancer.health()
            return {host: state for host, state in states.items() if state != "healthy"}

        if left := poll(sick, HEALTHY_TIMEOUT, 1):
            states = ", ".join(f"{host}: {state}" for host, state in left.items())
            raise LocalCloudError(
                f"Not healthy behind the load balancer after {HEALTHY_TIMEOUT} s: {states} "
                f"(logs: {self._logs})"
            )
