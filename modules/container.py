"""Definitions of the containers, and their log groups."""

import json
from collections.abc import Mapping
from typing import Any

from modules.bindings.aws import CloudwatchLogGroup, Construct
from modules.expressions import CUSTOMER_KEY, number

#: The only folder that the proxy's image writes to, in memory; it holds the private key, and small
#: files.
PROXY_FOLDER = {
    "containerPath": "/var/lib/wharf",
    "size": 32,
    "mountOptions": ["noexec", "nosuid", "nodev"],
}
#: Containers get no privilege at all, and cannot change their own programs.
CONFINED: dict[str, Any] = {"capabilities": {"drop": ["ALL"]}}
#: A program with the bits setuid or setgid, or with capabilities of its file, gets none of them.
SECURITY_OPTIONS = ["no-new-privileges"]


def log_group(scope: Construct, id: str, container: str) -> str:
    """Make the log group of a container; return its name."""
    group = CloudwatchLogGroup(
        scope,
        id,
        name=f"/wharf/${{var.name}}/{container}",
        kms_key_id=CUSTOMER_KEY,
        retention_in_days=number("var.log_retention_days"),
    )
    return str(group.name)


def definition(
    name: str,
    *,
    image: str,
    environment: Mapping[str, str],
    logs: str,
    log_options: Mapping[str, str] | None = None,
    **more: Any,
) -> str:
    """Return the definition of a container, in JSON.

    Args:
        name: of the container.
        image: its image.
        environment: its variables; ``AWS_REGION`` is added.
        logs: the name of its log group.
        log_options: more options of the log driver.
        more: more of ECS's parameters.
    """
    variables = {**environment, "AWS_REGION": "${var.aws_region}"}
    options = {
        "awslogs-group": logs,
        "awslogs-region": "${var.aws_region}",
        "awslogs-stream-prefix": name,
        **(log_options or {}),
    }
    return json.dumps(
        {
            "name": name,
            "image": image,
            "essential": True,
            "readonlyRootFilesystem": True,
            "dockerSecurityOptions": SECURITY_OPTIONS,
            "environment": [
                {"name": key, "value": value} for key, value in sorted(variables.items())
            ],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **more,
        }
    )
