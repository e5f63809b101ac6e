"""The task role may do what the registry and the proxy need, and nothing else."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from integration.local.api.vpc_endpoints import read_s3_endpoint, send_through
from integration.local.cloud import LocalCloud


@pytest.fixture
def elsewhere(cloud: LocalCloud) -> Any:
    """Return S3 with the credentials of the containers, from outside of the network."""
    ecs = cloud.session.client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    role = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["taskRoleArn"]
    session = cloud.emulator.session(cloud.emulator.assume_role(role))
    return session.client("s3", config=Config())


@pytest.fixture
def s3(cloud: LocalCloud, elsewhere: Any) -> Any:
    """Return S3 as containers reach it: with their credentials, by the network's endpoint."""
    send_through(elsewhere, read_s3_endpoint(cloud.session))
    return elsewhere


@pytest.fixture
def target(cloud: LocalCloud) -> Iterator[dict[str, str]]:
    """Yield an object of the image bucket, and an upload of it that has begun."""
    owner = cloud.session.client("s3")
    key = f"docker/registry/v2/repositories/test/{os.urandom(4).hex()}"
    where = {"Bucket": cloud.outputs["image_bucket"], "Key": key}
    owner.put_object(**where, Body=b"layer")
    yield where
    owner.delete_object(**where)


def begin(cloud: LocalCloud, target: dict[str, str]) -> dict[str, str]:
    upload = cloud.session.client("s3").create_multipart_upload(**target)
    return {**target, "UploadId": upload["UploadId"]}


# https://distribution.github.io/distribution/storage-drivers/s3/
BUCKET_CALLS = {
    "s3:ListBucket": "list_objects_v2",
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
    response = s3.get_object(Bucket=cloud.outputs["configuration_bucket"], Key=name)
    assert response["Body"].read()


@pytest.mark.parametrize("call", ["put_object", "delete_object"])
def test_the_configuration_cannot_be_changed(cloud: LocalCloud, s3: Any, call: str) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
        getattr(s3, call)(Bucket=cloud.outputs["configuration_bucket"], Key="nginx.htpasswd")


@pytest.mark.parametrize("call", ["get_object", "put_object", "list_objects_v2"])
def test_credentials_are_worth_nothing_outside_of_the_network(
    elsewhere: Any, target: dict[str, str], call: str
) -> None:
    arguments = {"Bucket": target["Bucket"]} if call == "list_objects_v2" else target
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(elsewhere, call)(**arguments)


def test_the_private_key_is_not_read_outside_of_the_network(
    cloud: LocalCloud, elsewhere: Any
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        elsewhere.get_object(Bucket=cloud.outputs["configuration_bucket"], Key="domain.key")


@pytest.mark.parametrize("key", ["blobs/sha256/ab/abcd/data", "elsewhere"])
def test_layers_are_deleted_by_operators_only(cloud: LocalCloud, s3: Any, key: str) -> None:
    where = {"Bucket": cloud.outputs["image_bucket"], "Key": f"docker/registry/v2/{key}"}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**where)


def test_hosts_write_what_the_page_shows(cloud: LocalCloud, s3: Any) -> None:
    facts = {"Bucket": cloud.outputs["image_bucket"], "Key": "page/hosts/test.json"}
    s3.put_object(**facts, Body=b"{}")
    assert s3.get_object(**facts)["Body"].read() == b"{}"
    s3.delete_object(**facts)


@pytest.mark.parametrize("call", ["put_object", "get_object"])
def test_the_registry_keeps_to_its_folder(cloud: LocalCloud, s3: Any, call: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(s3, call)(Bucket=cloud.outputs["image_bucket"], Key="test")


@pytest.mark.parametrize(
    "call", ["get_bucket_versioning", "get_bucket_policy", "list_object_versions"]
)
def test_neither_bucket_can_be_looked_into_further(cloud: LocalCloud, s3: Any, call: str) -> None:
    for bucket in ("image_bucket", "configuration_bucket"):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(s3, call)(Bucket=cloud.outputs[bucket])


def test_other_buckets_are_closed(cloud: LocalCloud, s3: Any) -> None:
    owner = cloud.session.client("s3")
    owner.create_bucket(Bucket="somebody-elses")
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.list_objects_v2(Bucket="somebody-elses")
    finally:
        owner.delete_bucket(Bucket="somebody-elses")
