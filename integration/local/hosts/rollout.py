"""Hosts that leave, and tasks that change, while clients work: drained first, as ECS does."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from integration.console.waiting import poll
from integration.local.api.blueprint import Blueprint, Service
from integration.local.errors import LocalCloudError
from integration.local.hosts.fleet import Fleet
from integration.local.hosts.host import Host
from integration.local.network.traffic import Traffic

T = TypeVar("T")

#: Seconds that a serving host has to complete its launch hook; it polls every few seconds.
HOOK_TIMEOUT = 30


class Rollout:
    """A rollout: hosts leave their load balancers, end their transfers, and are changed or ended.

    A target that leaves gets no new connection. Its connections last until they end or the delay of
    its group is over. Then the containers are stopped; they have their own timeout.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html

    Args:
        read: reads the plan from the AWS API.
        fleet: the hosts.
        traffic: the load balancers.
    """

    def __init__(self, read: Callable[[], Blueprint], fleet: Fleet, traffic: Traffic) -> None:
        self._read = read
        self._fleet = fleet
        self._traffic = traffic

    def settle(self, plan: Blueprint, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """Configure load balancers and firewalls by the plan, and wait for the hosts' health.

        Raises:
            LocalCloudError: a host did not become healthy in time, or a container ended.
        """
        self._fleet.attach(plan, [*hosts, *leaving])
        # The targets have changed in the AWS API.
        plan = self._with(leaving)
        self._traffic.open(plan, self._fleet, hosts)
        self._traffic.serve(plan, [*hosts, *leaving])
        self._traffic.await_health(plan, self._fleet, hosts)

    def bring_in(self, plan: Blueprint, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """Wait until the new hosts serve and have completed their launch hooks.

        A group with a launch hook waits for the new hosts. Any other group waits for its warm-up
        time and then ends the old hosts, whatever the new hosts do.
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html

        Raises:
            LocalCloudError: a host did not become healthy in time, or complete its launch hook.
        """
        try:
            self.settle(plan, hosts, leaving)
            self._await_hooks()
        except LocalCloudError:
            self.let_go(hosts, [host for host in leaving if host.instance.group not in plan.hooked])
            raise

    def _await_hooks(self) -> None:
        def waiting() -> list[str]:
            return [instance.id for instance in self._read().instances if instance.waits]

        if late := poll(waiting, HOOK_TIMEOUT, 0.5):
            raise LocalCloudError(
                f"Serves, but has not completed its launch hook after {HOOK_TIMEOUT} s: "
                f"{', '.join(late)} (log: log/wharf.log of the host)"
            )

    def let_go(self, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """End hosts that have left their group, once they are drained."""
        if not leaving:
            return
        self._take_out(hosts, leaving)
        stop_all(leaving)
        for host in leaving:
            self._fleet.end(host)

    def change_tasks(self, plan: Blueprint, hosts: list[Host], leaving: Sequence[Host]) -> None:
        """Run the new tasks on hosts whose tasks have another version than their services.

        Of each DAEMON service as many hosts change at a time as ``minimum_healthy`` permits.

        Raises:
            LocalCloudError: it permits none; or a new task did not become healthy.
        """
        for service in plan.services:
            if service.replicas is not None:
                continue
            members = [host for host in hosts if host.cluster == service.cluster]
            outdated = [host for host in members if service.task.arn not in host.tasks]
            for batch in batches(service, len(members), outdated):
                self._take_out([host for host in hosts if host not in batch], batch, leaving)
                stop_all(batch, service.name)
                for host in batch:
                    self._fleet.run_task(host, service, plan)
                self.settle(plan, hosts, leaving)

    def _take_out(
        self, staying: list[Host], going: Sequence[Host], others: Sequence[Host] = ()
    ) -> None:
        self._fleet.attach(self._read(), [*staying, *others])
        plan = self._with(others)
        self._traffic.serve(plan, [*staying, *others])
        # Connections that have not ended by then are cut off.
        drain = max((balancer.drain for balancer in plan.balancers), default=0)
        poll(lambda: sum(self._fleet.connections(host, plan) for host in going), drain, 0.5)

    def _with(self, leaving: Sequence[Host]) -> Blueprint:
        plan = self._read()
        instances = [*plan.instances, *(host.instance for host in leaving)]
        return dataclasses.replace(plan, instances=instances)


def stop_all(hosts: Sequence[Host], service: str | None = None) -> None:
    """Stop the containers of several hosts concurrently: each may take its timeout."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda host: host.stop(service), hosts))


def batches(service: Service, all_hosts: int, outdated: Sequence[T]) -> Iterator[Sequence[T]]:
    """Divide the hosts with an outdated task into batches that change at the same time.

    Raises:
        LocalCloudError: ``minimum_healthy`` permits no host to change.
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
