"""Principals of the emulator: an administrator, and the services that vend role credentials."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from integration.local.api.aws_session import AwsSession, Credentials

#: The services that hand a role to what they run: ECS to tasks, EC2 to hosts.
SERVICES = ("ecs-tasks.amazonaws.com", "ec2.amazonaws.com")
#: Before enforcement any key will do.
_ANYONE = Credentials(access_key_id="test", secret_access_key="test")  # noqa: S106
_MAY_ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def enforce(endpoint: str) -> tuple[Credentials, dict[str, Credentials]]:
    """Make the first users of the moto at ``endpoint``, then let it enforce IAM for good.

    Returns the administrator's key, and for each of ``SERVICES`` one that may assume the roles
    whose trust policy names that service (``moto_access`` makes moto see them as the service).
    """
    iam = AwsSession(endpoint, _ANYONE).client("iam")

    def user(name: str) -> Credentials:
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(
            access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
        )

    administrator = user("administrator")
    iam.attach_user_policy(
        UserName="administrator", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    services = {service: user(service) for service in SERVICES}
    document = json.dumps({"Version": "2012-10-17", "Statement": [_MAY_ASSUME]})
    for service in services:
        iam.put_user_policy(UserName=service, PolicyName="vend", PolicyDocument=document)
    _respond_unsigned(endpoint, 0)
    return administrator, services


@contextmanager
def not_enforced(endpoint: str) -> Iterator[None]:
    """Switch off IAM in the moto at ``endpoint`` until the end of the context.

    moto's users exist in one partition only: in China and in GovCloud it knows none of them.
    """
    _respond_unsigned(endpoint, 1_000_000)
    try:
        yield
    finally:
        _respond_unsigned(endpoint, 0)


def _respond_unsigned(endpoint: str, requests: int) -> None:
    """Set the number of requests that moto still answers without asking who it is."""
    httpx.post(f"{endpoint}/moto-api/reset-auth", content=str(requests)).raise_for_status()
