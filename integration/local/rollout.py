"""Hosts that leave, and tasks that change, while clients work: drained first, as ECS does."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from integration.local.blueprint import Blueprint, Service
from integration.local.errors import LocalCloudError
from integration.local.fleet import Fleet
from integration.local.host import Host
from integration.local.traffic import Traffic

T = TypeVar("T")


class Rollout:
    """Takes hosts from behind their load balancers, lets their transfers end, and goes on.

    A target that leaves gets no new connection and keeps those that it has, until there are none
    or its group's delay is over. Then the containers are stopped; they have their own timeout.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html

    Args:
        read: asks the AWS API what there should be.
        fleet: the hosts.
        traffic: the load balancers.
    """

    def __init__(self, read: Callable[[], Blueprint], fleet: Fleet, traffic: Traffic) -> None:
        self._read = read
        self._fleet = fleet
        self._traffic = traffic

    def settle(self, plan: Blueprint, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """Make load balancers and firewalls what the plan says, and wait for the hosts' health.

        Raises:
            LocalCloudError: a host did not become healthy in time, or a container ended.
        """
        self._fleet.attach(plan, [*hosts, *leaving])
        # The fleet has told the load balancers which hosts run the service.
        plan = self._with(leaving)
        self._traffic.open(plan, self._fleet, hosts)
        self._traffic.serve(plan, [*hosts, *leaving])
        self._traffic.await_health(plan, self._fleet, hosts)

    def let_go(self, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """End hosts that have left their group, once they are drained."""
        if not leaving:
            return
        self._take_out(hosts, leaving)
        for host in leaving:
            host.stop()
            self._fleet.end(host)

    def change_tasks(self, plan: Blueprint, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """Run the new tasks where the services have others than the hosts run.

        Of each service as many hosts at a time as its minimum of healthy ones leaves.

        Raises:
            LocalCloudError: it leaves none; or a new task did not become healthy.
        """
        for service in plan.services:
            members = [host for host in hosts if host.cluster == service.cluster]
            outdated = [host for host in members if service.arn not in host.tasks]
            for batch in batches(service, len(members), outdated):
                self._take_out([host for host in hosts if host not in batch], batch, leaving)
                for host in batch:
                    host.stop()
                    self._fleet.run_tasks(host, plan)
                self.settle(plan, hosts, leaving)

    def _take_out(
        self, staying: list[Host], going: Sequence[Host], others: Sequence[Host] = ()
    ) -> None:
        self._fleet.attach(self._read(), [*staying, *others])
        plan = self._with(others)
        self._traffic.serve(plan, [*staying, *others])
        waiting = Retrying(
            stop=stop_after_delay(max(b.drain for b in plan.balancers) if plan.balancers else 0),
            wait=wait_fixed(0.2),
            retry=retry_if_result(bool),
            # Who has not ended by then is cut off.
            retry_error_callback=lambda _: None,
        )
        waiting(lambda: sum(self._fleet.connections(host, plan) for host in going))

    def _with(self, leaving: Sequence[Host]) -> Blueprint:
        plan = self._read()
        instances = [*plan.instances, *(host.instance for host in leaving)]
        return dataclasses.replace(plan, instances=instances)


def batches(service: Service, all_hosts: int, outdated: Sequence[T]) -> Iterator[Sequence[T]]:
    """Divide the hosts that run another task than the service has: so many change at a time.

    Raises:
        LocalCloudError: so many have to stay healthy that none may change.
    """
    if not outdated:
        return
    size = all_hosts - math.ceil(all_hosts * service.minimum_healthy / 100)
    if size < 1:
        raise LocalCloudError(
            f"Service {service.name}: of {all_hosts} hosts {service.minimum_healthy} percent have "
            "to stay healthy, so none may change its task; lower deploymentConfiguration's minimum"
        )
    for start in range(0, len(outdated), size):
        yield outdated[start : start + size]
