"""The two buckets: images, and the proxy's configuration."""

from modules.bindings.aws import (
    Construct,
    DataAwsCallerIdentity,
    S3Bucket,
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
    S3BucketLifecycleConfigurationRuleTransition,
    S3BucketOwnershipControls,
    S3BucketPolicy,
    S3BucketPublicAccessBlock,
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketVersioningA,
)
from modules.expressions import CUSTOMER_KEY, number, truth
from modules.ordering import after
from modules.policy import policy

#: Days. A push is over in hours; older parts belong to a broken push.
STALE_UPLOAD_DAYS = 7
EVERYTHING = [S3BucketLifecycleConfigurationRuleFilter(prefix="")]
#: Days that an overwritten password file or key can be brought back.
OLD_VERSION_DAYS = 90


class Storage(Construct):
    """The image bucket and the configuration bucket: encrypted, private, TLS only.

    The configuration bucket keeps old versions, to undo a bad password file; the image bucket
    does where it is asked to: images are addressed by their content, and only deleted.

    Exposes ``images`` and ``configuration``, each a bucket.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._account = DataAwsCallerIdentity(self, "account").account_id
        self.images = self._bucket("images", "aws_registry_bucket")
        self.configuration = self._bucket("configuration", "nginx_config_bucket")
        self._versioned("configuration", OLD_VERSION_DAYS)
        versions = self._versioned(
            "images",
            # S3 requires a number even if no versions are kept. The rule then deletes old versions.
            number("max(1, var.image_version_days)"),
            _tiering(),
        )
        # A bucket that never had versions deletes objects; with suspended versions each deletion
        # leaves a delete marker.
        versions.add_override("count", "${var.image_version_days > 0 ? 1 : 0}")

    def _bucket(self, role: str, variable: str) -> S3Bucket:
        given = f"var.{variable}"
        made = f"${{var.name}}-{role}-{self._account}-${{var.aws_region}}"
        bucket = S3Bucket(
            self,
            role,
            bucket=f'${{{given} == "" ? "{made}" : {given}}}',
            force_destroy=truth("var.force_destroy"),
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            f"{role}_encryption",
            bucket=bucket.id,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default={
                        "sse_algorithm": '${var.kms_key_arn == "" ? "AES256" : "aws:kms"}',
                        "kms_master_key_id": CUSTOMER_KEY,
                    },
                    # One call of KMS for many objects instead of a call for each.
                    bucket_key_enabled=truth('var.kms_key_arn != ""'),
                )
            ],
        )
        S3BucketOwnershipControls(
            self,
            f"{role}_ownership",
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
        )
        block = S3BucketPublicAccessBlock(
            self,
            f"{role}_privacy",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        # S3 responds with a conflict when both are written at once.
        policy = S3BucketPolicy(self, f"{role}_policy", bucket=bucket.id, policy=_tls_only(bucket))
        after(policy, block)
        return bucket

    def _versioned(
        self, role: str, days: float, *more: S3BucketLifecycleConfigurationRule
    ) -> S3BucketVersioningA:
        """Keep overwritten and deleted objects for some days; abort uploads that were given up."""
        bucket: S3Bucket = getattr(self, role)
        versions = S3BucketVersioningA(
            self,
            f"{role}_versions",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
        )
        stale = S3BucketLifecycleConfigurationRule(
            id="stale-uploads",
            status="Enabled",
            filter=EVERYTHING,
            abort_incomplete_multipart_upload=[
                S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                    days_after_initiation=STALE_UPLOAD_DAYS
                )
            ],
        )
        old = S3BucketLifecycleConfigurationRule(
            id="old-versions",
            status="Enabled",
            filter=EVERYTHING,
            noncurrent_version_expiration=[
                S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=days)
            ],
            # The delete marker of an object that has no versions any more.
            expiration=[
                S3BucketLifecycleConfigurationRuleExpiration(expired_object_delete_marker=True)
            ],
        )
        lifecycle = S3BucketLifecycleConfiguration(
            self, f"{role}_lifecycle", bucket=bucket.id, rule=[stale, old, *more]
        )
        after(lifecycle, versions)
        return versions


def _tiering() -> S3BucketLifecycleConfigurationRule:
    """Return the rule that moves layers without pulls to cheaper tiers."""
    return S3BucketLifecycleConfigurationRule(
        id="tiering",
        status='${var.intelligent_tiering ? "Enabled" : "Disabled"}',
        filter=EVERYTHING,
        transition=[
            S3BucketLifecycleConfigurationRuleTransition(
                days=0, storage_class="INTELLIGENT_TIERING"
            )
        ],
    )


def _tls_only(bucket: S3Bucket) -> str:
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.arn, f"{bucket.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return policy(statement)
