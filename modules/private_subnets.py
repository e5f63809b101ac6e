"""Private subnets for the hosts, and the way that they have to AWS from there."""

from collections.abc import Sequence

from modules.bindings.aws import (
    Construct,
    Eip,
    Fn,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
    VpcSecurityGroupIngressRule,
)
from modules.endpoint_services import EndpointServices

ANYWHERE = "0.0.0.0/0"
HTTPS = 443
#: The first of the VPC's sixteenths that are private; those before it are for public subnets.
FIRST = 8
#: Services that hosts use beside S3: image pulls, the ECS agent, logs and metrics, secrets, their
#: group, and Session Manager, which is the way onto a host that has no public address.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
SERVICES = (
    *("ecr.api", "ecr.dkr"),
    *("ecs", "ecs-agent", "ecs-telemetry"),
    *("logs", "monitoring", "secretsmanager", "autoscaling"),
    *("ssm", "ssmmessages"),
    # Where the proxy sends proofs of AWS identities.
    "sts",
)


class PrivateSubnets(Construct):
    """A subnet in each zone whose hosts have no public address.

    Args:
        vpc: the network.
        public_subnets: a subnet in each zone, for the NAT gateways.
        gateway: to the internet; AWS refuses NAT gateways where it is not attached yet.
        way_out: ``nat``, ``nat_per_zone`` or ``endpoints``.
        services: the names of the services that endpoints lead to.
        hosts_group_id: the hosts, for whom the endpoints open.

    Exposes ``subnet_ids`` and ``route_table_ids``, for every zone, and
    ``endpoints_group_id``, None where there are no endpoints.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: Vpc,
        public_subnets: Sequence[Subnet],
        gateway: InternetGateway,
        way_out: str,
        services: EndpointServices,
        hosts_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        self._vpc = vpc
        self._gateway = gateway
        subnets, tables = [], []
        for index, public in enumerate(public_subnets):
            subnets.append(self._subnet(index, public))
            tables.append(self._routes(index, subnets[index]))
        self.subnet_ids = [subnet.id for subnet in subnets]
        self.route_table_ids = [table.id for table in tables]
        self.endpoints_group_id: str | None = None
        if way_out == "endpoints":
            self.endpoints_group_id = self._endpoints(services, hosts_group_id)
        else:
            self._gateways(public_subnets if way_out == "nat_per_zone" else public_subnets[:1])

    def _subnet(self, index: int, public: Subnet) -> Subnet:
        return Subnet(
            self,
            f"subnet_{index}",
            vpc_id=self._vpc.id,
            availability_zone=public.availability_zone,
            cidr_block=Fn.cidrsubnet(self._vpc.cidr_block, 4, FIRST + index),
            tags={"Name": f"${{var.name}}-private-{index}"},
        )

    def _routes(self, index: int, subnet: Subnet) -> RouteTable:
        tags = {"Name": f"${{var.name}}-private-{index}"}
        table = RouteTable(self, f"routes_{index}", vpc_id=self._vpc.id, tags=tags)
        RouteTableAssociation(
            self, f"association_{index}", subnet_id=subnet.id, route_table_id=table.id
        )
        return table

    def _gateways(self, public_subnets: Sequence[Subnet]) -> None:
        """Create a NAT gateway in each of these subnets; zones without a gateway use the last."""
        gateways = []
        for index, subnet in enumerate(public_subnets):
            tags = {"Name": f"${{var.name}}-nat-{index}"}
            address = Eip(
                self, f"address_{index}", domain="vpc", tags=tags, depends_on=[self._gateway]
            )
            gateways.append(
                NatGateway(
                    self,
                    f"gateway_{index}",
                    allocation_id=address.allocation_id,
                    subnet_id=subnet.id,
                    tags=tags,
                    depends_on=[self._gateway],
                )
            )
        for index, table in enumerate(self.route_table_ids):
            Route(
                self,
                f"internet_{index}",
                route_table_id=table,
                nat_gateway_id=gateways[min(index, len(gateways) - 1)].id,
                destination_cidr_block=ANYWHERE,
            )

    def _endpoints(self, services: EndpointServices, hosts_group_id: str) -> str:
        """Make endpoints of the AWS APIs that hosts need; return the endpoints' security group."""
        name = "${var.name}-endpoints"
        group = SecurityGroup(
            self,
            "endpoints",
            vpc_id=self._vpc.id,
            name=name,
            description="AWS APIs for the hosts",
            tags={"Name": name},
        )
        VpcSecurityGroupIngressRule(
            self,
            "hosts_to_endpoints",
            security_group_id=group.id,
            referenced_security_group_id=hosts_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="Hosts",
        )
        for service in SERVICES:
            VpcEndpoint(
                self,
                service.replace(".", "_"),
                vpc_id=self._vpc.id,
                vpc_endpoint_type="Interface",
                service_name=services.name(service, "Interface"),
                subnet_ids=self.subnet_ids,
                security_group_ids=[group.id],
                private_dns_enabled=True,
                tags={"Name": f"${{var.name}}-{service}"},
            )
        return str(group.id)
