"""What hosts have logged until now."""

import os
from functools import partial
from pathlib import Path

from integration.deployment import Deployment
from integration.local.cloud import LocalCloud
from integration.settled import settled

#: Each logs every request, after its answer.
CONTAINERS = ("nginx", "registry")


def await_logs(cloud: LocalCloud, deployment: Deployment) -> None:
    """Wait until every host has logged what it was asked before.

    For lines that must not be there: they may be on their way. So each host is asked once more, and
    the line of that is waited for.
    """
    for host, door in zip(cloud.hosts, deployment.hosts, strict=True):
        mark = f"mark-{os.urandom(4).hex()}"
        with deployment.client(door) as client:
            client.get(f"/v2/{mark}/tags/list")
        for container in CONTAINERS:
            settled(f"the log of {container}", partial(_holds, host.log(container), mark), True)


def _holds(log: Path, text: str) -> bool:
    return text in log.read_text(errors="replace")
