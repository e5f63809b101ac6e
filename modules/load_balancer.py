"""The load balancer: passes TLS through on TCP 443, and requests ``/ssl`` from each host."""

from collections.abc import Sequence
from typing import Any

from modules.bindings.aws import (
    Construct,
    Elb,
    ElbListener,
    InternetGateway,
    Lb,
    LbListener,
    LbListenerDefaultAction,
    LbTargetGroup,
    LbTargetGroupTargetHealthState,
    ProxyProtocolPolicy,
)
from modules.expressions import number, truth

PORT = 443
#: The hosts' port for connections that begin with the client's address (PROXY protocol). A plain
#: health check would be refused there.
ANNOUNCED_PORT = 444
#: The hosts' port of the classic balancer's check, without TLS: that check has a fixed list of
#: ciphers without elliptic curves, and no TLS 1.3, so no handshake with the proxy would succeed.
#: https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/5139
CHECK_PORT = 80
HEALTH_PATH = "/ssl"
#: Seconds between two checks of a host.
HEALTH_INTERVAL = 5
#: Checks in a row that make a host healthy, and that make it unhealthy: a host that is slow for
#: some seconds stays, a dead one is out after about 20. ECS replaces the task of an unhealthy host.
HEALTHY_THRESHOLD, UNHEALTHY_THRESHOLD = 2, 4
#: Seconds until the balancer sends no new clients to a host that fails its check from now on: the
#: failing checks, the time until the first check, and as much for AWS to tell the whole balancer.
NOTICE = HEALTH_INTERVAL * (UNHEALTHY_THRESHOLD + 2)
#: Seconds that the transfers of an unhealthy host get: as long as a stopping proxy lives. The
#: network balancer's default ends them immediately. Clients of a dead host then begin anew.
UNHEALTHY_DRAIN = 150
#: Seconds that a leaving host gets to end the transfers it has begun.
DRAIN = 300
#: ``DRAIN`` of a network balancer with a single host. The balancer waits the whole time, also
#: without transfers, and no host serves meanwhile; transfers have a stopping container's time.
DRAIN_ALONE = 0


class NetworkLoadBalancer(Construct):
    """A network load balancer; hosts see the address of the client.

    Args:
        vpc_id: the network.
        subnet_ids: one subnet in each zone.
        security_group_id: the security group of the load balancer.
        gateway: of the network; AWS refuses a balancer where it is not attached yet.

    Exposes ``name``, ``dns_name`` and ``zone_id``: its own name and the zone of that,
    ``metric_dimensions``: which metrics of ``METRIC_NAMESPACE`` are its own, and ``target``:
    how an ECS service names it.
    """

    METRIC_NAMESPACE = "AWS/NetworkELB"
    #: The hosts' port for clients, and all that the balancer reaches: these, then the checks'.
    CLIENT_PORT = PORT
    HOST_PORTS = (PORT,)
    #: The same check by the host itself, whose certificate is not for this name.
    CHECK = f"https://127.0.0.1:{PORT}{HEALTH_PATH}"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,
        subnet_ids: Sequence[str],
        security_group_id: str,
        gateway: InternetGateway,
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
            depends_on=[gateway],
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
            deregistration_delay=f"${{var.maximum_hosts > 1 ? {DRAIN} : {DRAIN_ALONE}}}",
            target_health_state=[
                LbTargetGroupTargetHealthState(
                    enable_unhealthy_connection_termination=False,
                    unhealthy_draining_interval=UNHEALTHY_DRAIN,
                )
            ],
            health_check={
                "protocol": "HTTPS",
                "path": HEALTH_PATH,
                "port": "traffic-port",
                "matcher": "200",
                "interval": HEALTH_INTERVAL,
                "timeout": HEALTH_INTERVAL - 1,
                "healthy_threshold": HEALTHY_THRESHOLD,
                "unhealthy_threshold": UNHEALTHY_THRESHOLD,
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
    """A classic load balancer in TCP mode, for users who have such a balancer already.

    It tells the hosts the address of each client by the PROXY protocol.

    Args:
        vpc_id: the network; this kind takes it from the subnets.
        subnet_ids: one subnet in each zone.
        security_group_id: the security group of the load balancer.
        gateway: of the network; AWS refuses a balancer where it is not attached yet.

    Exposes the same as :class:`NetworkLoadBalancer`.
    """

    METRIC_NAMESPACE = "AWS/ELB"
    CLIENT_PORT = ANNOUNCED_PORT
    HOST_PORTS = (ANNOUNCED_PORT, CHECK_PORT)
    CHECK = f"http://127.0.0.1:{CHECK_PORT}{HEALTH_PATH}"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,  # noqa: ARG002
        subnet_ids: Sequence[str],
        security_group_id: str,
        gateway: InternetGateway,
    ) -> None:
        super().__init__(scope, id)
        balancer = Elb(
            self,
            "balancer",
            name="${var.name}",
            internal=truth("var.internal"),
            subnets=list(subnet_ids),
            security_groups=[security_group_id],
            depends_on=[gateway],
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
                "target": f"HTTP:{CHECK_PORT}{HEALTH_PATH}",
                "interval": HEALTH_INTERVAL,
                "timeout": HEALTH_INTERVAL - 1,
                "healthy_threshold": HEALTHY_THRESHOLD,
                "unhealthy_threshold": UNHEALTHY_THRESHOLD,
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
