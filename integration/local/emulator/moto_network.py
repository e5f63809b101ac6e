"""Corrections of moto 5.2.5 about networks: the services that VPC endpoints lead to.

See moto_corrections.py, which applies them with the others.
"""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.vpcs import VPCBackend

from integration.local.emulator.replacing import instead

#: Services whose endpoints begin with cn.com.amazonaws in China, of those that the stack names:
#: https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-endpoint.ts
CHINESE = ("ecr.api", "ecr.dkr", "monitoring", "s3")


def apply_network_corrections() -> None:
    """Correct moto in this process."""
    services_in_china_have_their_names()
    services_are_filtered_by_their_names()


def services_in_china_have_their_names() -> None:
    """moto names all services of VPC endpoints as outside of China."""

    def make(original: Any) -> Callable[..., Any]:
        def collect(account: str, region: str) -> Any:
            services = original(account, region)
            for service in services if region.startswith("cn-") else ():
                gateway = service["ServiceType"][0]["ServiceType"] == "Gateway"
                if service["ServiceName"] in {f"com.amazonaws.{region}.{name}" for name in CHINESE}:
                    service["ServiceName"] = f"{'' if gateway else 'cn.'}{service['ServiceName']}"
            return services

        return staticmethod(collect)

    instead(VPCBackend, "_collect_default_endpoint_services", make)


def services_are_filtered_by_their_names() -> None:
    """DescribeVpcEndpointServices with a filter of names is a status 500: its key is misspelt."""

    def make(original: Any) -> Callable[..., Any]:
        def filtered(names: list[str], filters: list[dict[str, Any]], services: Any) -> Any:
            return original(
                names, [{**filter_, "Value": filter_["Values"]} for filter_ in filters], services
            )

        return staticmethod(filtered)

    instead(VPCBackend, "_filter_endpoint_services", make)
