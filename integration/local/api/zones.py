"""Names that the zones of Route 53 give to addresses."""

from typing import Any


def read_addresses(session: Any) -> list[tuple[str, str]]:
    """Return the names and addresses of all A records that are no aliases.

    Hosts resolve such names as everybody does, if the parents of the zones name their servers.
    """
    route53 = session.client("route53")
    return [
        (record["Name"].removesuffix("."), value["Value"])
        for zone in route53.list_hosted_zones()["HostedZones"]
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])[
            "ResourceRecordSets"
        ]
        if record["Type"] == "A"
        for value in record.get("ResourceRecords", ())
    ]
