"""Plans and errors of Terraform for the deployed stack."""

import re
from typing import Any

import pytest

from integration.local.api.inventory import inventory
from integration.local.cloud import LocalCloud
from integration.local.errors import LocalCloudError
from integration.local.terraform import STATE


def test_a_second_plan_changes_nothing(cloud: LocalCloud) -> None:
    assert cloud.terraform.changes() == []


def test_the_image_bucket_never_had_versions(cloud: LocalCloud) -> None:
    # Suspended ones would leave a delete marker for each object that the registry removes.
    s3 = cloud.session.client("s3")
    assert "Status" not in s3.get_bucket_versioning(Bucket=cloud.outputs["image_bucket"])


def rule_for_clients(ec2: Any) -> tuple[str, dict[str, Any]]:
    """Return the ID of the rule that lets clients reach the load balancer, and its parameters."""
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    (rule,) = (rule for rule in rules if rule.get("Description") == "Clients of the registry")
    through = ("GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort", "CidrIpv4")
    return rule["SecurityGroupRuleId"], {name: rule[name] for name in through}


def test_drift_is_found_and_undone(cloud: LocalCloud) -> None:
    ec2 = cloud.session.client("ec2")
    identifier, rule = rule_for_clients(ec2)
    ec2.revoke_security_group_ingress(GroupId=rule["GroupId"], SecurityGroupRuleIds=[identifier])
    assert any("clients_to_balancer" in change for change in cloud.terraform.changes())
    cloud.terraform.apply()
    assert rule_for_clients(ec2)[1] == rule


def test_the_state_holds_no_secret(cloud: LocalCloud) -> None:
    secrets = cloud.session.client("secretsmanager")
    state = (cloud.terraform.directory / STATE).read_text()
    names = [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]
    values = [secrets.get_secret_value(SecretId=name)["SecretString"] for name in names]
    assert len(values) == 2
    for value in values:
        assert value not in state


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"maximum_hosts": 1}, "maximum_hosts must be at least minimum_hosts."),
        ({"minimum_hosts": 1}, "maximum_hosts must be 1 where minimum_hosts is below 2"),
        ({"aws_registry_bucket": "My_Images"}, "aws_registry_bucket must be 3 to 63 lower-case"),
        ({"aws_access_key": "AKIA"}, "give both or neither"),
    ],
    ids=str,
)
def test_a_bad_variable_is_refused_before_anything_changes(
    cloud: LocalCloud, variables: dict[str, Any], told: str
) -> None:
    state = cloud.terraform.directory / STATE
    before = (state.read_bytes(), inventory(cloud.session))
    with pytest.raises(LocalCloudError, match=re.escape(told)):
        cloud.terraform_with(variables).apply()
    assert (state.read_bytes(), inventory(cloud.session)) == before


@pytest.mark.destroys
def test_destroy_leaves_nothing(cloud: LocalCloud) -> None:
    cloud.terraform.destroy()
    assert inventory(cloud.session) == cloud.baseline
