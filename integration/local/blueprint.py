"""What the AWS API says there should be: hosts, tasks, load balancers and who may reach whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from integration.local.draining import classic_drain, drained_groups, longest_drain
from integration.local.instances import Instance, read_instances
from integration.local.security_groups import Rule, read_rules
from integration.local.vpc_endpoints import read_endpoint_peers, read_s3_endpoint


@dataclass(frozen=True)
class Attachment:
    """A container's port that a service puts behind a load balancer."""

    container: str
    container_port: int
    target_group: str | None = None
    classic: str | None = None


@dataclass(frozen=True)
class Service:
    """A DAEMON service: one task of its definition on every host of its cluster."""

    name: str
    cluster: str
    task: dict[str, Any]
    attachments: tuple[Attachment, ...]
    #: Percent of its hosts that have to run a healthy task while tasks change.
    minimum_healthy: int = 0

    @property
    def arn(self) -> str:
        """The version of the task definition."""
        return str(self.task["taskDefinitionArn"])


@dataclass(frozen=True)
class HealthCheck:
    """How a load balancer asks a target; times in seconds. No port: the one of the traffic."""

    protocol: str
    port: int | None
    path: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int
    statuses: str


@dataclass(frozen=True)
class Listener:
    """A TCP port of a load balancer and the instances behind it."""

    port: int
    idle_timeout: int
    targets: tuple[tuple[str, int], ...]
    check: HealthCheck
    #: Whether connections to the targets begin with the client's address, as text.
    announces_client: bool = False


@dataclass(frozen=True)
class Balancer:
    """A load balancer of either kind; no security group means that anybody may reach it."""

    name: str
    dns_name: str
    security_groups: tuple[str, ...]
    listeners: tuple[Listener, ...]
    #: Seconds that a leaving target keeps its connections.
    drain: int = 0


@dataclass(frozen=True)
class Blueprint:
    """All of it, as the API says it at one moment."""

    instances: Sequence[Instance]
    services: Sequence[Service]
    balancers: Sequence[Balancer]
    rules: Sequence[Rule]
    #: What rules name the VPC endpoints by.
    endpoint_peers: frozenset[str] = frozenset()
    #: The gateway endpoint that requests to S3 come through.
    s3_endpoint: str = ""
    #: Autoscaling groups whose instances ECS empties before they end.
    drained: frozenset[str] = frozenset()

    @classmethod
    def read(cls, session: Any) -> Self:
        """Ask the AWS API."""
        return cls(
            instances=read_instances(session),
            services=_services(session),
            balancers=read_balancers(session),
            rules=read_rules(session),
            endpoint_peers=read_endpoint_peers(session),
            s3_endpoint=read_s3_endpoint(session),
            drained=drained_groups(session.client("ecs")),
        )

    @property
    def images(self) -> set[str]:
        """The images that the hosts of all services run."""
        return {
            container["image"]
            for service in self.services
            for container in service.task["containerDefinitions"]
        }

    def members(self, addresses: Mapping[str, str]) -> dict[str, set[str]]:
        """For each security group the addresses of its hosts, given those of all hosts."""
        found: dict[str, set[str]] = {}
        for instance in self.instances:
            for group in instance.security_groups:
                if instance.id in addresses:
                    found.setdefault(group, set()).add(addresses[instance.id])
        return found


def _services(session: Any) -> list[Service]:
    ecs = session.client("ecs")
    found = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        described = ecs.describe_services(cluster=cluster, services=arns) if arns else None
        for service in described["services"] if described else ():
            if service["schedulingStrategy"] != "DAEMON" or service["status"] != "ACTIVE":
                continue
            task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
            found.append(
                Service(
                    name=service["serviceName"],
                    cluster=cluster.rpartition("/")[2],
                    task=task["taskDefinition"],
                    attachments=tuple(map(_attachment, service.get("loadBalancers", ()))),
                    minimum_healthy=service["deploymentConfiguration"]["minimumHealthyPercent"],
                )
            )
    return found


def _attachment(described: dict[str, Any]) -> Attachment:
    return Attachment(
        container=described["containerName"],
        container_port=described["containerPort"],
        target_group=described.get("targetGroupArn"),
        classic=described.get("loadBalancerName"),
    )


def read_balancers(session: Any) -> list[Balancer]:
    """The load balancers, network ones first."""
    return [*_network_balancers(session.client("elbv2")), *_classic_balancers(session)]


def _network_balancers(elbv2: Any) -> Iterable[Balancer]:
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        listeners = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        yield Balancer(
            name=balancer["LoadBalancerName"],
            dns_name=balancer["DNSName"],
            security_groups=tuple(balancer.get("SecurityGroups", ())),
            listeners=tuple(_network_listener(elbv2, listener) for listener in listeners),
            drain=longest_drain(elbv2, listeners),
        )


def _network_listener(elbv2: Any, listener: dict[str, Any]) -> Listener:
    arn = listener["DefaultActions"][0]["TargetGroupArn"]
    group = elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    health = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    answer = elbv2.describe_listener_attributes(ListenerArn=listener["ListenerArn"])
    attributes = {one["Key"]: one["Value"] for one in answer["Attributes"]}
    return Listener(
        port=listener["Port"],
        # AWS's default: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/
        idle_timeout=int(attributes.get("tcp.idle_timeout.seconds", 350)),
        targets=tuple((one["Target"]["Id"], one["Target"]["Port"]) for one in health),
        check=HealthCheck(
            protocol=group["HealthCheckProtocol"],
            port=None
            if group["HealthCheckPort"] == "traffic-port"
            else int(group["HealthCheckPort"]),
            path=group.get("HealthCheckPath", "/"),
            interval=group["HealthCheckIntervalSeconds"],
            timeout=group["HealthCheckTimeoutSeconds"],
            healthy=group["HealthyThresholdCount"],
            unhealthy=group["UnhealthyThresholdCount"],
            statuses=group.get("Matcher", {}).get("HttpCode", "200-399"),
        ),
    )


def _classic_balancers(session: Any) -> Iterable[Balancer]:
    elb = session.client("elb")
    for balancer in elb.describe_load_balancers()["LoadBalancerDescriptions"]:
        name = balancer["LoadBalancerName"]
        attributes = elb.describe_load_balancer_attributes(LoadBalancerName=name)
        idle = attributes["LoadBalancerAttributes"]["ConnectionSettings"]["IdleTimeout"]
        instances = [instance["InstanceId"] for instance in balancer["Instances"]]
        listeners = (one["Listener"] for one in balancer["ListenerDescriptions"])
        announced = _ports_with_proxy_protocol(elb, balancer)
        yield Balancer(
            name=name,
            dns_name=balancer["DNSName"],
            security_groups=tuple(balancer["SecurityGroups"]),
            listeners=tuple(
                Listener(
                    port=listener["LoadBalancerPort"],
                    idle_timeout=idle,
                    targets=tuple((id, listener["InstancePort"]) for id in instances),
                    check=_classic_check(balancer["HealthCheck"]),
                    announces_client=listener["InstancePort"] in announced,
                )
                for listener in listeners
            ),
            drain=classic_drain(attributes["LoadBalancerAttributes"]),
        )


def _ports_with_proxy_protocol(elb: Any, balancer: dict[str, Any]) -> set[int]:
    name = balancer["LoadBalancerName"]
    policies = elb.describe_load_balancer_policies(LoadBalancerName=name)["PolicyDescriptions"]
    enabled = {
        policy["PolicyName"]
        for policy in policies
        if policy["PolicyTypeName"] == "ProxyProtocolPolicyType"
    }
    return {
        backend["InstancePort"]
        for backend in balancer["BackendServerDescriptions"]
        if enabled & set(backend["PolicyNames"])
    }


def _classic_check(check: dict[str, Any]) -> HealthCheck:
    protocol, _, rest = check["Target"].partition(":")
    port, _, path = rest.partition("/")
    return HealthCheck(
        protocol=protocol.upper(),
        port=int(port),
        path=f"/{path}",
        interval=check["Interval"],
        timeout=check["Timeout"],
        healthy=check["HealthyThreshold"],
        unhealthy=check["UnhealthyThreshold"],
        statuses="200",
    )
