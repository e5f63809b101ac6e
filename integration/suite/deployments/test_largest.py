"""The largest configuration: everything that can be switched on at once, on hosts without internet.

Applied, planned again, used for a push and a pull, and destroyed.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.clients.image_builder import layout_digest
from integration.console.signals import ends_on_signals
from integration.local.api.inventory import inventory
from integration.local.cloud import apply_with_terraform
from integration.local.registry import PROXY_IMAGE, LocalRegistry
from integration.local.terraform import Terraform
from integration.suite.support.layers import push

DIRECTORY = Path("build/integration-largest")
#: One that the SDK of distribution 3.1.1, and that of 2.8.3, do not know.
REGION = "ap-southeast-5"
OTHER_REGION = "eu-west-1"
COPIES, FLOWS = "largest-copies", "largest-flows"
#: Seconds for which a check serves later requests, and requests of which one at least is later.
CHECK, GETS = 3, 10
DOMAIN = "registry.example.com"
#: What the test makes before the stack, as the inventory names it.
GIVEN = (
    f"s3/list_buckets/{COPIES}",
    f"s3/list_buckets/{FLOWS}",
    "ec2/describe_key_pairs/",
)
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
    "flow_log_bucket": FLOWS,
    "intelligent_tiering": True,
    "internal": True,
    "key_pair": "operators",
    "maximum_host_days": 30,
    "metrics_networks": ["10.1.0.0/16"],
    # Hosts that reach endpoints only take images from ECR; podman builds one of this name.
    "proxy_image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{PROXY_IMAGE.partition('/')[2]}",
    "proxy_check_seconds": CHECK,
    "page": False,
    "other_instance_types": ["t3a.medium", "m5.large"],
    "scheduled_hosts": {"45 8 * * MON-FRI": 2},
    "spot_percent": 50,
    "ssh_networks": ["10.2.0.0/16"],
    "tags": {"Team": "platform"},
}


def what_must_exist_first(terraform: Terraform) -> dict[str, str]:
    """Make what the stack is given and does not make: key, zone, key pair, buckets."""
    session = terraform.emulator.session()
    session.client("ec2").create_key_pair(KeyName=VARIABLES["key_pair"])
    s3 = terraform.emulator.in_region(OTHER_REGION).session().client("s3")
    there = {"LocationConstraint": OTHER_REGION}
    for bucket in (COPIES, FLOWS):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=there)
    s3.put_bucket_versioning(Bucket=COPIES, VersioningConfiguration={"Status": "Enabled"})
    key = session.client("kms").create_key()["KeyMetadata"]["Arn"]
    zone = session.client("route53").create_hosted_zone(Name="example.com", CallerReference="test")
    return {
        "kms_key_arn": key,
        "replica_kms_key_arn": key.replace(terraform.emulator.region, OTHER_REGION),
        "dns_zone_id": zone["HostedZone"]["Id"].rpartition("/")[2],
    }


def moved(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same values for REGION."""
    return {
        name: value.replace("us-east-1", REGION) if isinstance(value, str) else value
        for name, value in values.items()
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
            DIRECTORY,
            hosts=2,
            shape={**moved(SHAPE), "WHARF_AWS_REGION": REGION},
            variables=moved(VARIABLES),
            report=report,
            deploy=deploy,
        ) as registry,
    ):
        yield registry


def test_push_and_pull(
    largest: LocalRegistry, repository: str, image: Path, tmp_path: Path
) -> None:
    client = largest.deployment.skopeo()
    client.push(image, f"{repository}:1")
    client.pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/index.json"])
def test_without_the_setting_there_is_no_page(largest: LocalRegistry, path: str) -> None:
    with largest.deployment.client() as client:
        assert client.get(path).status_code == 404
        assert client.get(path, auth=None).json()["errors"][0]["code"] == "UNSUPPORTED"


def test_a_check_serves_later_requests_until_its_bound(
    largest: LocalRegistry, repository: str
) -> None:
    """HEAD of a deleted layer is 404 at once, GET after ``proxy_check_seconds``."""
    deployment = largest.deployment
    path, content = push(deployment, repository, 1000)
    log, host = largest.cloud.endpoints.s3_log, largest.cloud.hosts[0].address
    first, second = (deployment.client(url) for url in deployment.hosts)
    with first, second:
        for _ in range(GETS):
            assert first.get(path).content == content
        checks = log.reads(host, f"/{path.rpartition(':')[2]}/link")
        assert 1 <= checks < GETS
        assert second.delete(path).status_code == 202
        assert first.head(path).status_code == 404
        time.sleep(CHECK)
        assert first.get(path).status_code == 404


def test_hosts_reach_the_endpoints_and_nothing_else(largest: LocalRegistry) -> None:
    network = largest.cloud.network
    for host in largest.cloud.hosts:
        assert network.reaches(largest.cloud.endpoints.address, 443, pod=host.pod)
        # The load balancer lets all of 10.0.0.0/8 in, and so the host.
        assert not network.reaches(largest.cloud.balancer.address, 443, pod=host.pod)


def records(registry: LocalRegistry) -> dict[str, str]:
    """Return the names in the zone that stand for others, and for which."""
    route53 = registry.cloud.session.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    found = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {
        record["Name"].rstrip("."): record["AliasTarget"]["DNSName"].rstrip(".")
        for record in found
        if "AliasTarget" in record
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
    assert {resource for resource in left if not resource.startswith(GIVEN)} == set()
    assert records(largest) == {}
