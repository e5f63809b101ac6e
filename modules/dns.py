"""The registry's name in the user's own zone, if there is a zone."""

from modules.bindings.aws import Construct, Route53Record
from modules.load_balancer import ClassicLoadBalancer, NetworkLoadBalancer


class Dns(Construct):
    """A record of Route 53 that follows the load balancer's addresses.

    Args:
        balancer: the load balancer that the name leads to.

    Exposes ``host``: the name that clients use.
    """

    def __init__(
        self, scope: Construct, id: str, *, balancer: NetworkLoadBalancer | ClassicLoadBalancer
    ) -> None:
        super().__init__(scope, id)
        record = Route53Record(
            self,
            "record",
            zone_id="${var.dns_zone_id}",
            name="${each.value}",
            type="A",
            alias={
                "name": balancer.dns_name,
                "zone_id": balancer.zone_id,
                # There is nowhere else to send clients to.
                "evaluate_target_health": False,
            },
        )
        record.add_override("for_each", '${toset(var.dns_zone_id == "" ? [] : [var.domain])}')
        self.host = f'${{var.domain == "" ? {balancer.dns_name} : var.domain}}'
