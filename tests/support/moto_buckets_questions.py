"""Questions about buckets: see ``test_moto_corrections``."""

import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError

from integration.local.emulator.process import Emulator
from tests.support.aws_samples import bucket, client
from tests.support.moto_access_questions import ADMINISTRATOR


def replication_tells_what_it_selects(aws: Emulator) -> bool:
    name, copies, s3 = bucket(aws), bucket(aws), client(aws, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    selected = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    rule = {
        "ID": "r",
        "Status": "Enabled",
        "Filter": {"Prefix": "images/"},
        "SourceSelectionCriteria": selected,
        "Destination": {"Bucket": f"arn:aws:s3:::{copies}"},
    }
    s3.put_bucket_replication(
        Bucket=name, ReplicationConfiguration={"Role": ADMINISTRATOR, "Rules": [rule]}
    )
    told = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"][0]
    found = (told["Filter"], told.get("SourceSelectionCriteria"))
    return bool(found == (rule["Filter"], selected))


def missing_uploads_are_unknown(aws: Emulator) -> bool:
    with pytest.raises(ClientError) as failure:
        client(aws, "s3").upload_part(
            Bucket=bucket(aws), Key="a", UploadId="none", PartNumber=1, Body=b""
        )
    return bool(failure.value.response["Error"]["Code"] == "NoSuchUpload")


def long_keys_are_refused(aws: Emulator) -> bool:
    name, s3 = bucket(aws), client(aws, "s3")
    s3.put_object(Bucket=name, Key="k" * 1024)
    try:
        s3.put_object(Bucket=name, Key="k" * 1025)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "KeyTooLongError")
    return False


def suspended_buckets_can_be_emptied(aws: Emulator) -> bool:
    name, s3 = bucket(aws), client(aws, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket=name, Key="a/b")["VersionId"]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket=name, Key="a/b", VersionId=marker)
    return "DeleteMarkers" not in s3.list_object_versions(Bucket=name)


def folders_of_deleted_objects_are_not_listed(aws: Emulator) -> bool:
    name, s3 = bucket(aws), client(aws, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="a/b")
    s3.delete_object(Bucket=name, Key="a/b")
    return "CommonPrefixes" not in s3.list_objects_v2(Bucket=name, Delimiter="/")


def copies_have_a_checksum_of_their_own(aws: Emulator) -> bool:
    name, s3 = bucket(aws), client(aws, "s3")
    upload = {"Bucket": name, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="CRC32")["UploadId"]
    parts = []
    for number, content in enumerate((bytes(5 * 1024 * 1024), b"end"), 1):
        sent = s3.upload_part(**upload, PartNumber=number, Body=content, ChecksumAlgorithm="CRC32")
        part = {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}
        parts.append(part)
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "parts"})
    try:
        return bool(s3.get_object(Bucket=name, Key="copy")["Body"].read().endswith(b"end"))
    except FlexibleChecksumError:
        return False


QUESTIONS = [
    replication_tells_what_it_selects,
    missing_uploads_are_unknown,
    long_keys_are_refused,
    suspended_buckets_can_be_emptied,
    folders_of_deleted_objects_are_not_listed,
    copies_have_a_checksum_of_their_own,
]
