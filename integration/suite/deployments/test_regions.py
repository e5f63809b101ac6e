"""Data that the stack reads about the region: zones of the instance type, endpoint names."""

import json
from pathlib import Path
from typing import Any

import pytest

from integration.local.emulator.iam import not_enforced
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.registry import synthesize
from integration.local.terraform import STACK, Terraform

#: Behind endpoints, so that all of them are asked for.
SHAPE = {
    "WHARF_HOST_NETWORK": "endpoints",
    "WHARF_REGISTRY_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1",
}
ZONES = ("aws_ec2_instance_type_offerings", "aws_availability_zones")
SERVICES = ("aws_partition", "aws_vpc_endpoint_service")


def read_data(
    kinds: tuple[str, ...], emulator: Emulator, folder: Path, region: str, **shape: str
) -> dict[str, Any]:
    """Let Terraform read the stack's data sources of these kinds only; return what each holds."""
    stack = synthesize(folder / "cdktf.out", {**SHAPE, "WHARF_AWS_REGION": region, **shape})
    described = json.loads((stack / STACK).read_text())
    variables = described["variable"]
    wanted = {
        "provider": described["provider"],
        "terraform": described["terraform"],
        "variable": {
            name: variables[name] for name in ("aws_region", "instance_type", "tags", "name")
        },
        "data": {kind: described["data"][kind] for kind in kinds},
    }
    (stack / STACK).write_text(json.dumps(wanted))
    terraform = Terraform(stack, emulator, region, {}, folder / "terraform.log")
    terraform.init()
    with not_enforced(emulator.endpoint):
        read = terraform.plan()["prior_state"]["values"]["root_module"]["resources"]
    return {resource["address"]: resource["values"] for resource in read}


def test_zones_without_the_instance_type_are_left_out(emulator: Emulator, tmp_path: Path) -> None:
    zones = read_data(ZONES, emulator, tmp_path, "us-east-1", WHARF_ZONES="5")
    names = zones["data.aws_availability_zones.network_zones"]["names"]
    assert names == ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f"]


def test_more_zones_than_have_the_instance_type_are_refused(
    emulator: Emulator, tmp_path: Path
) -> None:
    told = "zones = 6: the region has t3.medium in fewer; choose fewer zones, or another"
    with pytest.raises(LocalCloudError, match=told):
        read_data(ZONES, emulator, tmp_path, "us-east-1", WHARF_ZONES="6")


@pytest.mark.parametrize(
    ("region", "names"),
    [
        ("us-gov-west-1", ("com.", "com.", "com.")),
        ("cn-north-1", ("com.", "cn.com.", "com.")),
    ],
)
def test_endpoints_have_the_names_of_the_region(
    emulator: Emulator, tmp_path: Path, region: str, names: tuple[str, str, str]
) -> None:
    image = f"123456789012.dkr.ecr.{region}.amazonaws.com/registry:3.1.1"
    read = read_data(SERVICES, emulator, tmp_path, region, WHARF_REGISTRY_IMAGE=image)
    found = [
        read[f"data.aws_vpc_endpoint_service.network_{service}_service"]["service_name"]
        for service in ("s3", "ecr_api", "logs")
    ]
    services = ("s3", "ecr.api", "logs")
    assert found == [
        f"{prefix}amazonaws.{region}.{service}"
        for prefix, service in zip(names, services, strict=True)
    ]
