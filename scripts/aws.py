"""The AWS account that the credentials of the shell lead to, with errors in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError


@contextmanager
def one_line_aws_errors() -> Iterator[None]:
    """Turn what AWS refuses, and what keeps a request from AWS, into click's one line.

    Raises:
        click.ClickException: in place of an error of boto3.
    """
    try:
        yield
    except NoCredentialsError:
        raise click.ClickException(
            "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        remedy = "allow it for the deploying user" if "Denied" in code else "check the credentials"
        text = " ".join(str(error).split())
        raise click.ClickException(f"AWS: {text}: {remedy}") from None
    except BotoCoreError as error:
        text = " ".join(str(error).split())
        raise click.ClickException(
            f"AWS: {text}: check the network, the AWS settings and aws_region"
        ) from None


def account(region: str | None = None) -> Any:
    """Return a session for the standard variables and profiles of AWS, which also have a region.

    Raises:
        click.ClickException: a variable or a profile has a value that boto3 cannot use.
    """
    session = boto3.Session(region_name=region)
    try:
        # The first client reads the endpoint and the credentials.
        session.client("sts")
    except ValueError as error:
        text = " ".join(str(error).split())
        raise click.ClickException(
            f"AWS: {text}: check AWS_ENDPOINT_URL, and the credentials that credential_process of "
            "the profile prints"
        ) from None
    return session
