"""The hosts together: what EC2, the autoscaling group and ECS do for them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from python_on_whales import DockerClient

from integration.local.api.aws_session import Credentials
from integration.local.api.blueprint import Attachment, Blueprint, Service
from integration.local.api.draining import complete_hooks
from integration.local.api.ended_tasks import report_ended_task
from integration.local.api.instances import CONTAINER_HOPS, Instance
from integration.local.api.task import Task
from integration.local.api.zones import read_addresses
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import ADDRESS, INSTANCE, Host, instance_of
from integration.local.hosts.placement import has_task
from integration.local.network.endpoints import Endpoints, bucket_names
from integration.local.network.firewall import Firewall
from integration.local.network.network import Network

#: Numbers of the hosts' addresses on the network.
ADDRESSES = range(10, 250)

#: Seconds that a role's credentials live; the longest that STS allows.
CREDENTIALS_LIFE = 12 * 3600


class Fleet:
    """All hosts of a cloud: their start and end, their tasks, their places at load balancers."""

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
        """Return the instances that run as hosts."""
        addresses = self._addresses()
        return [
            self._host(instance, addresses[instance.id])
            for instance in instances
            if instance.id in addresses
        ]

    def leaving(self, plan: Blueprint) -> list[Host]:
        """Return the hosts that left their group and are to be drained; end the others."""
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

    def complete_hooks(self, plan: Blueprint) -> None:
        """Complete the termination hooks of the instances that ECS has emptied."""
        complete_hooks(self._emulator.session(), plan.drained, self._addresses())

    def end(self, host: Host) -> None:
        """End a host, with whatever it is doing."""
        self._report(f"Host {host.id} ends")
        host.kill()

    def connections(self, host: Host, plan: Blueprint) -> int:
        """Return the number of connections to the published ports of a host."""
        return self._network.connections(host.pod, self._published(host, plan).values())

    def _labels(self) -> list[dict[str, str]]:
        return [pod for pod in self._network.pods().values() if INSTANCE in pod]

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
        addresses = self._addresses()
        for instance in plan.instances:
            if instance.id not in addresses:
                address = self._free(addresses)
                self._start(self._host(instance, address), plan, roles)
                addresses[instance.id] = address
        hosts = [self._host(instance, addresses[instance.id]) for instance in plan.instances]
        for host in hosts:
            for task in self._tasks(host, plan):
                host.restart_ended(task)
        return hosts

    def attach(self, plan: Blueprint, hosts: Sequence[Host]) -> None:
        """Register with the load balancers the hosts that run their services, as ECS does."""
        for service in plan.services:
            members = [host for host in hosts if has_task(host, service)]
            for attachment in service.attachments:
                self._attach(service, attachment, members)

    def run_task(self, host: Host, service: Service, plan: Blueprint) -> None:
        """Run a task of a service of the plan on a host."""
        roles = self._roles(plan)
        self._endpoints.serve(self._emulator.endpoint, roles, plan.s3_endpoint)
        self._run(host, service, roles)

    def _roles(self, plan: Blueprint) -> dict[str, Credentials]:
        arns = {service.task.role for service in plan.services} - {None}
        return {
            arn: self._emulator.assume_role(arn, seconds=CREDENTIALS_LIFE)
            for arn in sorted(filter(None, arns))
        }

    def _introduce(self, host: Host) -> None:
        """Serve a host its identity, and the role of its instance profile."""
        name = host.instance.profile.rpartition("/")[2]
        if not name:
            return
        iam = self._emulator.session().client("iam")
        profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        for role in profile["Roles"]:
            credentials = self._emulator.assume_role(role["Arn"], service="ec2.amazonaws.com")
            self._endpoints.introduce(host.address, host.id, role["Arn"], credentials)

    def _free(self, addresses: Mapping[str, str]) -> str:
        """Return the first address that no host has."""
        taken = set(addresses.values())
        free = (self._network.address(number) for number in ADDRESSES)
        return next(address for address in free if address not in taken)

    def _start(self, host: Host, plan: Blueprint, roles: dict[str, Credentials]) -> None:
        self._introduce(host)
        self._endpoints.serve(self._emulator.endpoint, roles, plan.s3_endpoint)
        session = self._emulator.session()
        names = self._endpoints.names(bucket_names(session)) + read_addresses(session)
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
        host.start(names, [service.task for service in plan.services])
        # From its start, as on AWS; load balancers and hosts that come later are let in then.
        # The user data is the host itself, one hop from its metadata; all that comes then are
        # containers.
        self._enforce(self.firewall(host, plan, hops=1), host, plan)
        cluster = host.boot(self._endpoints.trust)
        self._enforce(self.firewall(host, plan), host, plan)
        self._report(f"Host {host.id} at {host.address} joins cluster {cluster}")
        for service in plan.services:
            if service.cluster == cluster and service.replicas is None:
                self._run(host, service, roles)

    def _enforce(self, firewall: Firewall, host: Host, plan: Blueprint) -> None:
        firewall.enforce(self._network.pid(host.pod), plan.rules, self.members(plan))

    def _run(self, host: Host, service: Service, roles: dict[str, Credentials]) -> None:
        task = service.task
        execution = task.definition.get("executionRoleArn")
        credentials = self._emulator.assume_role(execution) if execution else None
        secrets = self._emulator.session(credentials).client("secretsmanager")
        host.run(service, secrets, roles.get(task.role or ""), self._endpoints)

    def _attach(self, service: Service, attachment: Attachment, hosts: Sequence[Host]) -> None:
        """Register with a load balancer the hosts that run the service, as ECS does."""
        port = service.task.host_port(attachment.container, attachment.container_port)
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
            host: the host.
            plan: has its security groups and the ports that its tasks publish.
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
            if has_task(host, service):
                published |= service.task.published
        return published

    def check(self, plan: Blueprint, hosts: Sequence[Host]) -> None:
        """Require that every container runs; report a task that has ended to ECS.

        Raises:
            LocalCloudError: a container has ended; the text has the last lines of its log.
        """
        for host in hosts:
            for task in self._tasks(host, plan):
                ended = host.ended(task)
                if ended:
                    report_ended_task(
                        self._emulator.session(),
                        str(host.cluster),
                        host.id,
                        task.definition,
                        ended,
                    )
                    raise LocalCloudError(host.failure(ended[0]))

    @staticmethod
    def _tasks(host: Host, plan: Blueprint) -> list[Task]:
        """Return the tasks of the plan that run on a host; of others it runs an older version."""
        running = host.tasks
        planned = (service.task for service in plan.services if service.cluster == host.cluster)
        return [task for task in planned if task.arn in running]


def _register(elbv2: Any, group: str, port: int, hosts: Sequence[Host]) -> None:
    described = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    present = {(health["Target"]["Id"], health["Target"]["Port"]) for health in described}
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
