"""The buckets: access, versions, encryption and copies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
REPLICATED = {"replica_bucket": "copies", "image_version_days": 30}
OWN_KEY = '${var.kms_key_arn == "" ? null : var.kms_key_arn}'


def test_every_bucket_is_private_encrypted_and_tls_only(stack: Stack) -> None:
    resources = stack["resource"]
    buckets = {f"${{aws_s3_bucket.{name}.id}}" for name in resources["aws_s3_bucket"]}
    assert len(buckets) == 2
    for kind in (
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_ownership_controls",
    ):
        assert {block["bucket"] for block in resources[kind].values()} == buckets
    for block in resources["aws_s3_bucket_public_access_block"].values():
        assert [name for name, value in block.items() if value is False] == []
    for policy in resources["aws_s3_bucket_policy"].values():
        assert '"aws:SecureTransport": "false"' in policy["policy"]
    for lifecycle in resources["aws_s3_bucket_lifecycle_configuration"].values():
        assert lifecycle["rule"][0]["abort_incomplete_multipart_upload"]


def rules(stack: Stack, bucket: str) -> dict[str, Any]:
    lifecycles = stack["resource"]["aws_s3_bucket_lifecycle_configuration"]
    return {rule["id"]: rule for rule in lifecycles[f"storage_{bucket}_lifecycle"]["rule"]}


def test_images_keep_versions_where_they_are_asked_to(stack: Stack) -> None:
    versions = stack["resource"]["aws_s3_bucket_versioning"]["storage_images_versions"]
    assert versions["versioning_configuration"]["status"] == "Enabled"
    assert versions["count"] == "${var.image_version_days > 0 ? 1 : 0}"
    (kept,) = rules(stack, "images")["old-versions"]["noncurrent_version_expiration"]
    assert kept["noncurrent_days"] == "${max(1, var.image_version_days)}"


def test_the_configuration_always_keeps_versions(stack: Stack) -> None:
    versions = stack["resource"]["aws_s3_bucket_versioning"]["storage_configuration_versions"]
    assert versions["versioning_configuration"]["status"] == "Enabled"


def test_only_images_are_tiered_and_on_request(stack: Stack) -> None:
    rule = rules(stack, "images")["tiering"]
    assert rule["status"] == '${var.intelligent_tiering ? "Enabled" : "Disabled"}'
    assert rule["transition"][0]["storage_class"] == "INTELLIGENT_TIERING"
    assert "tiering" not in rules(stack, "configuration")


def test_one_key_for_everything_that_is_kept(stack: Stack) -> None:
    resources = stack["resource"]
    (template,) = resources["aws_launch_template"].values()
    (topic,) = resources["aws_sns_topic"].values()
    keys = [secret["kms_key_id"] for secret in resources["aws_secretsmanager_secret"].values()]
    keys += [group["kms_key_id"] for group in resources["aws_cloudwatch_log_group"].values()]
    keys += [template["block_device_mappings"][0]["ebs"]["kms_key_id"]]
    keys += [topic["kms_master_key_id"]]
    for encryption in resources["aws_s3_bucket_server_side_encryption_configuration"].values():
        default = encryption["rule"][0]["apply_server_side_encryption_by_default"]
        keys.append(default["kms_master_key_id"])
        assert default["sse_algorithm"] == '${var.kms_key_arn == "" ? "AES256" : "aws:kms"}'
    assert set(keys) == {OWN_KEY}
    assert len(keys) == 8


def test_the_roles_may_use_the_key_where_there_is_one(stack: Stack) -> None:
    policies = stack["resource"]["aws_iam_role_policy"]
    for name in ("permissions_task_key", "permissions_execution_key"):
        (statement,) = json.loads(policies[name]["policy"])["Statement"]
        assert statement["Resource"] == ["${var.kms_key_arn}"]
        assert policies[name]["count"] == '${var.kms_key_arn == "" ? 0 : 1}'


def test_no_copy_without_a_bucket_for_it(stack: Stack) -> None:
    assert "aws_s3_bucket_replication_configuration" not in stack["resource"]


def test_copies_go_to_the_other_bucket(synthesize: Synthesize) -> None:
    resources = synthesize(**REPLICATED)["resource"]
    (replication,) = resources["aws_s3_bucket_replication_configuration"].values()
    (rule,) = replication["rule"]
    assert rule["destination"]["bucket"].endswith(":s3:::copies")
    assert rule["delete_marker_replication"]["status"] == "Disabled"
    # Without what hosts write for the page each minute.
    assert rule["filter"] == {"prefix": "docker/registry/v2/"}
    assert "aws_s3_bucket_versioning.storage_images_versions" in replication["depends_on"]


def test_copies_are_encrypted_with_the_key_of_the_other_region(synthesize: Synthesize) -> None:
    resources = synthesize(**REPLICATED)["resource"]
    (replication,) = resources["aws_s3_bucket_replication_configuration"].values()
    (rule,) = replication["rule"]
    for part, block in (
        (rule, "source_selection_criteria"),
        (rule["destination"], "encryption_configuration"),
    ):
        assert part["dynamic"][block]["for_each"] == '${var.kms_key_arn == "" ? [] : [1]}'


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"WHARF_REPLICA_BUCKET": "copies"},
            "image_version_days = 0: it must be at least 1 where replica_bucket is given: "
            "S3 replicates versions",
        ),
        (
            {
                "WHARF_REPLICA_BUCKET": "copies",
                "WHARF_IMAGE_VERSION_DAYS": "30",
                "WHARF_KMS_KEY_ARN": KEY,
            },
            'replica_kms_key_arn = "": it must be given where replica_bucket is given '
            "and kms_key_arn is given",
        ),
    ],
)
def test_a_copy_needs_its_settings(variables: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_environments(Path("none"), variables)
    assert str(raised.value) == line
