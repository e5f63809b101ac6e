"""Logs of hosts."""

import json
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.load.watch import CONTAINERS
from integration.local.cloud import LocalCloud


def await_logs(cloud: LocalCloud, deployment: Deployment) -> None:
    """Wait until every host has logged all earlier requests.

    A test that no line exists needs it, because a line may be on its way. Each host gets one more
    request, for an absent manifest: nginx logs every request, the registry each that fails.
    """
    for host, door in zip(cloud.hosts, deployment.hosts, strict=True):
        mark = f"mark-{os.urandom(4).hex()}"
        with deployment.client(door) as client:
            client.get(f"/v2/{mark}/manifests/1")
        for container in CONTAINERS:
            wait_until(f"the log of {container}", partial(_holds, host.log(container), mark), True)


class Request(NamedTuple):
    """A request that a proxy has logged; the path has no query."""

    method: str
    path: str
    status: int


def requests_for(cloud: LocalCloud, deployment: Deployment, repository: str) -> list[Request]:
    """Return the requests for a repository that all hosts have logged, host by host."""
    await_logs(cloud, deployment)
    mark = f'"repository":{json.dumps(repository)}'
    lines = [line for host in cloud.hosts for line in _lines(host.log("nginx")) if mark in line]
    entries = [json.loads(line[line.index("{") :]) for line in lines]
    return [Request(entry["method"], entry["uri"], entry["status"]) for entry in entries]


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def _holds(log: Path, text: str) -> bool:
    return text in log.read_text(errors="replace")
