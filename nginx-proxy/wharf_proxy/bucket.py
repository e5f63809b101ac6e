"""The configuration bucket: the proxy's files on their way to and from S3."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from wharf_proxy.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Seconds. The files are small and S3 is near: five attempts end within two minutes at worst.
NETWORK = Config(
    connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 5, "mode": "standard"}
)

_REMEDIES = {
    "NoSuchKey": "it is not in the bucket: publish it with `wharf publish`",
    "NoSuchBucket": "the bucket does not exist: check its name, and the account",
    "AccessDenied": (
        "access denied: allow {permission} for it, and make sure that it is published "
        "(S3 says the same of a missing object to those who may not list the bucket)"
    ),
    "403": "access denied: allow {permission} for it",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION to the bucket's",
    "AuthorizationHeaderMalformed": (
        "the bucket is in another region: set AWS_REGION to the bucket's"
    ),
    "InvalidAccessKeyId": "AWS does not know the access key: check the credentials",
    "SignatureDoesNotMatch": "AWS refuses the secret key: check the credentials",
    "ExpiredToken": "the credentials have expired: renew them",
}
"""What to do about the error codes of S3 that an operator can meet."""


@dataclass(frozen=True)
class Stored:
    """An object: its content, and the metadata that its writer gave to it."""

    content: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


class Bucket:
    """The configuration bucket, reached with the credentials that boto3 finds by itself.

    The standard variables AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL are honoured.

    Usage:
        Bucket("my-configuration", region="eu-west-1").download("domain.crt")
    """

    def __init__(self, name: str, *, region: str | None = None) -> None:
        self.name = name
        with one_line_errors(name, "s3:ListBucket"):
            self._client = connect(region)

    def download(self, key: str) -> bytes:
        """Return an object's content.

        Raises:
            ConfigurationError: bucket, object and remedy.
        """
        with one_line_errors(f"{self.name}/{key}", "s3:GetObject"):
            return self._client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def download_optional(self, key: str) -> bytes | None:
        """Return an object's content, None if there is no such object.

        S3 reports a missing object only to roles that may list the bucket; others get 403.

        Raises:
            ConfigurationError: bucket, object and remedy.
        """
        stored = self.read(key)
        return None if stored is None else stored.content

    def read(self, key: str) -> Stored | None:
        """Return an object, None if there is no such object, under the same conditions.

        Raises:
            ConfigurationError: bucket, object and remedy.
        """
        with one_line_errors(f"{self.name}/{key}", "s3:GetObject, and s3:ListBucket"):
            try:
                response = self._client.get_object(Bucket=self.name, Key=key)
                return Stored(response["Body"].read(), response["Metadata"])
            except self._client.exceptions.NoSuchKey:
                return None

    def version(self, key: str) -> str | None:
        """Return the entity tag of an object, None if there is no such object.

        Raises:
            ConfigurationError: bucket, object and remedy.
        """
        with one_line_errors(f"{self.name}/{key}", "s3:GetObject, and s3:ListBucket"):
            try:
                return self._client.head_object(Bucket=self.name, Key=key)["ETag"]
            except ClientError as error:
                # A response to HEAD has no body, so its only code is the status.
                if error.response["Error"]["Code"] != "404":
                    raise
                return None

    def upload(self, files: Mapping[str, bytes], metadata: Mapping[str, str] | None = None) -> None:
        """Write objects in the given order, each with the same metadata.

        Raises:
            ConfigurationError: bucket, object and remedy, and the objects written before.
        """
        written: list[str] = []
        for key, content in files.items():
            try:
                with one_line_errors(f"{self.name}/{key}", "s3:PutObject"):
                    self._client.put_object(
                        Bucket=self.name, Key=key, Body=content, Metadata=metadata or {}
                    )
            except ConfigurationError as error:
                done = f"{', '.join(written)} written before" if written else "nothing written"
                raise ConfigurationError(f"{error} ({done})") from None
            written.append(key)


def connect(region: str | None, config: Config = NETWORK) -> "S3Client":
    """Return a client of S3 for the standard variables.

    Raises:
        ConfigurationError: one of them is no endpoint or region.
    """
    # boto3 1.26 (Debian 12) does not read these variables, newer versions do.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    try:
        return boto3.client("s3", region_name=region, endpoint_url=endpoint, config=config)
    except (JSONDecodeError, UnicodeError):
        raise  # of the credentials: `one_line_errors` knows them
    except ValueError as error:  # boto3's word for an endpoint or region that is no such thing
        raise ConfigurationError(
            f"{error}: check AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and AWS_REGION"
        ) from None


def sts_url(region: str | None) -> str:
    """Return ``https://HOST`` of the region's STS, or what the standard variables name.

    Raises:
        ConfigurationError: there is no such region.
    """
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_STS") or os.environ.get("AWS_ENDPOINT_URL"):
        return endpoint.rstrip("/")
    session = botocore.session.get_session()
    # Otherwise botocore 1.29 (Debian 12) names the global endpoint for older regions.
    session.set_config_variable("sts_regional_endpoints", "regional")
    region = region or session.get_config_variable("region") or "us-east-1"
    try:
        client = session.create_client(
            "sts",
            region,
            # Without keys, botocore would look for some.
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106
        )
        return str(client.meta.endpoint_url)
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"{error}: check AWS_REGION") from None


@contextmanager
def one_line_errors(place: str, permission: str) -> Iterator[None]:
    """Turn what boto3 raises into one line: the place (bucket, or bucket and key) and the remedy.

    Raises:
        ConfigurationError: in place of an error of boto3.
    """
    try:
        yield
    except ClientError as error:
        raise ConfigurationError(f"s3://{place}: {_remedy(error, permission)}") from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ConfigurationError(
            f"s3://{place}: no AWS credentials ({_line(error)}): give the task a role, "
            "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ParamValidationError:
        raise ConfigurationError(
            f"s3://{place}: not a possible bucket name: check its spelling"
        ) from None
    except JSONDecodeError as error:
        raise ConfigurationError(
            f"s3://{place}: AWS credentials are no JSON ({_line(error)}): run what "
            "credential_process of the profile names by hand, or log in again"
        ) from None
    except UnicodeError as error:
        raise ConfigurationError(
            f"s3://{place}: AWS settings or credentials are no text here ({_line(error)}): "
            "write them in UTF-8, and set LC_ALL=C.UTF-8"
        ) from None
    except (ConnectionError, HTTPClientError) as error:
        raise ConfigurationError(
            f"s3://{place}: S3 cannot be reached ({_line(error)}): check the network, "
            "AWS_REGION and AWS_ENDPOINT_URL_S3"
        ) from None
    except BotoCoreError as error:
        raise ConfigurationError(f"s3://{place}: {_line(error)}: check the AWS settings") from None


def _remedy(error: ClientError, permission: str) -> str:
    code = error.response.get("Error", {}).get("Code", "unknown error")
    other = f"S3 responds {code} ({_line(error)}): check the bucket"
    return _REMEDIES.get(code, other).format(permission=permission)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
