"""The hosts that run the tasks of a service, as ECS places them."""

from collections.abc import Callable, Sequence

from integration.local.api.blueprint import Blueprint, Service
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host


def has_task(host: Host, service: Service) -> bool:
    """Return whether a host runs a task of a service, or will: those of DAEMON services."""
    if host.cluster != service.cluster:
        return False
    return service.replicas is None or service.name in host.services


def place(
    plan: Blueprint,
    hosts: Sequence[Host],
    leaving: Sequence[Host],
    run: Callable[[Host, Service, Blueprint], None],
) -> None:
    """Run as many tasks of each REPLICA service as it has; stop the tasks of deleted services.

    ECS stops such tasks of a host that leaves, and runs them on another host:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html

    Args:
        plan: has the services.
        hosts: that stay.
        leaving: hosts that are drained.
        run: runs a task of a service on a host.

    Raises:
        LocalCloudError: a service has more tasks than its cluster has hosts.
    """
    for host in (*hosts, *leaving):
        known = {service.name for service in plan.services if service.cluster == host.cluster}
        for name in host.services.keys() - known:
            host.stop(name)
    for service in plan.services:
        if service.replicas is not None:
            members = [host for host in hosts if host.cluster == service.cluster]
            chosen = _choose(service, service.replicas, members)
            for host in (*members, *leaving):
                version = host.services.get(service.name)
                # A task of another version ends before the new one begins.
                if version and (host not in chosen or version != service.task.arn):
                    host.stop(service.name)
            for host in chosen:
                if service.name not in host.services:
                    run(host, service, plan)


def _choose(service: Service, replicas: int, members: Sequence[Host]) -> Sequence[Host]:
    """Return the hosts for the tasks of a service, first those that run one already."""
    # Without any host, ECS waits for one.
    if members and replicas > len(members):
        raise LocalCloudError(
            f"Service {service.name}: {replicas} tasks for {len(members)} hosts; the local cloud "
            "runs one of them on a host: see integration/local/hosts/placement.py"
        )
    return sorted(members, key=lambda host: service.name not in host.services)[:replicas]
