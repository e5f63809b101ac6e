"""The task that gets the certificate: its rights, its service and its alarm."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from modules.settings.settings import Settings

Stack = dict[str, Any]
ACME: dict[str, Any] = {
    "acme_email": "a@example.com",
    "dns_zone_id": "Z0123456789",
    "domain": "registry.example.com",
}
TRUST = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture(scope="session")
def acme(synthesize: Callable[..., Stack]) -> Stack:
    """Return a stack with a certificate that renews itself."""
    return synthesize(**ACME, acme_trust=TRUST)


def statements(stack: Stack, policy: str) -> list[dict[str, Any]]:
    text = stack["resource"]["aws_iam_role_policy"][f"permissions_{policy}"]["policy"]
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def test_without_an_address_there_is_no_task(stack: Stack) -> None:
    assert "certificate" not in json.dumps(list(stack["resource"]["aws_ecs_service"]))
    assert "permissions_certificate" not in stack["resource"]["aws_iam_role"]
    assert "alarms_renewal" not in stack["resource"]["aws_cloudwatch_metric_alarm"]


def test_the_role_changes_one_record_of_one_zone(acme: Stack) -> None:
    change, *others = statements(acme, "certificate_record")
    assert change["Action"] == ["route53:ChangeResourceRecordSets"]
    (zone,) = change["Resource"]
    assert zone.endswith(":route53:::hostedzone/${var.dns_zone_id}")
    assert change["Condition"]["ForAllValues:StringEquals"] == {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.${var.domain}"],
        "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
        "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
    }
    actions = {action for statement in others for action in statement["Action"]}
    assert actions == {"route53:ListHostedZones", "route53:GetChange"}


def test_the_role_writes_the_pair_and_its_own_objects(acme: Stack) -> None:
    files, bucket = statements(acme, "certificate_storage")
    assert files["Action"] == ["s3:GetObject", "s3:PutObject"]
    names = {arn.partition("/")[2] for arn in files["Resource"]}
    assert names == {"domain.crt", "domain.key", "acme/*"}
    assert bucket["Action"] == ["s3:ListBucket"]
    for statement in (files, bucket):
        assert "aws:SourceVpce" in statement["Condition"]["StringEquals"]


def test_hosts_may_not_read_what_only_the_task_needs(acme: Stack) -> None:
    assert "acme" not in json.dumps(statements(acme, "task_storage"))


def test_there_are_never_two_tasks(acme: Stack) -> None:
    service = acme["resource"]["aws_ecs_service"]["certificate_service"]
    assert service["desired_count"] == 1
    assert service["deployment_maximum_percent"] == 100
    assert service["deployment_minimum_healthy_percent"] == 0


def test_the_task_is_as_confined_as_the_proxy(acme: Stack) -> None:
    tasks = acme["resource"]["aws_ecs_task_definition"]
    (container,) = json.loads(tasks["certificate_task"]["container_definitions"])
    assert container["readonlyRootFilesystem"]
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert "portMappings" not in container
    assert tasks["certificate_task"]["task_role_arn"] == (
        "${aws_iam_role.permissions_certificate.arn}"
    )


def test_the_task_gets_the_settings(acme: Stack) -> None:
    tasks = acme["resource"]["aws_ecs_task_definition"]
    (container,) = json.loads(tasks["certificate_task"]["container_definitions"])
    given = {variable["name"]: variable["value"] for variable in container["environment"]}
    assert given["ACME_EMAIL"] == "a@example.com"
    assert given["ACME_DIRECTORY"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert given["ACME_TRUST"] == TRUST
    assert given["ACME_DOMAIN"] == "${var.domain}"


def test_an_alarm_counts_failures_in_the_log_of_the_task(acme: Stack) -> None:
    count = acme["resource"]["aws_cloudwatch_log_metric_filter"]["alarms_count_CertificateFailures"]
    assert count["log_group_name"] == "${aws_cloudwatch_log_group.certificate_logs.name}"
    alarm = acme["resource"]["aws_cloudwatch_metric_alarm"]["alarms_renewal"]
    assert alarm["metric_name"] == "CertificateFailures"


def test_the_alarm_before_the_end_waits_for_the_renewal(acme: Stack, stack: Stack) -> None:
    def watched(stack: Stack) -> tuple[str, str]:
        alarm = stack["resource"]["aws_cloudwatch_metric_alarm"]["alarms_certificate"]
        name = alarm["metric_name"]
        counts = stack["resource"]["aws_cloudwatch_log_metric_filter"]
        return name, counts[f"alarms_count_{name}"]["pattern"]

    late = '{ ($.event = "certificate") && ($.percent_left <= 25) }'
    assert watched(acme) == ("LateCertificateDaysLeft", late)
    # Images from before know no percent, and who publishes by hand has chosen the days.
    assert watched(stack) == ("CertificateDaysLeft", '{ $.event = "certificate" }')


@pytest.mark.parametrize("host_network", ["public", "nat"])
def test_hosts_reach_the_port_of_the_authority(
    synthesize: Callable[..., Stack], acme: Stack, host_network: str
) -> None:
    def ports(stack: Stack) -> str:
        rules = stack["resource"]["aws_vpc_security_group_egress_rule"]
        return str(rules["network_hosts_to_https"]["for_each"])

    directory = "https://acme.example.com:8443/directory"
    given: dict[str, str] = {"acme_directory": directory, "host_network": host_network}
    assert '"8443"' in ports(synthesize(**{**ACME, **given}))
    assert '"8443"' not in ports(synthesize(**given))
    assert '"8443"' not in ports(acme)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dns_zone_id": ""}, "dns_zone_id.*given where acme_email is given"),
        ({"host_network": "endpoints"}, "host_network.*neither Route 53 nor an authority"),
        ({"acme_email": "a${b}@example.com"}, "acme_email.*an address such as"),
        ({"acme_directory": "http://acme.example.com/dir"}, "acme_directory.*the HTTPS URL"),
        ({"acme_trust": "/etc/ssl/ca.pem"}, "acme_trust.*certificates in PEM"),
        ({"acme_trust": "-----BEGIN CERTIFICATE-----\n${x}\n"}, "acme_trust.*certificates in PEM"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){told}"):
        Settings(**{**ACME, **changes})
