"""The plan that the AWS API contains: hosts, tasks, load balancers, security groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from integration.local.api.draining import (
    classic_drain,
    drained_groups,
    longest_drain,
    target_group_attributes,
    unhealthy_drain,
)
from integration.local.api.instances import Instance, hooked_groups, read_instances
from integration.local.api.security_groups import Rule, read_rules
from integration.local.api.task import Task
from integration.local.api.vpc_endpoints import read_endpoint_peers, read_s3_endpoint


@dataclass(frozen=True)
class Attachment:
    """A container's port that a service puts behind a load balancer."""

    container: str
    container_port: int
    target_group: str | None = None
    classic: str | None = None


@dataclass(frozen=True)
class Service:
    """A service of ECS: tasks of one definition on the hosts of its cluster."""

    name: str
    cluster: str
    task: Task
    attachments: tuple[Attachment, ...]
    #: Percent of its hosts that have to run a healthy task while tasks change.
    minimum_healthy: int = 0
    #: Number of tasks of a REPLICA service. A DAEMON service has none: one task on every host.
    replicas: int | None = None


#: Ciphers of a classic balancer's check, in OpenSSL's words: AES without elliptic curves. AWS does
#: not publish the list; these are what others found (kubernetes-sigs/cluster-api-provider-aws, pull
#: request 1658 and issue 5139; kubernetes/kops, issue 17356).
CLASSIC_CIPHERS = "AES+kRSA:AES+kDHE"


@dataclass(frozen=True)
class HealthCheck:
    """Health check of a load balancer; times in seconds. Without a port: that of the traffic."""

    protocol: str
    port: int | None
    path: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int
    statuses: str
    #: What a check by TLS offers; None for OpenSSL's own list.
    ciphers: str | None = None


@dataclass(frozen=True)
class Listener:
    """A TCP port of a load balancer and the instances behind it."""

    port: int
    idle_timeout: int
    targets: tuple[tuple[str, int], ...]
    check: HealthCheck
    #: Whether connections to the targets begin with the client's address, as text.
    announces_client: bool = False
    #: Seconds after which the connections to an unhealthy target end: 0 at once, None never.
    unhealthy_drain: int | None = 0


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
    """The plan: what the AWS API lists at one moment, read once and passed down."""

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
    #: Autoscaling groups with a launch hook.
    hooked: frozenset[str] = frozenset()

    @classmethod
    def read(cls, session: Any) -> Self:
        """Read the plan from the AWS API.

        Raises:
            LocalCloudError: a task definition has something that the local cloud does not know.
        """
        return cls(
            instances=read_instances(session),
            services=_services(session),
            balancers=read_balancers(session),
            rules=read_rules(session),
            endpoint_peers=read_endpoint_peers(session),
            s3_endpoint=read_s3_endpoint(session),
            drained=drained_groups(session.client("ecs")),
            hooked=hooked_groups(session.client("autoscaling")),
        )

    @property
    def images(self) -> set[str]:
        """The images that the hosts of all services run."""
        return {image for service in self.services for image in service.task.images}

    def members(self, addresses: Mapping[str, str]) -> dict[str, set[str]]:
        """Return the addresses of the hosts of each security group, given those of all hosts."""
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
            if service["status"] != "ACTIVE":
                continue
            replica = service["schedulingStrategy"] == "REPLICA"
            task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
            found.append(
                Service(
                    name=service["serviceName"],
                    cluster=cluster.rpartition("/")[2],
                    task=Task(task["taskDefinition"]),
                    attachments=tuple(map(_attachment, service.get("loadBalancers", ()))),
                    minimum_healthy=service["deploymentConfiguration"]["minimumHealthyPercent"],
                    replicas=service["desiredCount"] if replica else None,
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
    """Return the load balancers, network ones first."""
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
    response = elbv2.describe_listener_attributes(ListenerArn=listener["ListenerArn"])
    attributes = {attribute["Key"]: attribute["Value"] for attribute in response["Attributes"]}
    return Listener(
        port=listener["Port"],
        # AWS's default: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/
        idle_timeout=int(attributes.get("tcp.idle_timeout.seconds", 350)),
        targets=tuple((target["Target"]["Id"], target["Target"]["Port"]) for target in health),
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
        unhealthy_drain=unhealthy_drain(target_group_attributes(elbv2, arn)),
    )


def _classic_balancers(session: Any) -> Iterable[Balancer]:
    elb = session.client("elb")
    for balancer in elb.describe_load_balancers()["LoadBalancerDescriptions"]:
        name = balancer["LoadBalancerName"]
        attributes = elb.describe_load_balancer_attributes(LoadBalancerName=name)
        idle = attributes["LoadBalancerAttributes"]["ConnectionSettings"]["IdleTimeout"]
        instances = [instance["InstanceId"] for instance in balancer["Instances"]]
        listeners = (listener["Listener"] for listener in balancer["ListenerDescriptions"])
        announced = _ports_with_proxy_protocol(elb, balancer)
        drain = classic_drain(attributes["LoadBalancerAttributes"])
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
                    # Draining also lets what an unhealthy target has begun end, however late:
                    # https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/config-conn-drain.html
                    unhealthy_drain=None if drain else 0,
                )
                for listener in listeners
            ),
            drain=drain,
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
        ciphers=CLASSIC_CIPHERS,
    )
