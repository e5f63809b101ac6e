"""Questions of ``test_moto_corrections.py`` about roles, policies, signatures."""

import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from integration.local.api.vpc_endpoints import send_through
from integration.local.emulator.process import Emulator
from tests.support.aws_samples import bucket, client, new_name, policy, role

ADMINISTRATOR = "arn:aws:iam::123456789012:user/administrator"
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def services_may_assume_the_roles_that_trust_them(aws: Emulator) -> bool:
    sts = aws.session(aws.services["ecs-tasks.amazonaws.com"]).client(
        "sts", config=Config(retries={"total_max_attempts": 1})
    )
    trusting = role(aws, {"Service": "ecs-tasks.amazonaws.com"})
    return bool(sts.assume_role(RoleArn=trusting, RoleSessionName="test")["Credentials"])


def nobody_else_may_assume_the_role_of_a_service(aws: Emulator) -> bool:
    trusting = role(aws, {"Service": "ecs-tasks.amazonaws.com"})
    return refusal(aws, trusting) == "AccessDenied"


def roles_that_do_not_exist_cannot_be_assumed(aws: Emulator) -> bool:
    return refusal(aws, "arn:aws:iam::123456789012:role/none") == "AccessDenied"


def refusal(aws: Emulator, role_arn: str) -> str:
    try:
        client(aws, "sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


def the_second_statement_counts_too(aws: Emulator) -> bool:
    other = {"AWS": "arn:aws:iam::123456789012:user/other"}
    return refusal(aws, role(aws, other, {"AWS": ADMINISTRATOR})) == ""


def tls_only_buckets_let_tls_pass(aws: Emulator) -> bool:
    name = bucket(aws)
    s3 = client(aws, "s3")
    s3.put_bucket_policy(Bucket=name, Policy=policy(TLS_ONLY))
    return bool(s3.get_object(Bucket=name, Key="a/b")["Body"].read() == b"layer")


def presigned_urls_are_answered(aws: Emulator) -> bool:
    return httpx.get(presigned(aws)).content == b"layer"


def presigned(aws: Emulator, seconds: int = 60) -> str:
    s3 = client(aws, "s3", config=Config(signature_version="s3v4"))
    parameters = {"Bucket": bucket(aws), "Key": "a/b"}
    return str(s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))


def roles_may_delete_many_of_their_objects(aws: Emulator) -> bool:
    name = bucket(aws)
    allow = {"Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{name}/*"}
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    s3 = aws.session(mine).client("s3")
    response = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a/b"}]})
    return "Errors" not in response


def roles_of_an_endpoint_are_refused_elsewhere(aws: Emulator) -> bool:
    name = bucket(aws)
    allow = {
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    codes = []
    for endpoint in ("vpce-1", "vpce-2", None):
        s3 = aws.session(mine).client("s3", config=Config())
        if endpoint:
            send_through(s3, endpoint)
        try:
            s3.get_object(Bucket=name, Key="a/b")
            codes.append("")
        except ClientError as refused:
            codes.append(refused.response["Error"]["Code"])
    return codes == ["", "AccessDenied", "AccessDenied"]


def roles_may_read_one_secret(aws: Emulator) -> bool:
    name = new_name()
    made = client(aws, "secretsmanager").create_secret(Name=name, SecretString="s")["ARN"]
    allow = {"Action": "secretsmanager:GetSecretValue", "Resource": made}
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    response = aws.session(mine).client("secretsmanager").get_secret_value(SecretId=made)
    return bool(response["SecretString"] == "s")


def zones_can_be_looked_at(aws: Emulator) -> bool:
    route53, name = client(aws, "route53"), f"{new_name()}.example"
    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    return bool(route53.get_hosted_zone(Id=zone)["HostedZone"]["Id"] == zone)


def roles_may_change_one_record_of_one_zone(aws: Emulator) -> bool:
    zones = []
    for name in (new_name(), new_name()):
        made = client(aws, "route53").create_hosted_zone(Name="a.example", CallerReference=name)
        zones.append(made["HostedZone"]["Id"].rpartition("/")[2])
    prefix = "route53:ChangeResourceRecordSets"
    allow = {
        "Action": "route53:ChangeResourceRecordSets",
        "Resource": f"arn:aws:route53:::hostedzone/{zones[0]}",
        "Condition": {
            "ForAllValues:StringEquals": {
                f"{prefix}NormalizedRecordNames": ["_acme-challenge.a.example"],
                f"{prefix}RecordTypes": ["TXT"],
                f"{prefix}Actions": ["UPSERT"],
            }
        },
    }
    mine = aws.assume_role(role(aws, {"AWS": ADMINISTRATOR}, allow=allow), service="administrator")
    route53 = aws.session(mine).client("route53")

    def refused(zone: str, *changes: tuple[str, str, str]) -> bool:
        batch = {"Changes": [_change(*change) for change in changes]}
        try:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
        except ClientError as error:
            return str(error.response["Error"]["Code"]) == "AccessDenied"
        return False

    right = ("UPSERT", "_ACME-challenge.a.example.", "TXT")
    wrong = [
        ("CREATE", "_acme-challenge.a.example", "TXT"),
        ("UPSERT", "a.example", "TXT"),
        ("UPSERT", "_acme-challenge.a.example", "CNAME"),
    ]
    return (
        not refused(zones[0], right)
        and refused(zones[1], right)
        and all(refused(zones[0], right, change) for change in wrong)
    )


def _change(action: str, name: str, kind: str) -> dict[str, object]:
    value = '"text"' if kind == "TXT" else "b.example"
    record = {"Name": name, "Type": kind, "TTL": 10, "ResourceRecords": [{"Value": value}]}
    return {"Action": action, "ResourceRecordSet": record}


QUESTIONS = [
    zones_can_be_looked_at,
    roles_may_change_one_record_of_one_zone,
    services_may_assume_the_roles_that_trust_them,
    nobody_else_may_assume_the_role_of_a_service,
    roles_that_do_not_exist_cannot_be_assumed,
    the_second_statement_counts_too,
    tls_only_buckets_let_tls_pass,
    presigned_urls_are_answered,
    roles_may_delete_many_of_their_objects,
    roles_may_read_one_secret,
    roles_of_an_endpoint_are_refused_elsewhere,
]
