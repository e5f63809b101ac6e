"""Who may do what: the host, the task, and ECS on the task's behalf."""

import json
from collections.abc import Sequence
from typing import Any

from modules.alarms import NAMESPACE
from modules.aws import (
    Construct,
    DataAwsCallerIdentity,
    DataAwsPartition,
    IamInstanceProfile,
    IamRole,
    IamRolePolicy,
    IamRolePolicyAttachment,
    S3Bucket,
)

CONFIGURATION_FILES = ("nginx.htpasswd", "domain.crt", "domain.key", "nginx.permissions")

# What distribution's S3 driver calls. Its documentation also has s3:GetBucketLocation, which
# neither the driver nor the proxy calls.
IMAGE_BUCKET_ACTIONS = ("s3:ListBucket", "s3:ListBucketMultipartUploads")
READ_ACTION = "s3:GetObject"
IMAGE_OBJECT_ACTIONS = (
    "s3:PutObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)
#: Where distribution keeps everything, and where all that it deletes is: links and uploads. Layers
#: and manifests themselves are deleted by an operator only, who collects garbage.
IMAGES = "docker/registry/v2/*"
DELETED = "docker/registry/v2/repositories/*"


class Permissions(Construct):
    """Three roles: the host's for the ECS agent, the task's for S3, the execution role.

    Args:
        images: the bucket that tasks keep images in.
        configuration: the bucket of which tasks read the proxy's files.
        s3_endpoint_id: the way of the hosts to S3; the task role is worth nothing elsewhere.
        redirects: whether clients fetch layers from S3 with URLs that the task role has signed.
        secret_arns: the secrets that ECS hands to the containers.
        session_manager: whether Systems Manager may open a shell on the hosts.
        metrics: whether hosts may report their own.

    Exposes ``instance_profile_arn``, ``task_role_arn`` and ``execution_role_arn``.
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
    ) -> None:
        super().__init__(scope, id)
        self._account = DataAwsCallerIdentity(self, "account").account_id
        self._partition = DataAwsPartition(self, "partition")
        host = self._role("host", f"ec2.{self._partition.dns_suffix}")
        self._attach(host, "host_agent", "service-role/AmazonEC2ContainerServiceforEC2Role")
        if session_manager:
            self._attach(host, "host_sessions", "AmazonSSMManagedInstanceCore")
        if metrics:
            self._allow(host, "host_metrics", [_metrics_statement()])
        profile = IamInstanceProfile(self, "profile", name=host.name, role=host.name)
        self.instance_profile_arn = profile.arn

        task = self._role("task", "ecs-tasks.amazonaws.com")
        here = {"StringEquals": {"aws:SourceVpce": s3_endpoint_id}}
        # S3 asks the role of whoever has signed a URL, and clients come by another way.
        layers = {} if redirects else {"Condition": here}
        read = {**_allow([READ_ACTION], [f"{images.arn}/{IMAGES}"]), **layers}
        others = _storage_statements(images, configuration)
        self._allow(task, "task_storage", [read, *({**one, "Condition": here} for one in others)])
        self._allow_key(task, "task_key", ["kms:GenerateDataKey", "kms:Decrypt"])
        self.task_role_arn = task.arn

        execution = self._role("execution", "ecs-tasks.amazonaws.com")
        self._attach(execution, "execution_logs", "service-role/AmazonECSTaskExecutionRolePolicy")
        read = _allow(["secretsmanager:GetSecretValue"], list(secret_arns))
        self._allow(execution, "execution_secrets", [read])
        self._allow_key(execution, "execution_key", ["kms:Decrypt"])
        self.execution_role_arn = execution.arn

    def _role(self, purpose: str, service: str) -> IamRole:
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        if service.startswith("ecs-tasks"):
            # Without it ECS could be made to use the role for somebody else's account.
            trust["Condition"] = {"StringEquals": {"aws:SourceAccount": self._account}}
        return IamRole(
            self,
            purpose,
            # Role names are global; the region keeps two regions of one account apart.
            name=f"${{var.name}}-{purpose}-${{var.aws_region}}",
            assume_role_policy=_policy([trust]),
        )

    def _attach(self, role: IamRole, id: str, managed: str) -> None:
        arn = f"arn:{self._partition.partition}:iam::aws:policy/{managed}"
        IamRolePolicyAttachment(self, id, role=role.name, policy_arn=arn)

    def _allow(self, role: IamRole, id: str, statements: Sequence[dict[str, Any]]) -> IamRolePolicy:
        return IamRolePolicy(self, id, role=role.name, name=id, policy=_policy(statements))

    def _allow_key(self, role: IamRole, id: str, actions: Sequence[str]) -> None:
        """Allow the use of the user's own key, where there is one."""
        policy = self._allow(role, id, [_allow(actions, ["${var.kms_key_arn}"])])
        policy.add_override("count", '${var.kms_key_arn == "" ? 0 : 1}')


def _storage_statements(images: S3Bucket, configuration: S3Bucket) -> list[dict[str, Any]]:
    """Return all statements but the one that lets the role read layers."""
    files = [f"{configuration.arn}/{file}" for file in CONFIGURATION_FILES]
    return [
        _allow(IMAGE_BUCKET_ACTIONS, [images.arn]),
        _allow(IMAGE_OBJECT_ACTIONS, [f"{images.arn}/{IMAGES}"]),
        _allow(["s3:DeleteObject"], [f"{images.arn}/{DELETED}"]),
        _allow([READ_ACTION], files),
        # S3 tells that an object is absent only to those who may list the bucket; to others it
        # denies access, and the proxy could not tell that there are no permissions.
        _allow(["s3:ListBucket"], [configuration.arn]),
    ]


def _metrics_statement() -> dict[str, Any]:
    return {
        # CloudWatch knows no resource here; the namespace is the limit.
        **_allow(["cloudwatch:PutMetricData"], ["*"]),
        "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    }


def _allow(actions: Sequence[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


def _policy(statements: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
