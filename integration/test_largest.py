"""The largest configuration: everything that can be switched on at once, on hosts without internet.

Applied, planned again, used for a push and a pull, and destroyed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.images import digest_of
from integration.interrupts import ends_on_signals
from integration.local.cloud import apply_with_terraform
from integration.local.inventory import inventory
from integration.local.registry import PROXY_IMAGE, LocalRegistry
from integration.local.terraform import Terraform

DIRECTORY = Path("build/integration-largest")
COPIES = "largest-copies"
DOMAIN = "registry.example.com"
#: What the test makes before the stack, as the inventory names it.
GIVEN = (f"s3/list_buckets/{COPIES}", "ec2/describe_key_pairs/")
SHAPE = {
    "WHARF_NAME": "largest",
    "WHARF_LOAD_BALANCER": "network",
    "WHARF_BLOB_DELIVERY": "cache",
    "WHARF_HOST_NETWORK": "endpoints",
    "WHARF_ZONES": "3",
    "WHARF_ALARMS": "true",
    "WHARF_REPLICA_BUCKET": COPIES,
    "WHARF_IMAGE_VERSION_DAYS": "30",
    "WHARF_REGISTRY_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1",
}
VARIABLES = {
    "alarm_emails": ["operator@example.com"],
    "allowed_networks": ["10.0.0.0/8"],
    "domain": DOMAIN,
    "intelligent_tiering": True,
    "internal": True,
    "key_pair": "operators",
    "metrics_networks": ["10.1.0.0/16"],
    # Hosts that reach endpoints only take images from ECR; podman builds one of this name.
    "proxy_image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{PROXY_IMAGE.partition('/')[2]}",
    "other_instance_types": ["t3a.medium", "m5.large"],
    "scheduled_hosts": {"45 8 * * MON-FRI": 2},
    "spot_percent": 50,
    "ssh_networks": ["10.2.0.0/16"],
    "tags": {"Team": "platform"},
}


def what_must_exist_first(terraform: Terraform) -> dict[str, str]:
    """Make what the stack is given and does not make: key, zone, key pair, bucket of the copies."""
    session = terraform.emulator.session()
    session.client("ec2").create_key_pair(KeyName=VARIABLES["key_pair"])
    s3 = session.client("s3")
    s3.create_bucket(Bucket=COPIES)
    s3.put_bucket_versioning(Bucket=COPIES, VersioningConfiguration={"Status": "Enabled"})
    key = session.client("kms").create_key()["KeyMetadata"]["Arn"]
    zone = session.client("route53").create_hosted_zone(Name="example.com", CallerReference="test")
    return {
        "kms_key_arn": key,
        "replica_kms_key_arn": key.replace("us-east-1", "eu-west-1"),
        "dns_zone_id": zone["HostedZone"]["Id"].rpartition("/")[2],
    }


@pytest.fixture(scope="module")
def largest(
    only_local: None,  # noqa: ARG001
    report: Callable[[str], None],
    logs: Callable[[Path], None],
) -> Iterator[LocalRegistry]:
    logs(DIRECTORY / "logs")
    given: pytest.MonkeyPatch

    def deploy(terraform: Terraform) -> None:
        for name, value in what_must_exist_first(terraform).items():
            given.setenv(f"TF_VAR_{name}", value)
        apply_with_terraform(terraform)

    with (
        ends_on_signals(),
        pytest.MonkeyPatch.context() as given,
        LocalRegistry(
            DIRECTORY, hosts=2, shape=SHAPE, variables=VARIABLES, report=report, deploy=deploy
        ) as registry,
    ):
        yield registry


def test_push_and_pull(
    largest: LocalRegistry, repository: str, image: Path, tmp_path: Path
) -> None:
    client = largest.deployment.skopeo()
    client.push(image, f"{repository}:1")
    client.pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest_of(image)


def test_hosts_reach_the_endpoints_and_nothing_else(largest: LocalRegistry) -> None:
    network = largest.cloud.network
    for host in largest.cloud.hosts:
        assert network.reaches(largest.cloud.endpoints.address, 443, pod=host.pod)
        # The load balancer lets all of 10.0.0.0/8 in, and so the host.
        assert not network.reaches(largest.cloud.balancer.address, 443, pod=host.pod)


def records(registry: LocalRegistry) -> dict[str, str]:
    """The names in the zone that stand for others, and for which."""
    route53 = registry.cloud.session.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    found = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {
        one["Name"].rstrip("."): one["AliasTarget"]["DNSName"].rstrip(".")
        for one in found
        if "AliasTarget" in one
    }


def test_the_name_stands_for_the_load_balancer(largest: LocalRegistry) -> None:
    balancers = largest.cloud.session.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert records(largest) == {DOMAIN: balancers[0]["DNSName"]}
    assert largest.cloud.outputs["registry_url"] == f"https://{DOMAIN}"


def test_a_second_plan_changes_nothing_and_destroy_leaves_nothing(largest: LocalRegistry) -> None:
    terraform = largest.cloud.terraform
    assert terraform.changes() == []
    terraform.destroy()
    left = inventory(largest.cloud.session) - largest.cloud.baseline
    assert {one for one in left if not one.startswith(GIVEN)} == set()
    assert records(largest) == {}
