"""The rights of the host, of the task, and of ECS on the task's behalf."""

from collections.abc import Sequence

from modules.bindings.aws import (
    Construct,
    DataAwsCallerIdentity,
    DataAwsPartition,
    IamInstanceProfile,
    IamRole,
    IamRolePolicy,
    IamRolePolicyAttachment,
    S3Bucket,
)
from modules.metrics import NAMESPACE
from modules.policy import Statement, allow, policy, trust
from modules.settings.mirrors import LOGINS

CONFIGURATION_FILES = (
    *("nginx.htpasswd", "domain.crt", "domain.key", "nginx.permissions"),
    "identities.toml",
)

# The calls of distribution's S3 driver. Its documentation also has s3:GetBucketLocation, which
# neither the driver nor the proxy calls.
IMAGE_BUCKET_ACTIONS = ("s3:ListBucket", "s3:ListBucketMultipartUploads")
READ_ACTION = "s3:GetObject"
IMAGE_OBJECT_ACTIONS = (
    "s3:PutObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)
#: Where distribution keeps everything, and where all that it deletes is: links and uploads. Layers
#: and manifests themselves are deleted by an operator only, in a garbage collection.
IMAGES = "docker/registry/v2/*"
DELETED = "docker/registry/v2/repositories/*"
#: What the page shows beside the images, and what a host writes of itself and removes.
PAGE = "page/*"
PAGE_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")


#: What the certificate's task writes: the pair, and what it has to remember.
CERTIFICATE_FILES = ("domain.crt", "domain.key", "acme/*")


class Permissions(Construct):
    """Three roles: the host's for the ECS agent, the task's for S3, the execution role.

    And a fourth for the task of the certificate, if there is such a task.

    Args:
        images: the bucket that tasks keep images in.
        configuration: the bucket of which tasks read the proxy's files.
        s3_endpoint_id: the way of the hosts to S3; the task role is worth nothing elsewhere.
        redirects: whether clients fetch layers from S3 with URLs that the task role has signed.
        secret_arns: the secrets that ECS hands to the containers.
        session_manager: whether Systems Manager may open a shell on the hosts.
        metrics: whether hosts may report their own.
        certificate: whether a task gets the certificate.

    Exposes ``instance_profile_arn``, ``task_role_arn``, ``execution_role_arn`` and
    ``certificate_role_arn``, which is None where there is no such task.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        images: S3Bucket,
        configuration: S3Bucket,
        s3_endpoint_id: str,
        redirects: bool,
        secret_arns: Sequence[str],
        session_manager: bool,
        metrics: bool,
        certificate: bool,
    ) -> None:
        super().__init__(scope, id)
        self._account = DataAwsCallerIdentity(self, "account").account_id
        self._partition = DataAwsPartition(self, "partition")
        host = self._role("host", f"ec2.{self._partition.dns_suffix}")
        self._attach(host, "host_agent", "service-role/AmazonEC2ContainerServiceforEC2Role")
        if session_manager:
            self._attach(host, "host_sessions", "AmazonSSMManagedInstanceCore")
        self._allow(host, "host_serves", [self._launch_statement()])
        if metrics:
            self._allow(host, "host_metrics", [_metrics_statement()])
        profile = IamInstanceProfile(self, "profile", name=host.name, role=host.name)
        self.instance_profile_arn = profile.arn

        task = self._role("task", "ecs-tasks.amazonaws.com")
        here = {"StringEquals": {"aws:SourceVpce": s3_endpoint_id}}
        # A signed URL has the rights of its signer, but clients reach S3 by another way.
        layers = {} if redirects else {"Condition": here}
        read = {**allow([READ_ACTION], f"{images.arn}/{IMAGES}"), **layers}
        statements = _storage_statements(images, configuration)
        others = [{**statement, "Condition": here} for statement in statements]
        self._allow(task, "task_storage", [read, *others])
        page = {**allow(PAGE_ACTIONS, f"{images.arn}/{PAGE}"), "Condition": here}
        self._allow(task, "task_page", [page]).add_override("count", "${var.page ? 1 : 0}")
        self._allow_key(task, "task_key", ["kms:GenerateDataKey", "kms:Decrypt"])
        self.task_role_arn = task.arn

        execution = self._role("execution", "ecs-tasks.amazonaws.com")
        self._attach(execution, "execution_logs", "service-role/AmazonECSTaskExecutionRolePolicy")
        read = allow(["secretsmanager:GetSecretValue"], *secret_arns)
        self._allow(execution, "execution_secrets", [read])
        login = self._allow(
            execution,
            "execution_mirrors",
            [allow(["secretsmanager:GetSecretValue"], "${each.value}")],
        )
        login.add_override("name", "execution_mirrors_${each.key}")
        login.add_override("for_each", f"${{{LOGINS}}}")
        self._allow_key(execution, "execution_key", ["kms:Decrypt"])
        self.execution_role_arn = execution.arn

        self.certificate_role_arn: str | None = None
        if certificate:
            renewal = self._role("certificate", "ecs-tasks.amazonaws.com")
            stored = _certificate_statements(configuration)
            self._allow(
                renewal,
                "certificate_storage",
                [{**allowed, "Condition": here} for allowed in stored],
            )
            self._allow(renewal, "certificate_record", self._record_statements())
            self._allow_key(renewal, "certificate_key", ["kms:GenerateDataKey", "kms:Decrypt"])
            self.certificate_role_arn = renewal.arn

    def _launch_statement(self) -> Statement:
        """Return the statement with which a host tells its own group that it serves."""
        groups = f"arn:{self._partition.partition}:autoscaling:${{var.aws_region}}:{self._account}"
        name = "autoScalingGroup:*:autoScalingGroupName/${var.name}"
        return allow(["autoscaling:CompleteLifecycleAction"], f"{groups}:{name}")

    def _record_statements(self) -> list[Statement]:
        """Return the statements for the record by which the owner of the domain is known.

        https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
        """
        route53 = f"arn:{self._partition.partition}:route53:::"
        record = {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
                "_acme-challenge.${var.domain}"
            ],
            "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
        }
        change = allow(
            ["route53:ChangeResourceRecordSets"], f"{route53}hostedzone/${{var.dns_zone_id}}"
        )
        return [
            {**change, "Condition": {"ForAllValues:StringEquals": record}},
            # certbot finds the zone by its name; Route 53 lists all or none.
            allow(["route53:ListHostedZones"], "*"),
            allow(["route53:GetChange"], f"{route53}change/*"),
        ]

    def _role(self, purpose: str, service: str) -> IamRole:
        trusted = trust(service)
        if service.startswith("ecs-tasks"):
            # Without it another account could make ECS use the role.
            trusted["Condition"] = {"StringEquals": {"aws:SourceAccount": self._account}}
        return IamRole(
            self,
            purpose,
            # Role names are global; the region keeps two regions of one account apart.
            name=f"${{var.name}}-{purpose}-${{var.aws_region}}",
            assume_role_policy=policy(trusted),
        )

    def _attach(self, role: IamRole, id: str, managed: str) -> None:
        arn = f"arn:{self._partition.partition}:iam::aws:policy/{managed}"
        IamRolePolicyAttachment(self, id, role=role.name, policy_arn=arn)

    def _allow(self, role: IamRole, id: str, statements: Sequence[Statement]) -> IamRolePolicy:
        return IamRolePolicy(self, id, role=role.name, name=id, policy=policy(*statements))

    def _allow_key(self, role: IamRole, id: str, actions: Sequence[str]) -> None:
        """Allow the use of the user's own key, if there is such a key."""
        allowed = self._allow(role, id, [allow(actions, "${var.kms_key_arn}")])
        allowed.add_override("count", '${var.kms_key_arn == "" ? 0 : 1}')


def _storage_statements(images: S3Bucket, configuration: S3Bucket) -> list[Statement]:
    """Return all statements except that for reading layers."""
    files = [f"{configuration.arn}/{file}" for file in CONFIGURATION_FILES]
    return [
        allow(IMAGE_BUCKET_ACTIONS, images.arn),
        allow(IMAGE_OBJECT_ACTIONS, f"{images.arn}/{IMAGES}"),
        allow(["s3:DeleteObject"], f"{images.arn}/{DELETED}"),
        allow([READ_ACTION], *files),
        # S3 tells that an object is absent only to those who may list the bucket; to others it
        # denies access, and the proxy could not tell that there are no permissions.
        allow(["s3:ListBucket"], configuration.arn),
    ]


def _certificate_statements(configuration: S3Bucket) -> list[Statement]:
    files = [f"{configuration.arn}/{file}" for file in CERTIFICATE_FILES]
    return [
        allow([READ_ACTION, "s3:PutObject"], *files),
        # As for the proxy: it has to know that an object is absent.
        allow(["s3:ListBucket"], configuration.arn),
    ]


def _metrics_statement() -> Statement:
    return {
        # CloudWatch knows no resource here; the namespace is the limit.
        **allow(["cloudwatch:PutMetricData"], "*"),
        "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    }
