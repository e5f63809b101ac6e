"""The names of AWS's services for VPC endpoints."""

import re

from modules.bindings.aws import Construct, DataAwsPartition, DataAwsVpcEndpointService

#: How most names begin, in every partition.
USUAL = "com.amazonaws"


class EndpointServices:
    """The services of the region, as AWS names them.

    In China and in the European sovereign cloud the names of some services begin with the reversed
    domain of the partition, and the names of others as everywhere: Terraform looks the name up. In
    the other partitions only one name is possible. There the lookup is by name and not by filter:
    GovCloud was seen to ignore filters (aws_vpc_endpoint_service of Terraform's provider).

    Usage:

        EndpointServices(self).name("ecr.api", "Interface")
    """

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        partition = DataAwsPartition(scope, "partition")
        address = f"{partition.terraform_resource_type}.{partition.friendly_unique_id}"
        self._prefix = f"data.{address}.reverse_dns_prefix"

    def name(self, service: str, kind: str) -> str:
        """Return the name of a service, for endpoints of a kind: Gateway or Interface."""
        usual, other = (
            f"{prefix}.${{var.aws_region}}.{service}" for prefix in (USUAL, f"${{{self._prefix}}}")
        )
        is_usual = f'{self._prefix} == "{USUAL}"'
        found = DataAwsVpcEndpointService(
            self._scope,
            f"{re.sub('[.-]', '_', service)}_service",
            service_type=kind,
            service_name=f'${{{is_usual} ? "{usual}" : null}}',
        )
        found.add_override(
            "dynamic.filter",
            {
                "for_each": f"${{{is_usual} ? [] : [1]}}",
                "content": {"name": "service-name", "values": [usual, other]},
            },
        )
        return str(found.service_name)
