"""A copy of the images in a bucket of another region."""

from modules.bindings.aws import (
    Construct,
    DataAwsPartition,
    IamRole,
    IamRolePolicy,
    S3Bucket,
    S3BucketReplicationConfigurationA,
    S3BucketReplicationConfigurationRule,
)
from modules.policy import allow, policy, trust

#: The actions of S3 itself: read versions here, write them there.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
BUCKET_ACTIONS = ("s3:GetReplicationConfiguration", "s3:ListBucket")
VERSION_ACTIONS = (
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionTagging",
)
REPLICA_ACTIONS = ("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags")


class Replication(Construct):
    """Replication of newly pushed objects to an existing bucket with versioning.

    The bucket does not belong to the stack: destroying the stack must not delete the copy.
    With a key of the user's, objects are encrypted there with ``replica_kms_key_arn``.

    Args:
        images: the bucket whose objects are copied, with versioning.
        replica_bucket: the name of the bucket for the copies.

    Exposes ``configuration``, which S3 refuses until versioning is on.
    """

    def __init__(self, scope: Construct, id: str, *, images: S3Bucket, replica_bucket: str) -> None:
        super().__init__(scope, id)
        partition = DataAwsPartition(self, "partition")
        replica = f"arn:{partition.partition}:s3:::{replica_bucket}"
        role = IamRole(
            self,
            "role",
            name="${var.name}-replication-${var.aws_region}",
            assume_role_policy=policy(trust("s3.amazonaws.com")),
        )
        IamRolePolicy(
            self,
            "copy",
            role=role.name,
            name="copy",
            policy=policy(
                allow(BUCKET_ACTIONS, images.arn),
                allow(VERSION_ACTIONS, f"{images.arn}/*"),
                allow(REPLICA_ACTIONS, f"{replica}/*"),
            ),
        )
        keys = IamRolePolicy(
            self,
            "keys",
            role=role.name,
            name="keys",
            policy=policy(
                allow(("kms:Decrypt",), "${var.kms_key_arn}"),
                allow(("kms:Encrypt",), "${var.replica_kms_key_arn}"),
            ),
        )
        keys.add_override("count", '${var.kms_key_arn == "" ? 0 : 1}')
        replication = S3BucketReplicationConfigurationA(
            self,
            "images",
            bucket=images.id,
            role=role.arn,
            rule=[
                S3BucketReplicationConfigurationRule(
                    id="images",
                    status="Enabled",
                    priority=1,
                    # Not what hosts write for the page each minute.
                    filter={"prefix": "docker/registry/v2/"},
                    # A copy outlives the deletion of its original.
                    delete_marker_replication={"status": "Disabled"},
                    destination={"bucket": replica, "storage_class": "STANDARD_IA"},
                )
            ],
        )
        _with_keys(replication)
        self.configuration = replication


def _with_keys(replication: S3BucketReplicationConfigurationA) -> None:
    """Replicate objects that KMS encrypts: S3 does so only with a key for the other region."""
    for_each = '${var.kms_key_arn == "" ? [] : [1]}'
    selection = {"sse_kms_encrypted_objects": {"status": "Enabled"}}
    replication.add_override(
        "rule.0.dynamic.source_selection_criteria", {"for_each": for_each, "content": selection}
    )
    encryption = {"replica_kms_key_id": "${var.replica_kms_key_arn}"}
    replication.add_override(
        "rule.0.destination.dynamic.encryption_configuration",
        {"for_each": for_each, "content": encryption},
    )
