"""The emulator's life, and what its S3 allows a task."""

from collections.abc import Iterator
from typing import Any, Literal

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from integration.local.api.aws_session import Credentials
from integration.local.api.inventory import inventory
from integration.local.emulator.process import Emulator
from tests.support.aws_samples import bucket, role

#: What distribution asks of S3, on the bucket and on its objects.
ON_BUCKET = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
ON_OBJECTS = [
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
]
KEY = "docker/registry/v2/blobs/sha256/ab/cd ef+/data"
Addressing = Literal["path", "virtual"]
#: What clients of S3 sign: (addressing, endpoint), None for the emulator's own address.
ADDRESSES = [
    ("path", None),
    ("path", "https://s3.us-east-1.amazonaws.com"),
    ("path", "https://s3.amazonaws.com"),
    ("virtual", "https://s3.us-east-1.amazonaws.com"),
    ("virtual", "https://s3.amazonaws.com"),
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator.start(tmp_path_factory.mktemp("emulator") / "log")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def images(emulator: Emulator) -> str:
    return bucket(emulator)


@pytest.fixture(scope="module")
def task(emulator: Emulator, images: str) -> Credentials:
    """Return credentials of a task that may use the bucket of images as the registry does."""
    arn = f"arn:aws:s3:::{images}"
    allow = {"Action": [*ON_BUCKET, *ON_OBJECTS], "Resource": [arn, f"{arn}/*"]}
    return emulator.assume_role(role(emulator, {"Service": "ecs-tasks.amazonaws.com"}, allow=allow))


def s3_through_a_front(
    emulator: Emulator, credentials: Credentials, addressing: Addressing, endpoint: str | None
) -> Any:
    """Return a client that signs for ``endpoint`` and reaches the emulator, as by a TLS front."""
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint or emulator.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.token,
        config=Config(s3={"addressing_style": addressing}, retries={"total_max_attempts": 1}),
    )

    def send_on(request: AWSPreparedRequest, **_: Any) -> None:
        url = httpx.URL(request.url)
        request.headers["Host"] = url.netloc.decode()
        request.url = emulator.endpoint + url.raw_path.decode()

    s3.meta.events.register("before-send.s3", send_on)
    return s3


def refused(call: Any, **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as problem:
        return problem.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return False


@pytest.mark.parametrize(("addressing", "endpoint"), ADDRESSES)
def test_a_task_stores_objects(
    emulator: Emulator, task: Credentials, images: str, addressing: Addressing, endpoint: str | None
) -> None:
    s3 = s3_through_a_front(emulator, task, addressing, endpoint)
    of = {"Bucket": images, "Key": KEY}
    s3.put_object(**of, Body=b"0123456789")
    assert s3.get_object(**of, Range="bytes=2-4")["Body"].read() == b"234"
    assert s3.head_object(**of)["ContentLength"] == 10
    listed = s3.list_objects_v2(Bucket=images, Prefix="docker/registry/", Delimiter="/")
    assert listed["CommonPrefixes"] == [{"Prefix": "docker/registry/v2/"}]
    s3.get_bucket_location(Bucket=images)
    assert "Errors" not in s3.delete_objects(Bucket=images, Delete={"Objects": [{"Key": KEY}]})


@pytest.mark.parametrize(("addressing", "endpoint"), ADDRESSES)
def test_a_task_uploads_in_parts(
    emulator: Emulator, task: Credentials, images: str, addressing: Addressing, endpoint: str | None
) -> None:
    s3 = s3_through_a_front(emulator, task, addressing, endpoint)
    s3.put_object(Bucket=images, Key="tail", Body=b"tail")
    upload = s3.create_multipart_upload(Bucket=images, Key=KEY)["UploadId"]
    of = {"Bucket": images, "Key": KEY, "UploadId": upload}
    first = s3.upload_part(**of, PartNumber=1, Body=bytes(5 * 1024 * 1024))["ETag"]
    copied = s3.upload_part_copy(**of, PartNumber=2, CopySource={"Bucket": images, "Key": "tail"})
    second = copied["CopyPartResult"]["ETag"]
    assert len(s3.list_parts(**of)["Parts"]) == 2
    assert s3.list_multipart_uploads(Bucket=images)["Uploads"][0]["UploadId"] == upload
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    s3.copy_object(Bucket=images, Key="copy", CopySource={"Bucket": images, "Key": KEY})
    assert s3.get_object(Bucket=images, Key="copy", Range="bytes=-4")["Body"].read() == b"tail"


def test_a_task_may_do_nothing_else(emulator: Emulator, task: Credentials, images: str) -> None:
    s3 = emulator.session(task).client("s3")
    assert refused(s3.get_object_acl, Bucket=images, Key="a/b")
    assert refused(s3.delete_bucket, Bucket=images)
    assert refused(s3.list_buckets)
    assert refused(emulator.session(task).client("iam").list_users)


def test_a_task_has_no_other_bucket(emulator: Emulator, task: Credentials) -> None:
    other, s3 = bucket(emulator), emulator.session(task).client("s3")
    assert refused(s3.get_object, Bucket=other, Key="a/b")
    assert refused(s3.put_object, Bucket=other, Key="a/b", Body=b"")
    assert refused(s3.list_objects_v2, Bucket=other)


@pytest.mark.parametrize(
    ("action", "operation", "arguments"),
    [
        ("s3:GetObject", "get_object", {"Key": "a/b"}),
        ("s3:PutObject", "put_object", {"Key": "c"}),
        ("s3:DeleteObject", "delete_object", {"Key": "c"}),
        ("s3:ListBucket", "list_objects_v2", {}),
        ("s3:GetBucketLocation", "get_bucket_location", {}),
        ("s3:ListBucketMultipartUploads", "list_multipart_uploads", {}),
        ("s3:AbortMultipartUpload", "abort_multipart_upload", {"Key": "c", "UploadId": "?"}),
        ("s3:ListMultipartUploadParts", "list_parts", {"Key": "c", "UploadId": "?"}),
    ],
)
def test_each_action_is_needed(
    emulator: Emulator, images: str, action: str, operation: str, arguments: dict[str, str]
) -> None:
    others = [other for other in [*ON_BUCKET, *ON_OBJECTS] if other != action]
    principal = {"Service": "ecs-tasks.amazonaws.com"}
    without = role(emulator, principal, allow={"Action": others, "Resource": "*"})
    s3 = emulator.session(emulator.assume_role(without)).client("s3")
    assert refused(getattr(s3, operation), Bucket=images, **arguments)


@pytest.mark.parametrize("path", ["/", "/{bucket}", "/{bucket}/a/b"])
def test_nobody_is_refused(emulator: Emulator, images: str, path: str) -> None:
    assert httpx.get(emulator.endpoint + path.format(bucket=images)).status_code == 403


def test_it_is_picked_up_where_it_was_written_down(emulator: Emulator) -> None:
    again = Emulator.model_validate_json(emulator.model_dump_json())
    assert again.model_dump() == emulator.model_dump()
    assert again.is_running
    identity = again.session().client("sts").get_caller_identity()
    assert identity["Arn"].endswith(":user/administrator")


def test_the_inventory_names_what_came(emulator: Emulator) -> None:
    before = inventory(emulator.session())
    name = bucket(emulator)
    assert inventory(emulator.session()) - before == {f"s3/list_buckets/{name}"}


def test_the_inventory_names_capacity_providers_while_they_are_there(emulator: Emulator) -> None:
    before, ecs = inventory(emulator.session()), emulator.session().client("ecs")
    group = {"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:group"}
    made = ecs.create_capacity_provider(name="hosts", autoScalingGroupProvider=group)
    arn = made["capacityProvider"]["capacityProviderArn"]
    assert inventory(emulator.session()) - before == {arn}
    ecs.delete_capacity_provider(capacityProvider="hosts")
    assert inventory(emulator.session()) == before


def test_the_inventory_names_the_records_of_a_zone(emulator: Emulator) -> None:
    before, route53 = inventory(emulator.session()), emulator.session().client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    assert inventory(emulator.session()) == before
    record = {
        "Name": "registry.example.com",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    assert inventory(emulator.session()) - before == {f"route53{zone}/registry.example.com./A"}
