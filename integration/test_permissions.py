"""The task role may do what the registry and the proxy need, and nothing else."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from integration.local.cloud import LocalCloud


@pytest.fixture
def s3(cloud: LocalCloud) -> Any:
    """S3, with the credentials that the containers get."""
    ecs = cloud.session.client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    role = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["taskRoleArn"]
    return cloud.emulator.session(cloud.emulator.assume_role(role)).client("s3")


@pytest.fixture
def target(cloud: LocalCloud) -> Iterator[dict[str, str]]:
    """An object of the image bucket, and an upload of it that has begun."""
    owner = cloud.session.client("s3")
    where = {"Bucket": cloud.outputs["image_bucket"], "Key": f"test/{os.urandom(4).hex()}"}
    owner.put_object(**where, Body=b"layer")
    yield where
    owner.delete_object(**where)


def begin(cloud: LocalCloud, target: dict[str, str]) -> dict[str, str]:
    upload = cloud.session.client("s3").create_multipart_upload(**target)
    return {**target, "UploadId": upload["UploadId"]}


# https://distribution.github.io/distribution/storage-drivers/s3/
BUCKET_CALLS = {
    "s3:ListBucket": "list_objects_v2",
    "s3:GetBucketLocation": "get_bucket_location",
    "s3:ListBucketMultipartUploads": "list_multipart_uploads",
}
OBJECT_CALLS: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    "s3:PutObject": lambda s3, target: s3.put_object(**target, Body=b"layer"),
    "s3:GetObject": lambda s3, target: s3.get_object(**target),
    "s3:DeleteObject": lambda s3, target: s3.delete_object(**target),
}
UPLOAD_CALLS = {
    "s3:ListMultipartUploadParts": "list_parts",
    "s3:AbortMultipartUpload": "abort_multipart_upload",
}


@pytest.mark.parametrize("action", BUCKET_CALLS)
def test_what_the_registry_asks_of_its_bucket(s3: Any, target: dict[str, str], action: str) -> None:
    getattr(s3, BUCKET_CALLS[action])(Bucket=target["Bucket"])


@pytest.mark.parametrize("action", OBJECT_CALLS)
def test_what_the_registry_does_with_objects(s3: Any, target: dict[str, str], action: str) -> None:
    OBJECT_CALLS[action](s3, target)


@pytest.mark.parametrize("action", UPLOAD_CALLS)
def test_what_the_registry_does_with_uploads(
    cloud: LocalCloud, s3: Any, target: dict[str, str], action: str
) -> None:
    getattr(s3, UPLOAD_CALLS[action])(**begin(cloud, target))


@pytest.mark.parametrize("name", ["nginx.htpasswd", "domain.crt", "domain.key"])
def test_the_proxy_reads_its_configuration(cloud: LocalCloud, s3: Any, name: str) -> None:
    answer = s3.get_object(Bucket=cloud.outputs["configuration_bucket"], Key=name)
    assert answer["Body"].read()


@pytest.mark.parametrize("call", ["put_object", "delete_object"])
def test_the_configuration_cannot_be_changed(cloud: LocalCloud, s3: Any, call: str) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
        getattr(s3, call)(Bucket=cloud.outputs["configuration_bucket"], Key="nginx.htpasswd")


def test_other_buckets_are_closed(cloud: LocalCloud, s3: Any) -> None:
    owner = cloud.session.client("s3")
    owner.create_bucket(Bucket="somebody-elses")
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.list_objects_v2(Bucket="somebody-elses")
    finally:
        owner.delete_bucket(Bucket="somebody-elses")
