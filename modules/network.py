"""The network: VPC, subnets over several zones, a private way to S3, security groups."""

from collections.abc import Sequence
from typing import Any

from modules.bindings.aws import (
    Construct,
    DataAwsAvailabilityZones,
    DataAwsEc2InstanceTypeOfferings,
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
from modules.endpoint_services import EndpointServices
from modules.expressions import number
from modules.flow_logs import FlowLogs
from modules.private_subnets import ANYWHERE, HTTPS, PrivateSubnets

SSH = 22
#: Where a host shows the metrics of its proxy.
METRICS = 9113


#: Ports of the registries that hosts pull from: HTTPS, those in the names of the images, and those
#: of mirrors.
PULL_PORTS = (
    f'concat(["{HTTPS}"], [for image in [var.proxy_image, var.registry_image] : '
    f'try(regex("^[^/]+:([0-9]+)/", image)[0], "{HTTPS}")], '
    f'[for mirror in var.mirrors : try(regex(":([0-9]+)$", mirror.url)[0], "{HTTPS}")])'
)


class Network(Construct):
    """A VPC whose hosts accept connections of the load balancer only, and reach AWS only.

    DNS, the clock and the metadata of a host are no traffic that a security group filters:
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html

    Args:
        zones: availability zones, one public subnet in each.
        host_ports: ports of the hosts for the load balancer: the clients' port, then a check's.
        host_network: ``public``, or how private hosts reach AWS: ``nat``, ``nat_per_zone`` or
            ``endpoints``.
        authority_port: of the ACME authority that hosts ask, if they ask one.

    Exposes ``vpc_id``, ``balancer_subnet_ids``, ``host_subnet_ids``, ``balancer_group_id``,
    ``hosts_group_id``, ``s3_endpoint_id`` and ``gateway``, to the internet.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        zones: int,
        host_ports: Sequence[int],
        host_network: str,
        authority_port: int = HTTPS,
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
        FlowLogs(self, "flow_logs", vpc_id=self.vpc_id)
        # The unused group that AWS puts into every network: without its rules.
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

        services = EndpointServices(self)
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
                gateway=self.gateway,
                way_out=host_network,
                services=services,
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
            service_name=services.name("s3", "Gateway"),
            tags={"Name": "${var.name}-s3"},
        )
        self.s3_endpoint_id = s3.id
        self._let_out(hosts, endpoints_group, s3, authority_port)

    def _routes_to_the_internet(self) -> RouteTable:
        tags = {"Name": "${var.name}"}
        self.gateway = InternetGateway(self, "gateway", vpc_id=self.vpc_id, tags=tags)
        routes = RouteTable(self, "routes", vpc_id=self.vpc_id, tags=tags)
        Route(
            self,
            "internet",
            route_table_id=routes.id,
            gateway_id=self.gateway.id,
            destination_cidr_block=ANYWHERE,
        )
        return routes

    def _subnets(self, zones: int, routes: RouteTable, *, addresses: bool) -> list[Subnet]:
        available = self._available(zones)
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
            # The list changes with the type of the hosts, and while AWS calls a zone impaired.
            subnet.add_override("lifecycle.ignore_changes", ["availability_zone"])
            RouteTableAssociation(
                self, f"routes_{index}", subnet_id=subnet.id, route_table_id=routes.id
            )
            subnets.append(subnet)
        return subnets

    def _available(self, zones: int) -> DataAwsAvailabilityZones:
        """Return the zones that have hosts of ``var.instance_type``, at least so many.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
        """
        offered = DataAwsEc2InstanceTypeOfferings(
            self,
            "offered",
            location_type="availability-zone",
            filter=[{"name": "instance-type", "values": ["${var.instance_type}"]}],
        )
        # Local zones and Wavelength zones have to be asked for and know neither balancer.
        available = DataAwsAvailabilityZones(
            self,
            "zones",
            state="available",
            filter=[
                {"name": "opt-in-status", "values": ["opt-in-not-required"]},
                {"name": "zone-name", "values": offered.locations},
            ],
        )
        few = (
            f"zones = {zones}: the region has ${{var.instance_type}} in fewer; choose fewer zones, "
            "or another instance_type."
        )
        for found, names in ((offered, "locations"), (available, "names")):
            found.add_override(
                "lifecycle.postcondition",
                {"condition": f"${{length(self.{names}) >= {zones}}}", "error_message": few},
            )
        return available

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
        for port in host_ports:
            # The first port is for clients; a check with a port of its own has a second port.
            checks = "" if port == host_ports[0] else "_checks"
            inside: dict[str, Any] = {
                "ip_protocol": "tcp",
                "from_port": port,
                "to_port": port,
                "description": "Health checks" if checks else "Traffic and health checks",
            }
            VpcSecurityGroupEgressRule(
                self,
                f"balancer_to_hosts{checks}",
                security_group_id=balancer.id,
                referenced_security_group_id=hosts.id,
                **inside,
            )
            VpcSecurityGroupIngressRule(
                self,
                f"hosts_from_balancer{checks}",
                security_group_id=hosts.id,
                referenced_security_group_id=balancer.id,
                **inside,
            )

    def _let_out(
        self, hosts: SecurityGroup, endpoints_group: str | None, s3: VpcEndpoint, port: int
    ) -> None:
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
            ports = PULL_PORTS if port == HTTPS else f'concat({PULL_PORTS}, ["{port}"])'
            anywhere.add_override("for_each", f"${{toset({ports})}}")
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
