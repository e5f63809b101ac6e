"""Hosts of a local cloud that mirror a registry on this machine as docker.io."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from integration.local.cloud import LocalCloud
from integration.local.upstream import Upstream

LOGIN = ("robot", "password-of-the-robot")
#: Seconds for which a host does not look up a tag again.
TAG_SECONDS = 2


@contextmanager
def mirrored_hosts(cloud: LocalCloud) -> Iterator[Upstream]:
    """Let the hosts mirror docker.io; yield its upstream, which ends with the block.

    The hosts keep the setting: take the cloud down after the block, or apply the stack again.
    """
    secrets = cloud.session.client("secretsmanager")
    login = json.dumps({"username": LOGIN[0], "password": LOGIN[1]})
    secret = secrets.create_secret(Name=f"docker-hub-{os.urandom(4).hex()}", SecretString=login)[
        "ARN"
    ]
    try:
        with Upstream(cloud.network.gateway, LOGIN).serving() as upstream:
            upstream.trust(cloud.endpoints.trust)
            mirror = {"url": upstream.url, "secret": secret, "tag_seconds": TAG_SECONDS}
            cloud.terraform_with({"mirrors": {"docker.io": mirror}}).apply()
            cloud.reconcile()
            yield upstream
    finally:
        secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
