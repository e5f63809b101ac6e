"""The place of Terraform's state: beside the application, in S3, or in Terraform Cloud."""

from modules.bindings.aws import (
    CloudBackend,
    NamedCloudWorkspace,
    S3Backend,
    TaggedCloudWorkspaces,
    TerraformStack,
)
from modules.settings.settings import Settings


def keep_state(stack: TerraformStack, settings: Settings) -> None:
    """Choose the backend; without a word CDKTF keeps the state in a file beside the application."""
    if settings.backend == "s3":
        S3Backend(
            stack,
            bucket=settings.backend_bucket,
            key=f"wharf/{settings.name}.tfstate",
            region=settings.aws_region,
            encrypt=True,
        )
        # S3 itself locks, without a table in DynamoDB; the bindings do not know it yet.
        stack.add_override("terraform.backend.s3.use_lockfile", True)
    if settings.backend == "cloud":
        CloudBackend(
            stack,
            organization=settings.backend_organization,
            workspaces=TaggedCloudWorkspaces(tags=list(settings.backend_tags))
            if settings.backend_tags
            else NamedCloudWorkspace(name=settings.workspace),
        )
