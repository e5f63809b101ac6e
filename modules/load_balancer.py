"""The load balancer: passes TLS through on TCP 443, and asks each host for ``/ssl``."""

from collections.abc import Sequence
from typing import Any

from modules.aws import (
    Construct,
    Elb,
    ElbListener,
    Lb,
    LbListener,
    LbListenerDefaultAction,
    LbTargetGroup,
    ProxyProtocolPolicy,
)
from modules.expressions import number, truth

PORT = 443
#: The hosts' port for connections that begin with the client's address (PROXY protocol). A plain
#: health check would be refused there.
ANNOUNCED_PORT = 444
HEALTH_PATH = "/ssl"
#: Seconds between two checks of a host; with two failures a dead host is out after about 10.
HEALTH_INTERVAL = 5
#: Checks in a row that change a host's state, either way.
HEALTH_THRESHOLD = 2
#: Seconds that a leaving host gets to end the transfers it has begun.
DRAIN = 300


class NetworkLoadBalancer(Construct):
    """A network load balancer; hosts see the address of the client.

    Args:
        vpc_id: the network.
        subnet_ids: one subnet in each zone.
        security_group_id: who may reach it.

    Exposes ``name``, ``dns_name`` and ``zone_id``: its own name and the zone of that,
    ``metric_dimensions``: which metrics of ``METRIC_NAMESPACE`` are its own, and ``target``:
    how an ECS service names it.
    """

    METRIC_NAMESPACE = "AWS/NetworkELB"
    #: Ports of the hosts that it reaches.
    HOST_PORTS = (PORT,)

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,
        subnet_ids: Sequence[str],
        security_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        balancer = Lb(
            self,
            "balancer",
            name="${var.name}",
            load_balancer_type="network",
            internal=truth("var.internal"),
            subnets=list(subnet_ids),
            security_groups=[security_group_id],
            # Off by default: a zone with one host would carry as much as a zone with three.
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=truth("var.deletion_protection"),
        )
        targets = LbTargetGroup(
            self,
            "targets",
            name="${var.name}",
            vpc_id=vpc_id,
            port=PORT,
            protocol="TCP",
            target_type="instance",
            deregistration_delay=str(DRAIN),
            health_check={
                "protocol": "HTTPS",
                "path": HEALTH_PATH,
                "port": "traffic-port",
                "matcher": "200",
                "interval": HEALTH_INTERVAL,
                "timeout": HEALTH_INTERVAL - 1,
                "healthy_threshold": HEALTH_THRESHOLD,
                "unhealthy_threshold": HEALTH_THRESHOLD,
            },
        )
        listener = LbListener(
            self,
            "listener",
            load_balancer_arn=balancer.arn,
            port=PORT,
            protocol="TCP",
            tcp_idle_timeout_seconds=number("var.idle_timeout"),
            default_action=[LbListenerDefaultAction(type="forward", target_group_arn=targets.arn)],
        )
        self.name = balancer.name
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        # ECS refuses a target group that no listener uses: the service waits for the listener.
        self.listener = listener
        self.target: dict[str, Any] = {"target_group_arn": targets.arn}
        self.metric_dimensions = {
            "LoadBalancer": balancer.arn_suffix,
            "TargetGroup": targets.arn_suffix,
        }


class ClassicLoadBalancer(Construct):
    """A classic load balancer in TCP mode, for those who have one already.

    It tells the hosts the address of each client by the PROXY protocol.

    Args:
        vpc_id: the network; this kind takes it from the subnets.
        subnet_ids: one subnet in each zone.
        security_group_id: who may reach it.

    Exposes the same as :class:`NetworkLoadBalancer`.
    """

    METRIC_NAMESPACE = "AWS/ELB"
    HOST_PORTS = (PORT, ANNOUNCED_PORT)

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,  # noqa: ARG002
        subnet_ids: Sequence[str],
        security_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        balancer = Elb(
            self,
            "balancer",
            name="${var.name}",
            internal=truth("var.internal"),
            subnets=list(subnet_ids),
            security_groups=[security_group_id],
            cross_zone_load_balancing=True,
            connection_draining=True,
            connection_draining_timeout=DRAIN,
            idle_timeout=number("var.idle_timeout"),
            listener=[
                ElbListener(
                    lb_port=PORT,
                    lb_protocol="tcp",
                    instance_port=ANNOUNCED_PORT,
                    instance_protocol="tcp",
                )
            ],
            health_check={
                "target": f"HTTPS:{PORT}{HEALTH_PATH}",
                "interval": HEALTH_INTERVAL,
                "timeout": HEALTH_INTERVAL - 1,
                "healthy_threshold": HEALTH_THRESHOLD,
                "unhealthy_threshold": HEALTH_THRESHOLD,
            },
        )
        balancer.add_override(
            "dynamic.access_logs",
            {
                "for_each": '${var.access_log_bucket == "" ? [] : [var.access_log_bucket]}',
                "content": {"bucket": "${access_logs.value}", "bucket_prefix": "${var.name}"},
            },
        )
        ProxyProtocolPolicy(
            self,
            "client_addresses",
            load_balancer=balancer.name,
            instance_ports=[str(ANNOUNCED_PORT)],
        )
        self.name = balancer.name
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.listener = balancer
        self.target: dict[str, Any] = {"elb_name": balancer.name}
        self.metric_dimensions = {"LoadBalancerName": balancer.name}
