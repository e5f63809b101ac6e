"""The hosts together: what EC2, the autoscaling group and ECS do for them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from python_on_whales import DockerClient

from integration.local.aws_session import Credentials
from integration.local.blueprint import Attachment, Blueprint, Service
from integration.local.emulator import Emulator
from integration.local.endpoints import Endpoints, bucket_names
from integration.local.errors import LocalCloudError
from integration.local.firewall import Firewall
from integration.local.host import ADDRESS, INSTANCE, Host, instance_of
from integration.local.instances import CONTAINER_HOPS, Instance
from integration.local.network import Network
from integration.local.task import Task

#: Numbers of the hosts' addresses on the network.
ADDRESSES = range(10, 250)

#: Seconds that a role's credentials live; the longest that STS allows.
CREDENTIALS_LIFE = 12 * 3600


class Fleet:
    """Starts and ends hosts, runs their tasks, and tells the load balancers about them."""

    def __init__(
        self,
        podman: DockerClient,
        network: Network,
        emulator: Emulator,
        endpoints: Endpoints,
        logs: Path,
        report: Callable[[str], None],
    ) -> None:
        self._podman = podman
        self._network = network
        self._emulator = emulator
        self._endpoints = endpoints
        self._logs = logs
        self._report = report

    def hosts(self, instances: Sequence[Instance]) -> list[Host]:
        """The instances that run as hosts."""
        addresses = self._addresses()
        return [
            self._host(instance, addresses[instance.id])
            for instance in instances
            if instance.id in addresses
        ]

    def leaving(self, plan: Blueprint) -> list[Host]:
        """Hosts that are in no group any more and have to be drained; others end at once."""
        wanted = {instance.id for instance in plan.instances}
        found = []
        for labels in self._labels():
            host = self._host(instance_of(labels), labels[ADDRESS])
            if host.id in wanted:
                continue
            if host.instance.group in plan.drained:
                self._report(f"Host {host.id} leaves")
                found.append(host)
            else:
                self.end(host)
        return found

    def end(self, host: Host) -> None:
        """End a host, with whatever it is doing."""
        self._report(f"Host {host.id} ends")
        host.kill()

    def connections(self, host: Host, plan: Blueprint) -> int:
        """How many connections lead to what the host publishes."""
        return self._network.connections(host.pod, self._published(host, plan).values())

    def _labels(self) -> list[dict[str, str]]:
        return [one for one in self._network.pods().values() if INSTANCE in one]

    def _addresses(self) -> dict[str, str]:
        return {labels[INSTANCE]: labels[ADDRESS] for labels in self._labels()}

    def _host(self, instance: Instance, address: str) -> Host:
        return Host(
            self._podman, self._network, instance, address, self._logs / "hosts" / instance.id
        )

    def reconcile(self, plan: Blueprint) -> list[Host]:
        """Start the hosts that the plan has and nothing runs as; return all that it has.

        Tasks that have ended are started again.
        """
        roles = self._roles(plan)
        self._endpoints.serve(self._emulator.endpoint, roles, plan.s3_endpoint)
        for instance in plan.instances:
            if instance.id not in self._addresses():
                self._start(instance, plan, roles)
        hosts = self.hosts(plan.instances)
        for host in hosts:
            for task in self._tasks(host, plan):
                host.restart_ended(task)
        return hosts

    def attach(self, plan: Blueprint, hosts: Sequence[Host]) -> None:
        """Tell the load balancers which hosts run their services, as ECS does."""
        for service in plan.services:
            members = [host for host in hosts if host.cluster == service.cluster]
            for attachment in service.attachments:
                self._attach(service, attachment, members)

    def run_tasks(self, host: Host, plan: Blueprint) -> None:
        """Run on a host what the plan has for its cluster."""
        roles = self._roles(plan)
        self._endpoints.serve(self._emulator.endpoint, roles, plan.s3_endpoint)
        for service in plan.services:
            if service.cluster == host.cluster:
                self._run(host, Task(service.task), roles)

    def _roles(self, plan: Blueprint) -> dict[str, Credentials]:
        arns = {Task(service.task).role for service in plan.services} - {None}
        return {
            arn: self._emulator.assume_role(arn, seconds=CREDENTIALS_LIFE)
            for arn in sorted(filter(None, arns))
        }

    def _start(self, instance: Instance, plan: Blueprint, roles: dict[str, Credentials]) -> None:
        taken = set(self._addresses().values())
        address = next(
            address
            for number in ADDRESSES
            if (address := self._network.address(number)) not in taken
        )
        host = self._host(instance, address)
        names = self._endpoints.names(bucket_names(self._emulator.session()))
        try:
            self._bring_up(host, names, plan, roles)
        except BaseException:
            host.kill()  # half a host would be taken for a whole one the next time
            raise

    def _bring_up(
        self,
        host: Host,
        names: Sequence[tuple[str, str]],
        plan: Blueprint,
        roles: dict[str, Credentials],
    ) -> None:
        # The links of a task are names in the pod that its containers share, so they are needed
        # before the host has told which cluster it joins.
        host.start(names, [Task(service.task) for service in plan.services])
        # From its start, as on AWS; load balancers and hosts that come later are let in then.
        # The user data is the host itself, one hop from its metadata; all that comes then are
        # containers.
        self._enforce(self.firewall(host, plan, hops=1), host, plan)
        cluster = host.boot()
        self._enforce(self.firewall(host, plan), host, plan)
        self._report(f"Host {host.id} at {host.address} joins cluster {cluster}")
        for service in plan.services:
            if service.cluster == cluster:
                self._run(host, Task(service.task), roles)

    def _enforce(self, firewall: Firewall, host: Host, plan: Blueprint) -> None:
        firewall.enforce(self._network.pid(host.pod), plan.rules, self.members(plan))

    def _run(self, host: Host, task: Task, roles: dict[str, Credentials]) -> None:
        execution = task.definition.get("executionRoleArn")
        credentials = self._emulator.assume_role(execution) if execution else None
        secrets = self._emulator.session(credentials).client("secretsmanager")
        host.run(task, secrets, roles.get(task.role or ""), self._endpoints)

    def _attach(self, service: Service, attachment: Attachment, hosts: Sequence[Host]) -> None:
        """Tell a load balancer which hosts run the service, as ECS does."""
        port = Task(service.task).host_port(attachment.container, attachment.container_port)
        if port is None:
            raise LocalCloudError(
                f"Service {service.name}: container {attachment.container} publishes no port "
                f"{attachment.container_port} for its load balancer"
            )
        session = self._emulator.session()
        if attachment.target_group:
            _register(session.client("elbv2"), attachment.target_group, port, hosts)
        if attachment.classic:
            _register_classic(session.client("elb"), attachment.classic, hosts)

    def members(self, plan: Blueprint) -> dict[str, set[str]]:
        """Return the addresses of hosts, or of AWS, by security group and prefix list."""
        found = plan.members(self._addresses())
        for peer in plan.endpoint_peers:
            found.setdefault(peer, set()).add(self._endpoints.address)
        return found

    def firewall(self, host: Host, plan: Blueprint, hops: int = CONTAINER_HOPS) -> Firewall:
        """Return the firewall of a host, by its security groups and its published ports.

        Args:
            hops: from a program to the metadata of the host: 1 on the host, 2 in a container.
        """
        address = self._endpoints.address
        return Firewall(
            security_groups=host.instance.security_groups,
            published=self._published(host, plan),
            credentials=address,
            metadata=address if hops <= host.instance.metadata_hops else None,
        )

    @staticmethod
    def _published(host: Host, plan: Blueprint) -> dict[int, int]:
        published: dict[int, int] = {}
        for service in plan.services:
            if service.cluster == host.cluster:
                published |= Task(service.task).published
        return published

    def check(self, plan: Blueprint, hosts: Sequence[Host]) -> None:
        """Make sure that every container runs.

        Raises:
            LocalCloudError: one has ended; the text has its last words.
        """
        for host in hosts:
            for task in self._tasks(host, plan):
                failure = host.failure(task)
                if failure:
                    raise LocalCloudError(failure)

    @staticmethod
    def _tasks(host: Host, plan: Blueprint) -> list[Task]:
        """Those of the plan that it runs: another version of one may still be there instead."""
        return [
            Task(one.task)
            for one in plan.services
            if one.cluster == host.cluster and one.arn in host.tasks
        ]


def _register(elbv2: Any, group: str, port: int, hosts: Sequence[Host]) -> None:
    described = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    present = {(one["Target"]["Id"], one["Target"]["Port"]) for one in described}
    wanted = {(host.id, port) for host in hosts}

    def targets(chosen: set[tuple[str, int]]) -> list[dict[str, Any]]:
        return [{"Id": id, "Port": number} for id, number in sorted(chosen)]

    if wanted - present:
        elbv2.register_targets(TargetGroupArn=group, Targets=targets(wanted - present))
    if present - wanted:
        elbv2.deregister_targets(TargetGroupArn=group, Targets=targets(present - wanted))


def _register_classic(elb: Any, name: str, hosts: Sequence[Host]) -> None:
    described = elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"]
    present = {instance["InstanceId"] for instance in described[0]["Instances"]}
    wanted = {host.id for host in hosts}
    if wanted - present:
        elb.register_instances_with_load_balancer(
            LoadBalancerName=name, Instances=[{"InstanceId": id} for id in sorted(wanted - present)]
        )
    if present - wanted:
        elb.deregister_instances_from_load_balancer(
            LoadBalancerName=name, Instances=[{"InstanceId": id} for id in sorted(present - wanted)]
        )
