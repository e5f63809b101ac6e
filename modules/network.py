"""The network: VPC, subnets over several zones, a private way to S3, security groups."""

from collections.abc import Sequence
from typing import Any

from modules.aws import (
    Construct,
    DataAwsAvailabilityZones,
    DefaultSecurityGroup,
    Fn,
    InternetGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
    VpcSecurityGroupEgressRule,
    VpcSecurityGroupIngressRule,
)
from modules.expressions import number
from modules.private_subnets import ANYWHERE, HTTPS, PrivateSubnets

SSH = 22
#: Where a host shows the metrics of its proxy.
METRICS = 9113


#: Ports of the registries that hosts pull their images from: HTTPS, and those in the images' names.
PULL_PORTS = (
    f'concat(["{HTTPS}"], [for image in [var.proxy_image, var.registry_image] : '
    f'try(regex("^[^/]+:([0-9]+)/", image)[0], "{HTTPS}")])'
)


class Network(Construct):
    """A VPC whose hosts answer to the load balancer and to nobody else, and talk to AWS only.

    DNS, the clock and the metadata of a host are no traffic that a security group filters:
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html

    Args:
        zones: availability zones, one public subnet in each.
        host_ports: what the load balancer reaches of them.
        host_network: ``public``, or how private hosts reach AWS: ``nat``, ``nat_per_zone`` or
            ``endpoints``.

    Exposes ``vpc_id``, ``balancer_subnet_ids``, ``host_subnet_ids``, ``balancer_group_id``,
    ``hosts_group_id`` and ``s3_endpoint_id``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        zones: int,
        host_ports: Sequence[int],
        host_network: str,
    ) -> None:
        super().__init__(scope, id)
        self._vpc = Vpc(
            self,
            "vpc",
            cidr_block="${var.network_cidr}",
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": "${var.name}"},
        )
        self.vpc_id = self._vpc.id
        # The group that AWS puts into every network, without its rules: nobody uses it.
        DefaultSecurityGroup(self, "unused", vpc_id=self.vpc_id)
        balancer = self._group("balancer", "Load balancer of the registry")
        hosts = self._group("hosts", "Hosts of the registry")
        self.balancer_group_id = balancer.id
        self.hosts_group_id = hosts.id
        self._open(balancer, hosts, host_ports)
        # Only a key pair and a network together open the port.
        operators = 'var.key_pair == "" ? [] : var.ssh_networks'
        self._open_to_networks(hosts, "ssh_to_hosts", SSH, "Operators", operators)
        prometheus = "var.metrics_networks"
        self._open_to_networks(hosts, "metrics_of_hosts", METRICS, "Prometheus", prometheus)

        endpoints_group = None
        routes = self._routes_to_the_internet()
        public = self._subnets(zones, routes, addresses=host_network == "public")
        self.balancer_subnet_ids = [subnet.id for subnet in public]
        if host_network == "public":
            self.host_subnet_ids = self.balancer_subnet_ids
            tables = [routes.id]
        else:
            private = PrivateSubnets(
                self,
                "private",
                vpc=self._vpc,
                public_subnets=public,
                way_out=host_network,
                hosts_group_id=hosts.id,
            )
            self.host_subnet_ids = private.subnet_ids
            tables = private.route_table_ids
            endpoints_group = private.endpoints_group_id
        # Layers go to S3 and back without passing, or paying for, any gateway of the network.
        s3 = VpcEndpoint(
            self,
            "s3",
            vpc_id=self.vpc_id,
            route_table_ids=tables,
            service_name="com.amazonaws.${var.aws_region}.s3",
            tags={"Name": "${var.name}-s3"},
        )
        self.s3_endpoint_id = s3.id
        self._let_out(hosts, endpoints_group, s3)

    def _routes_to_the_internet(self) -> RouteTable:
        tags = {"Name": "${var.name}"}
        gateway = InternetGateway(self, "gateway", vpc_id=self.vpc_id, tags=tags)
        routes = RouteTable(self, "routes", vpc_id=self.vpc_id, tags=tags)
        Route(
            self,
            "internet",
            route_table_id=routes.id,
            gateway_id=gateway.id,
            destination_cidr_block=ANYWHERE,
        )
        return routes

    def _subnets(self, zones: int, routes: RouteTable, *, addresses: bool) -> list[Subnet]:
        # Local zones and Wavelength zones have to be asked for and know neither balancer.
        available = DataAwsAvailabilityZones(
            self,
            "zones",
            state="available",
            filter=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        )
        available.add_override(
            "lifecycle.postcondition",
            {
                "condition": f"${{length(self.names) >= {zones}}}",
                "error_message": f"zones = {zones}: the region has fewer; choose fewer zones.",
            },
        )
        subnets = []
        for index in range(zones):
            subnet = Subnet(
                self,
                f"subnet_{index}",
                vpc_id=self.vpc_id,
                availability_zone=Fn.element(available.names, index),
                cidr_block=Fn.cidrsubnet(self._vpc.cidr_block, 4, index),
                map_public_ip_on_launch=addresses,
                tags={"Name": f"${{var.name}}-{index}"},
            )
            RouteTableAssociation(
                self, f"routes_{index}", subnet_id=subnet.id, route_table_id=routes.id
            )
            subnets.append(subnet)
        return subnets

    def _group(self, role: str, description: str) -> SecurityGroup:
        name = f"${{var.name}}-{role}"
        return SecurityGroup(
            self,
            role,
            vpc_id=self.vpc_id,
            name=name,
            description=description,
            tags={"Name": name},
        )

    def _open(
        self, balancer: SecurityGroup, hosts: SecurityGroup, host_ports: Sequence[int]
    ) -> None:
        inside = {
            "ip_protocol": "tcp",
            "from_port": min(host_ports),
            "to_port": max(host_ports),
            "description": "Traffic and health checks",
        }
        clients = VpcSecurityGroupIngressRule(
            self,
            "clients_to_balancer",
            security_group_id=balancer.id,
            cidr_ipv4="${each.value}",
            description="Clients of the registry",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
        )
        clients.add_override("for_each", "${toset(var.allowed_networks)}")
        VpcSecurityGroupEgressRule(
            self,
            "balancer_to_hosts",
            security_group_id=balancer.id,
            referenced_security_group_id=hosts.id,
            **inside,
        )
        VpcSecurityGroupIngressRule(
            self,
            "hosts_from_balancer",
            security_group_id=hosts.id,
            referenced_security_group_id=balancer.id,
            **inside,
        )

    def _let_out(self, hosts: SecurityGroup, endpoints_group: str | None, s3: VpcEndpoint) -> None:
        """Let hosts reach the endpoints and S3 where they have those, else HTTPS anywhere."""
        aws: dict[str, Any] = {"security_group_id": hosts.id, "ip_protocol": "tcp"}
        if endpoints_group is None:
            anywhere = VpcSecurityGroupEgressRule(
                self,
                "hosts_to_https",
                cidr_ipv4=ANYWHERE,
                from_port=number("each.value"),
                to_port=number("each.value"),
                description="AWS APIs and image pulls",
                **aws,
            )
            anywhere.add_override("for_each", f"${{toset({PULL_PORTS})}}")
            return
        aws |= {"from_port": HTTPS, "to_port": HTTPS}
        VpcSecurityGroupEgressRule(
            self,
            "hosts_to_endpoints",
            referenced_security_group_id=endpoints_group,
            description="AWS APIs",
            **aws,
        )
        VpcSecurityGroupEgressRule(
            self,
            "hosts_to_s3",
            prefix_list_id=s3.prefix_list_id,
            description="Layers, and packages of Amazon Linux",
            **aws,
        )

    def _open_to_networks(
        self, hosts: SecurityGroup, name: str, port: int, description: str, networks: str
    ) -> None:
        """Let the networks that a Terraform expression lists reach a port of the hosts."""
        rule = VpcSecurityGroupIngressRule(
            self,
            name,
            security_group_id=hosts.id,
            cidr_ipv4="${each.value}",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
        )
        rule.add_override("for_each", f"${{toset({networks})}}")
