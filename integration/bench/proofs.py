"""A login of a server by its instance role, in the place of a user and a password."""

import dataclasses
import json
import os
import sys

from integration.console.waiting import wait_until
from integration.local.registry import REPOSITORY, LocalRegistry, publish
from scripts.programs import output_of

HELPER = REPOSITORY / "scripts" / "docker_credential_wharf.py"
#: Seconds until every host has seen what was published: by default it looks each minute.
PATIENCE = 90


def proof_login(registry: LocalRegistry) -> str:
    """Return ``user:password`` of a server that has the hosts' role; let it in, if need be.

    Raises:
        AssertionError: a host does not accept the login.
    """
    cloud, deployment = registry.cloud, registry.deployment
    name = deployment.url.removeprefix("https://")
    region = cloud.emulator.region
    iam = cloud.session.client("iam")
    role = iam.get_role(RoleName=f"wharf-host-{region}")["Role"]["Arn"]
    folder = registry.directory / "configuration"
    file = folder / "identities.toml"
    if not file.exists():
        file.write_text(f'registry = "{name}"\n[[aws]]\narn = "{role}"\nuser = "servers"\n')
        publish(cloud, folder)
    keys = cloud.emulator.assume_role(role, service="ec2.amazonaws.com")
    said = output_of(
        "The credential helper",
        [sys.executable, str(HELPER), "get"],
        RuntimeError,
        text=name,
        env={
            **os.environ,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": keys.token or "",
            "WHARF_REGION": region,
        },
    )
    login = json.loads(said)
    server = dataclasses.replace(deployment, username=login["Username"], password=login["Secret"])

    def statuses() -> set[int]:
        found = set()
        for url in server.hosts:
            with server.client(url) as client:
                found.add(client.get("/v2/").status_code)
        return found

    wait_until("logins by identity", statuses, {200}, PATIENCE)
    return f"{login['Username']}:{login['Secret']}"
