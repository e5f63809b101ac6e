"""VPC endpoints, as the AWS API lists them: what rules and policies name them by."""

from typing import Any

#: What the front of S3 tells the emulator: the endpoint that a request has come through, which
#: policies know as ``aws:SourceVpce``.
ENDPOINT_HEADER = "X-Wharf-Vpc-Endpoint"


def read_endpoint_peers(session: Any) -> frozenset[str]:
    """Return what rules name the VPC endpoints by: groups of interfaces, prefix lists of gateways.

    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
    """
    ec2 = session.client("ec2")
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    lists = {
        prefix_list["PrefixListName"]: prefix_list["PrefixListId"]
        for prefix_list in ec2.describe_prefix_lists()["PrefixLists"]
    }
    groups = {group["GroupId"] for endpoint in endpoints for group in endpoint.get("Groups", ())}
    gateways = [
        endpoint["ServiceName"]
        for endpoint in endpoints
        if endpoint["VpcEndpointType"] == "Gateway"
    ]
    return frozenset(groups | {lists[name] for name in gateways if name in lists})


def read_s3_endpoint(session: Any) -> str:
    """Return the gateway endpoint of S3; nothing where there is none."""
    endpoints = session.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    found = [
        str(endpoint["VpcEndpointId"])
        for endpoint in endpoints
        if endpoint["VpcEndpointType"] == "Gateway" and endpoint["ServiceName"].endswith(".s3")
    ]
    return found[0] if found else ""


def send_through(client: Any, endpoint: str) -> None:
    """Let a client of S3 send its requests through an endpoint, as the containers of a host do."""

    def name_endpoint(request: Any, **_: object) -> None:
        request.headers[ENDPOINT_HEADER] = endpoint

    client.meta.events.register("before-sign.s3", name_endpoint)
