#!/usr/bin/env python3
"""Log in to Wharf with an AWS identity: a credential helper of Docker, and one of the kubelet.

The password is a presigned request to AWS's STS, good for 15 minutes and for one registry. This
file needs nothing but boto3: copy it to a folder of the PATH as docker-credential-wharf.

    echo registry.example.com | docker-credential-wharf get
    docker-credential-wharf kubelet < CredentialProviderRequest.json
"""

# For Python 3.9, which servers with Amazon Linux 2023 have.
from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Callable

try:
    import boto3
    import botocore.session
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.utils import IMDSRegionProvider
except ImportError as missing:
    print(line := f"docker-credential-wharf: {missing}: install boto3 (python3-boto3)")
    sys.exit(line)

USER = "aws"
"""The user's name, which says what the password is."""

HEADER = "x-wharf-registry"
LIFE = 900
"""Seconds; a registry accepts no more, and STS neither."""

CACHED = "10m0s"
"""How long the kubelet uses a password again: less than LIFE."""

REGION = "WHARF_REGION"
"""The registry's AWS region, if it is not the one that boto3 finds."""


class HelperError(Exception):
    """One line for a person: what is missing, and the remedy."""


def main() -> None:
    """Carry out the command that the program is called with."""
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command not in COMMANDS:
        sys.exit(f"docker-credential-wharf: write one of {', '.join(COMMANDS)} as its argument")
    try:
        print(COMMANDS[command](sys.stdin.read()))
    except (HelperError, BotoCoreError, ClientError, UnicodeError) as error:
        # Docker shows the standard output of a helper that fails, the kubelet its errors.
        line = f"docker-credential-wharf: {' '.join(str(error).split())}"
        print(line, file=sys.stderr if command == "kubelet" else sys.stdout)
        sys.exit(1)


def get(text: str) -> str:
    """Return the login of a registry.

    https://github.com/docker/docker-credential-helpers
    """
    login = {"ServerURL": text.strip(), "Username": USER, "Secret": proof(registry_name(text))}
    return json.dumps(login)


def store(_: str) -> str:
    """Refuse a password: none is needed, and none is kept."""
    raise HelperError("it makes each password itself: `docker login` is not needed")


def erase(_: str) -> str:
    """Forget a password: none is kept."""
    return ""


def list_logins(_: str) -> str:
    """Return the logins that are kept: none."""
    return "{}"


def kubelet(text: str) -> str:
    """Return a response to the kubelet.

    https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
    """
    try:
        request = json.loads(text)
        version, image = request["apiVersion"], request["image"]
        host = registry_name(image)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HelperError("the input is no CredentialProviderRequest with an image") from None
    response = {
        "apiVersion": version,
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "cacheDuration": CACHED,
        "auth": {host: {"username": USER, "password": proof(host)}},
    }
    return json.dumps(response)


COMMANDS: dict[str, Callable[[str], str]] = {
    "get": get,
    "store": store,
    "erase": erase,
    "list": list_logins,
    "kubelet": kubelet,
}


def registry_name(address: str) -> str:
    """Return the name of the registry in a URL or in an image, with a port that is not 443."""
    host = address.strip().removeprefix("https://").partition("/")[0].lower().removesuffix(":443")
    if not re.fullmatch(r"[a-z0-9.-]+(:[0-9]+)?", host):
        raise HelperError(f"{address.strip()!r} names no registry: write its host name")
    return host


def proof(registry: str) -> str:
    """Return a request to STS for this registry, signed with the credentials that boto3 finds.

    Raises:
        HelperError: there are no credentials, or no region.
    """
    session = boto3.Session()
    found = session.get_credentials()
    if found is None:
        raise HelperError(
            "no AWS credentials: give the machine a role, or log in with `aws sso login`"
        )
    named = os.environ.get(REGION) or os.environ.get("AWS_REGION")  # boto3 does not read it
    region = named or session.region_name or _region_of_instance()
    if not region:
        raise HelperError(f"no AWS region: set {REGION} to the registry's region")
    request = AWSRequest(
        method="GET",
        url=f"{sts_url(region)}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={HEADER: registry},
    )
    frozen = found.get_frozen_credentials()
    SigV4QueryAuth(frozen, "sts", region, expires=LIFE).add_auth(request)
    return base64.urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")


def sts_url(region: str) -> str:
    """Return the URL of a region's STS."""
    session = botocore.session.get_session()
    # Otherwise older versions of botocore name the global one for some regions.
    session.set_config_variable("sts_regional_endpoints", "regional")
    # The registry sends the request, and to this endpoint only, whatever this machine uses.
    session.set_config_variable("use_fips_endpoint", False)
    session.set_config_variable("use_dualstack_endpoint", False)
    client = session.create_client(
        "sts",
        region,
        # Without keys, botocore would look for some.
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106
    )
    return str(client.meta.endpoint_url)


def _region_of_instance() -> str | None:
    region: str | None = IMDSRegionProvider(botocore.session.get_session()).provide()
    return region


if __name__ == "__main__":
    main()
